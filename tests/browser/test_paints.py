"""What a reader does in the open block of an answer: no paint undoes it."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from ..loopback import Hold, Pause, Script, Step, delta, end, event, start
from .conftest import Lab, Notebook

PAINTS = 12
COUNT_PAINTS = """selector => {
  window.paints = 0;
  const shown = document.querySelector(selector);
  new MutationObserver(() => window.paints++).observe(
    shown, { childList: true, subtree: true, characterData: true });
}"""

COPIED = """async words => {
  const until = performance.now() + 20_000;
  let copied = "";
  while (!copied.includes(words) && performance.now() < until) {
    await new Promise(requestAnimationFrame);
    copied = await navigator.clipboard.readText();
  }
  return copied;
}"""
"""What is in the clipboard, once it has these words or after 20 seconds."""


def words(count: int, pause: float = 0.06) -> list[Step]:
    """Steps that go on with an open paragraph, some words a paint."""
    steps: list[Step] = []
    for n in range(count):
        steps += [delta(f" and {n} more words"), Pause(pause)]
    return steps


def thoughts(count: int, pause: float = 0.06) -> list[Step]:
    steps: list[Step] = []
    for n in range(count):
        thought = {"type": "thinking_delta", "thinking": f"Thought {n} of many, on and on. "}
        steps += [event("content_block_delta", index=0, delta=thought), Pause(pause)]
    return steps


THINKING = event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})


def wait_for_paints(page: Page, count: int = PAINTS) -> None:
    page.wait_for_function("n => window.paints >= n", arg=count)


@pytest.fixture
def go() -> Hold:
    """Lets the server go on, once the page was prepared."""
    return Hold()


def test_a_fold_that_was_clicked_stays_as_the_reader_left_it(
    page: Page, lab: Lab, go: Hold, app: str
) -> None:
    lab.api.play(Script([start()[: start().index(b"event: content_block")], THINKING,
                         *thoughts(2), go, *thoughts(400), end()]))  # fmt: skip
    Notebook(page, lab, lab.write(f"fold-{app}", "%%claude x\nGo."), app=app).run_all()
    box = page.locator(".ns-thinking > div")
    expect(box).to_be_visible()
    page.locator(".ns-thinking summary").click()
    expect(box).to_be_hidden()
    page.evaluate(COUNT_PAINTS, ".ns-text")
    go.let_go.set()
    wait_for_paints(page)
    assert not page.locator(".ns-thinking").evaluate("fold => fold.open")
    assert box.is_hidden()
    page.locator(".ns-stop").click()


def test_the_box_of_thinking_shows_its_newest_line(
    page: Page, lab: Lab, go: Hold, app: str
) -> None:
    lab.api.play(Script([start()[: start().index(b"event: content_block")], THINKING,
                         *thoughts(60, 0.0), go, *thoughts(400), end()]))  # fmt: skip
    Notebook(page, lab, lab.write(f"newest-{app}", "%%claude x\nGo."), app=app).run_all()
    box = page.locator(".ns-thinking > div")
    expect(box).to_contain_text("Thought 59")
    box.evaluate("box => box.style.maxHeight = '60px'")
    page.evaluate(COUNT_PAINTS, ".ns-text")
    go.let_go.set()
    wait_for_paints(page)
    distance = "box => box.scrollHeight - box.clientHeight - box.scrollTop"
    page.wait_for_function(f"() => ({distance})(document.querySelector('.ns-thinking > div')) < 20")
    box.evaluate("box => box.scrollTop = 0")
    page.evaluate("window.paints = 0")
    wait_for_paints(page)
    assert box.evaluate("box => box.scrollTop") == 0
    page.locator(".ns-stop").click()


def test_focus_and_selection_stay_in_the_open_block(
    page: Page, lab: Lab, go: Hold, app: str
) -> None:
    beginning = "Some [link](https://a.example) and a tail that goes on"
    lab.api.play(Script([start(), delta(beginning), go, *words(400), end()]))
    Notebook(page, lab, lab.write(f"focus-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-text p")).to_have_text("Some link and a tail that goes on")
    page.locator(".ns-text a").focus()
    page.evaluate(
        """() => {
          const tail = document.querySelector('.ns-text p').lastChild;
          const at = tail.data.indexOf('tail');
          getSelection().setBaseAndExtent(tail, at, tail, at + 4);
        }"""
    )
    page.evaluate(COUNT_PAINTS, ".ns-text")
    go.let_go.set()
    wait_for_paints(page)
    assert page.evaluate("getSelection().toString()") == "tail"
    expect(page.locator(".ns-text a")).to_be_focused()
    page.locator(".ns-stop").click()


def test_open_code_can_be_copied_while_it_grows(page: Page, lab: Lab, go: Hold, app: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lines = [f"print({n})\n" for n in range(400)]
    more = [step for line in lines[2:] for step in (delta(line), Pause(0.06))]
    beginning = f"Code:\n\n```python\n{''.join(lines[:2])}"
    lab.api.play(Script([start(), delta(beginning), go, *more, end()]))
    Notebook(page, lab, lab.write(f"open-code-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-text code")).to_have_text("print(0)\nprint(1)\n")
    button = page.locator(".ns-text .ns-copy")
    button.focus()
    page.keyboard.press("Enter")
    assert page.evaluate(COPIED, "print(1)") == "print(0)\nprint(1)\n"
    page.evaluate(COUNT_PAINTS, ".ns-text")
    go.let_go.set()
    wait_for_paints(page)
    assert button.count() == 1
    assert page.evaluate("document.activeElement.matches('.ns-text .ns-copy')")
    page.keyboard.press("Enter")
    copied = page.evaluate(COPIED, "print(2)\n")
    assert copied.count("\n") > 2
    assert "".join(lines).startswith(copied)
    page.locator(".ns-stop").click()


def test_a_selection_stays_when_its_block_is_finished(
    page: Page, lab: Lab, go: Hold, app: str
) -> None:
    items = "".join(f"- item {n}\n" for n in range(14))
    lab.api.play(
        Script(
            [
                start(),
                delta(items + "- the last item"),
                go,
                delta(" of all\n"),
                *(delta(f"- item {n}\n") for n in range(20, 40)),
                delta("\nThe end."),
                Hold(),
            ]
        )
    )
    Notebook(page, lab, lab.write(f"finished-{app}", "%%claude x\nGo."), app=app).run_all()
    expect(page.locator(".ns-text li").last).to_contain_text("the last item")
    page.evaluate(
        """() => {
          const words = [...document.querySelectorAll('.ns-text li p')].at(-1).firstChild;
          getSelection().setBaseAndExtent(words, 4, words, 8);
        }"""
    )
    go.let_go.set()
    expect(page.locator(".ns-text")).to_contain_text("The end.")
    assert page.evaluate("getSelection().toString()") == "last"
    page.locator(".ns-stop").click()


def test_a_table_never_shows_raw_pipes(page: Page, lab: Lab, app: str) -> None:
    table = "Now a table:\n\n| name | size |\n|------|-----:|\n| a | 1 |\n"
    steps: list[Step] = [start()]
    for sign in table:
        steps += [delta(sign), Pause(0.05)]
    lab.api.play(Script([*steps, Hold()]))
    notebook = Notebook(page, lab, lab.write(f"pipes-{app}", "%%claude x\nGo."), app=app)
    page.evaluate(
        """() => {
          window.shown = [];
          new MutationObserver(() => {
            const text = document.querySelector('.ns-text');
            if (text) window.shown.push(text.innerText);
          }).observe(document.body, { childList: true, subtree: true, characterData: true });
        }"""
    )
    notebook.run_all()
    expect(page.locator(".ns-text td").first).to_have_text("a")
    shown = page.evaluate("window.shown")
    assert len(shown) > PAINTS
    assert not [one for one in shown if "|" in one], json.dumps(shown)
    page.locator(".ns-stop").click()
