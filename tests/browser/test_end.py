"""The bar below the text, and the end of an answer: nothing jumps, and it is said and seen once."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ..loopback import Hold, Script, delta, end, refusal, start
from .conftest import Lab, Notebook
from .test_live import LONG, WATCH
from .test_segments import ENVELOPE, send

ACTIVE = re.compile("jp-mod-active")
INSIDE = "!!document.activeElement.closest('.jp-Notebook .jp-Cell')"
FOCUSED = "document.activeElement.outerHTML.slice(0, 99)"
FORMULA = "$$\n\\int_0^1 \\frac{e^{-x^2}}{1+x}\\,dx\n$$\n\n"


def play(lab: Lab, text: str, *, stop_reason: str = "end_turn") -> Hold:
    """Have an answer come, which ends once the hold lets go."""
    hold = Hold()
    lab.api.play(Script([start(), delta(text), hold, end(stop_reason)]))
    return hold


def see_the_end(page: Page) -> None:
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(page.locator(".jp-OutputArea small")).to_be_visible()


def box_of(page: Page, selector: str) -> Any:
    return page.locator(selector).last.bounding_box()


@pytest.mark.parametrize(("width", "theme"), [(1300, "Light"), (420, "Light"), (420, "Dark")])
def test_the_bar_stands_below_the_text_and_the_text_never_moves(
    page: Page, lab: Lab, app: str, width: int, theme: str
) -> None:
    hold = play(lab, "Short.")
    path = lab.write(f"bar-{app}-{width}-{theme}", "%%claude x\nGo.")
    notebook = Notebook(page, lab, path, app=app)
    notebook.use_theme(theme)
    notebook.run_all()
    page.set_viewport_size({"width": width, "height": 900})
    expect(page.locator(".ns-text p")).to_have_text("Short.")
    text, bar = box_of(page, ".ns-text p"), box_of(page, ".ns-bar")
    assert bar["y"] >= text["y"] + text["height"]
    assert text["y"] - box_of(page, ".ns-live")["y"] < 10
    page.evaluate(WATCH, "Short.")
    hold.let_go.set()
    see_the_end(page)
    frames = page.evaluate("window.places.length")
    page.wait_for_function("n => window.places.length > n + 5", arg=frames)
    places = page.evaluate("window.places")
    assert max(abs(place - text["y"]) for place in places) < 1, places
    assert abs(box_of(page, ".jp-OutputArea small")["y"] - bar["y"]) < 16


def test_the_bar_is_at_the_edge_while_the_end_is_out_of_sight(
    page: Page, lab: Lab, app: str
) -> None:
    hold = play(lab, LONG)
    Notebook(page, lab, lab.write(f"edge-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-text p")).to_have_count(40)
    page.locator(".ns-text h2").nth(5).evaluate("e => e.scrollIntoView({block: 'start'})")
    expect(page.locator(".ns-jump")).to_be_visible()
    edge = page.locator(".jp-WindowedPanel-outer").evaluate(
        "e => e.getBoundingClientRect().top + e.clientHeight"
    )
    bar = box_of(page, ".ns-bar")
    assert abs(bar["y"] + bar["height"] - edge) < 2
    hold.let_go.set()
    see_the_end_of_a_long_one(page)


def see_the_end_of_a_long_one(page: Page) -> None:
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(page.locator(".ns-jump")).to_have_count(0)


@pytest.mark.parametrize("width", [420, 550], ids=["420 px", "1100 px at 200 %"])
def test_the_bar_is_one_row(page: Page, lab: Lab, width: int) -> None:
    hold = play(lab, "word " * 50)
    notebook = Notebook(page, lab, lab.write(f"row{width}", "%%claude x\nGo."), app="notebook")
    notebook.run_all()
    expect(page.locator(".ns-state")).to_have_text("Writing")
    page.set_viewport_size({"width": width, "height": 800})
    page.locator(".ns-bar").scroll_into_view_if_needed()
    assert page.locator(".ns-bar").evaluate("bar => bar.clientHeight") <= 38
    expect(page.locator(".ns-stop")).to_be_in_viewport(ratio=1)
    expect(page.locator(".ns-copy-all")).to_be_in_viewport(ratio=1)
    assert page.locator(".ns-state").evaluate("e => e.scrollWidth <= e.clientWidth")
    expect(page.locator(".ns-rate")).not_to_have_text("")
    rows = page.locator(".ns-figures > span").evaluate_all("all => all.map(e => e.offsetTop)")
    assert rows[0] < rows[-1], rows  # The rate, which is last, wraps to a row that is not shown.
    hold.let_go.set()
    see_the_end_of_a_long_one(page)


def test_raw_formulas_are_never_in_sight(page: Page, lab: Lab, app: str) -> None:
    hold = play(lab, f"Before.\n\n{FORMULA}After.")
    Notebook(page, lab, lab.write(f"raw-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-text math")).to_have_count(1)
    page.evaluate(
        """() => {
          window.raw = 0;
          const isCovered = (box) => {
            const cover = document.querySelector('.ns-cover');
            const over = cover?.inert && cover.getBoundingClientRect();
            const isOpaque = over && getComputedStyle(cover).backgroundColor.startsWith('rgb(');
            return isOpaque && over.top <= box.top && over.bottom >= box.bottom;
          };
          const look = () => {
            for (const one of document.querySelectorAll('.jp-OutputArea p')) {
              const isRaw = one.textContent.includes('\\\\frac') && !one.closest('.ns-cover');
              if (isRaw && !isCovered(one.getBoundingClientRect())) window.raw++;
            }
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    hold.let_go.set()
    see_the_end(page)
    expect(page.locator(".jp-OutputArea mjx-container")).to_have_count(1)
    assert page.evaluate("window.raw") == 0


def test_formulas_that_never_come_are_waited_for_no_longer_than_three_seconds(
    page: Page, lab: Lab, app: str
) -> None:
    hold = play(lab, f"Before.\n\n{FORMULA}After.")
    notebook = Notebook(page, lab, lab.write(f"never-{app}", "%%claude x\nGo."), app=app)
    notebook.run_all()
    expect(page.locator(".ns-text math")).to_have_count(1)
    page.route("**/*.js*", lambda route: route.abort())  # MathJax is loaded when it is needed.
    hold.let_go.set()
    see_the_end(page)
    expect(page.locator(".ns-cover")).to_have_count(0, timeout=20_000)
    expect(page.locator(".jp-OutputArea mjx-container")).to_have_count(0)
    expect(notebook.output(1)).to_contain_text("After.")


def test_far_blocks_are_laid_out_once_and_what_is_in_sight_stays(page: Page, lab: Lab) -> None:
    # Notebook 7 gets no fonts for formulas from a server whose Lab has loaded them: it answers with
    # 403, as it remembers the place of a file by its name (read: jupyter_server's FileFindHandler).
    far = "Far $\\mathfrak{G}$ and $\\sum_n n$.\n\n"  # A font that nothing near the end asks for.
    middle = "".join(f"Paragraph {n}.\n\n" for n in range(200))
    hold = play(lab, f"{far}{middle}Near $x^2$.\n\n{FORMULA}The last.")
    Notebook(page, lab, lab.write("deferred", "%%claude x\nGo."), app="lab")
    for cell in (0, 1):  # Run All would scroll to the last cell at its end.
        page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
    expect(page.locator(".ns-text > p").last).to_have_text("The last.")
    expect(page.locator(".ns-text > p").last).to_be_in_viewport()
    page.evaluate(WATCH, "The last.")
    page.evaluate(
        """() => {
          window.deferred = 0;
          const count = () => {
            const found = document.querySelectorAll('.ns-deferred').length;
            window.deferred = Math.max(window.deferred, found);
          };
          new MutationObserver(count).observe(document.querySelector('.jp-Notebook'),
            { subtree: true, childList: true, attributeFilter: ['class'] });
        }"""
    )
    y = box_of(page, ".ns-text > p")["y"]
    hold.let_go.set()
    see_the_end(page)
    expect(page.locator(".jp-OutputArea mjx-container")).to_have_count(4)
    expect(page.locator(".ns-cover, .ns-deferred")).to_have_count(0)
    assert page.evaluate("window.deferred") > 100
    frames = page.evaluate("window.places.length")
    page.wait_for_function("n => window.places.length > n + 5", arg=frames)
    places = page.evaluate("window.places")
    assert max(abs(place - y) for place in places) < 1, places


def test_selection_and_folds_go_over_to_the_output(page: Page, lab: Lab, app: str) -> None:
    hold = Hold()
    thoughts = [{"type": "thinking", "thinking": f"Thought {n}."} for n in range(2)]
    text = {"type": "text", "text": "One two three.\n\nFour *five* six."}
    lab.api.play(Script([ENVELOPE, *send([*thoughts, text]), hold, end()]))
    notebook = Notebook(page, lab, lab.write(f"over-{app}", "%%claude x\nGo."), app=app)
    notebook.run_all()
    expect(page.locator(".ns-text > p")).to_have_count(2)
    page.locator(".ns-text summary").last.click()
    page.evaluate(
        """() => {
          const [one, two] = document.querySelectorAll('.ns-text > p');
          getSelection().setBaseAndExtent(one.firstChild, 4, two.querySelector('em').firstChild, 4);
        }"""
    )
    before = page.evaluate("getSelection().toString().replace(/\\s+/g, ' ')")
    hold.let_go.set()
    see_the_end(page)
    page.wait_for_function("getSelection().toString() !== ''")
    after = page.evaluate("getSelection().toString().replace(/\\s+/g, ' ')")
    assert after.strip() == before
    folds = notebook.output(1).locator("details")
    assert folds.evaluate_all("folds => folds.map(fold => fold.open)") == [False, True]


def test_an_answer_below_the_edge_can_be_jumped_to(page: Page, lab: Lab, app: str) -> None:
    hold = play(lab, LONG)
    path = lab.write(f"beyond-{app}", *["\n" * 40] * 2, "%%claude x\nGo.")
    Notebook(page, lab, path, app=app).run_all()
    expect(page.locator(".ns-text p").first).to_be_attached()
    page.locator(".jp-CodeCell").first.evaluate("cell => cell.scrollIntoView()")
    expect(page.locator(".ns-live")).not_to_be_in_viewport()
    page.locator(".ns-jump").click()
    expect(page.locator(".ns-text p").last).to_be_in_viewport()
    hold.let_go.set()
    see_the_end_of_a_long_one(page)


def test_a_fast_answer_that_starts_at_the_edge_is_followed(page: Page, lab: Lab, app: str) -> None:
    hold = play(lab, LONG)
    path = lab.write(
        f"fast-{app}", "\n" * 60, "import notebook_stream.view.live", "%%claude x\nGo."
    )
    notebook = Notebook(page, lab, path, app=app)
    for cell in (0, 2):
        page.locator(".jp-CodeCell").nth(cell).locator(".jp-InputArea-editor").click()
        page.keyboard.press("Control+Enter")
    last = page.locator(".jp-CodeCell").nth(3)
    last.locator(".jp-InputArea-editor").click()
    last.evaluate("cell => cell.scrollIntoView({block: 'end'})")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".ns-text p").last).to_have_text("Paragraph 39.")
    expect(page.locator(".ns-text p").last).to_be_in_viewport()
    hold.let_go.set()
    expect(notebook.output(3).locator("small")).to_be_attached()


def test_escape_stops_in_command_mode_and_the_cell_has_the_focus(
    page: Page, lab: Lab, app: str
) -> None:
    lab.api.play(Script([start(), delta("one"), Hold()]))
    notebook = Notebook(
        page, lab, lab.write(f"escape-{app}", "%%claude x\nGo.", "print(1)"), app=app
    )
    page.locator(".jp-CodeCell").nth(0).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".ns-text")).to_contain_text("one")
    page.locator(".jp-CodeCell").nth(2).locator(".jp-InputArea-editor").click()
    page.keyboard.press("Escape")  # It ends the editing, and stops nothing.
    expect(page.locator(".jp-Notebook")).to_have_class(re.compile("jp-mod-commandMode"))
    seconds = page.locator(".ns-seconds").inner_text()
    expect(page.locator(".ns-seconds")).not_to_have_text(seconds)
    expect(page.locator(".ns-state")).to_have_text("Writing")
    page.keyboard.press("Escape")
    expect(notebook.output(1).locator("strong")).to_have_text("Stopped")
    assert page.evaluate(INSIDE), page.evaluate(FOCUSED)


def test_after_stop_by_keyboard_the_arrow_keys_move_on(page: Page, lab: Lab, app: str) -> None:
    lab.api.play(Script([start(), delta("one"), Hold()]))
    path = lab.write(f"arrows-{app}", "%%claude x\nGo.", "print(x.stop_reason)")
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("one")
    page.locator(".ns-stop").focus()
    page.keyboard.press("Enter")
    expect(notebook.output(2)).to_contain_text("stopped")
    assert page.evaluate(INSIDE), page.evaluate(FOCUSED)
    expect(page.locator(".jp-Cell").nth(1)).to_have_class(ACTIVE)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".jp-Cell").nth(2)).to_have_class(ACTIVE)


def test_at_the_end_the_cell_has_the_focus_that_a_button_had(
    page: Page, lab: Lab, app: str
) -> None:
    hold = play(lab, "Hello.")
    path = lab.write(f"focus-end-{app}", "%%claude x\nGo.", "print(1)")
    Notebook(page, lab, path, app=app).run_all()
    expect(page.locator(".ns-text")).to_contain_text("Hello.")
    page.locator(".ns-copy-all").focus()
    hold.let_go.set()
    see_the_end(page)
    assert page.evaluate(INSIDE), page.evaluate(FOCUSED)


def test_the_end_is_said_once_and_politely(page: Page, lab: Lab, app: str) -> None:
    hold = play(lab, "Hello.")
    Notebook(page, lab, lab.write(f"voice-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-text")).to_contain_text("Hello.")
    voice = page.locator("#ns-voice")
    expect(voice).to_have_attribute("aria-live", "polite")
    expect(voice).to_have_text("")
    voice.evaluate(
        """voice => {
          window.said = [];
          const note = () => voice.textContent && window.said.push(voice.textContent);
          new MutationObserver(note).observe(voice, { childList: true });
        }"""
    )
    hold.let_go.set()
    see_the_end(page)
    expect(voice).to_have_text("Done, 12 tokens")
    assert page.evaluate("window.said") == ["Done, 12 tokens"]


def test_a_fault_is_shown_once(page: Page, lab: Lab, app: str) -> None:
    lab.api.play(refusal(401, "authentication_error", "invalid x-api-key"))
    notebook = Notebook(page, lab, lab.write(f"fault-{app}", "%%claude x\nGo."), app=app)
    notebook.run_all()
    expect(page.locator(".jp-OutputArea-output", has_text="invalid x-api-key")).to_have_count(1)
    expect(notebook.output(1).locator("strong")).to_have_text("Error")
    expect(page.locator("#ns-voice")).to_contain_text("invalid x-api-key")


def test_what_stopped_says_so_at_once_and_counts_alike(page: Page, lab: Lab, app: str) -> None:
    lab.api.play(Script([start(), delta("many words " * 60), Hold()]))
    path = lab.write(
        f"counts-{app}", "%%claude x\nGo.", "print(x.usage.output_tokens, x.output_tokens)"
    )
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("many words")
    page.locator(".ns-stop").click()
    footer = notebook.output(1).locator("p").last
    expect(footer).to_contain_text("Stopped claude")
    shown, same = notebook.output(2).inner_text().split()
    assert shown == same
    expect(footer).to_contain_text(f"≈ {shown} out")
