"""What the bar says of an answer, and that everybody can read it."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ..loopback import Hold, Script, delta, end, event, refusal, start
from .conftest import Lab, Notebook
from .test_segments import CONTENT, ENVELOPE, send


def calling(kind: str, name: str) -> bytes:
    block = {"type": kind, "id": "t1", "name": name, "input": {}}
    return event("content_block_start", index=0, content_block=block)


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("server_tool_use", "web_search", "Searching the web"),
        ("server_tool_use", "code_execution", "Running code"),
        ("tool_use", "get_weather", "Calling get_weather"),
    ],
)
def test_the_state_says_what_goes_on(
    page: Page, lab: Lab, kind: str, name: str, words: str, app: str
) -> None:
    lab.api.play(Script([ENVELOPE, calling(kind, name), Hold()]))
    Notebook(page, lab, lab.write(f"doing-{name}-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-state")).to_have_text(words)
    page.locator(".ns-stop").click()
    expect(page.locator(".ns-live")).to_have_count(0)


def test_the_wait_for_another_try_counts_down(page: Page, lab: Lab, app: str) -> None:
    busy = refusal(529, "overloaded_error", "Overloaded", **{"retry-after": "8"})
    lab.api.play(busy)
    Notebook(page, lab, lab.write(f"countdown-{app}", "%%claude x\nGo."), app=app).run_all()
    state = page.locator(".ns-state")
    expect(state).to_contain_text("in 8.0 s")
    expect(state).to_contain_text("in 5.")
    page.locator(".ns-stop").click()
    expect(page.locator(".ns-live")).to_have_count(0)


TEXT = "# Title\n\nSome [link](https://a.example) and $x$.\n\n- [x] a task\n- [ ] another\n\n"
MORE = (
    "```python\nx = 1  # a comment\ny = 'words'\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end."
)


NOT_OURS = {"link-in-text-block": {"enabled": False}}  # JupyterLab's links are not underlined.


def find_faults(page: Page, selector: str, *, look: str) -> list[str]:
    """Return what axe-core finds in a part of the page.

    The colours of code are those of JupyterLab's theme, and forced colours those of the system.
    """
    # The body of JupyterLab is 0 px high and clips what overflows: to axe-core all text is hidden
    # then, and it looks at no contrast.
    page.evaluate("document.body.style.overflow = 'visible'")
    context = {"include": [[selector]], "exclude": [["pre span"]]}
    rules = NOT_OURS | {"color-contrast": {"enabled": look != "forced"}}
    results = Axe().run(page, context, {"rules": rules}).response
    used = {one["id"] for one in results["passes"] + results["violations"]}
    assert ("color-contrast" in used) == (look != "forced")
    faults = ((one["id"], node["html"]) for one in results["violations"] for node in one["nodes"])
    return [f"{rule}: {html}" for rule, html in faults]


@pytest.mark.parametrize("look", ["light", "dark", "forced"])
def test_nothing_keeps_anybody_from_reading_an_answer(
    page: Page, lab: Lab, look: str, app: str
) -> None:
    colours: Literal["active", "none"] = "active" if look == "forced" else "none"
    page.emulate_media(forced_colors=colours)
    hold = Hold()
    lab.api.play(Script([start(), delta(TEXT + MORE), hold, end()]))
    notebook = Notebook(page, lab, lab.write(f"axe-{look}-{app}", "%%claude x\nGo."), app=app)
    notebook.use_theme("Dark" if look == "dark" else "Light")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("The end.")
    assert not find_faults(page, ".ns-live", look=look)
    pulse = page.locator(".ns-pulse").evaluate("e => getComputedStyle(e).backgroundColor")
    bar = page.locator(".ns-bar").evaluate("e => getComputedStyle(e).backgroundColor")
    assert pulse != bar
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(page.locator(".jp-OutputArea mjx-container")).to_have_count(1)
    assert not [one for one in find_faults(page, ".jp-OutputArea", look=look) if "jp-" not in one]


LONG = {"type": "text", "text": "".join(f"Paragraph {n}.\n\n" for n in range(40))}


@pytest.mark.parametrize("look", ["light", "dark", "forced"])
def test_nothing_keeps_anybody_from_what_stands_around_the_text(
    page: Page, lab: Lab, look: str, app: str
) -> None:
    """Thinking, sources, the jump to the end, an answer that was stopped, and a fault."""
    page.emulate_media(forced_colors="active" if look == "forced" else "none")
    lab.api.play(Script([ENVELOPE, *send([LONG, *CONTENT]), Hold()]))
    lab.api.play(refusal(401, "authentication_error", "invalid x-api-key"))
    path = lab.write(f"around-{look}-{app}", "%%claude x\nGo.", "%%claude y\nGo.")
    notebook = Notebook(page, lab, path, app=app)
    notebook.use_theme("Dark" if look == "dark" else "Light")
    notebook.run_all()
    expect(page.locator(".ns-text details")).to_have_count(3)
    for fold in page.locator(".ns-text summary").all():
        fold.click()
    page.locator(".jp-CodeCell").first.evaluate("cell => cell.scrollIntoView()")
    expect(page.locator(".ns-jump")).to_be_visible()
    assert not find_faults(page, ".ns-live", look=look)
    assert not find_faults(page, ".ns-jump", look=look)
    page.locator(".ns-jump").click()
    page.locator(".ns-stop").click()
    expect(notebook.output(1).locator("p").last).to_contain_text("Stopped")
    expect(notebook.output(2).locator("p").first).to_contain_text("Error")
    faults = find_faults(page, ".jp-OutputArea", look=look)
    assert not [one for one in faults if "jp-" not in one]
