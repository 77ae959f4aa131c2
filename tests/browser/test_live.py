"""The live view in real pages: it grows, it stops, it gives its place to Markdown."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from ..loopback import Hold, Pause, Script, answer, delta, end, event, start
from .conftest import Lab, Notebook, top_of

NEXT = "print('next:', len(poem), poem.stop_reason)"


def test_an_answer_grows_and_becomes_markdown(page: Page, lab: Lab, app: str) -> None:
    first, second = Hold(), Hold()
    lab.api.play(
        Script(
            [
                first,
                start(),
                delta("# Heading\n\nA **bold** start"),
                second,
                delta(" and end."),
                end(),
            ]
        )
    )
    path = lab.write(f"grows-{app}", "%%claude poem\nGo.", NEXT)
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    view = page.locator(".ns-live")
    expect(view.locator(".ns-state")).to_have_text("Waiting for the first token")
    expect(view.locator(".ns-model")).to_have_text("sonnet")
    expect(view.get_by_role("button", name="Stop")).to_be_enabled()
    expect(view.locator(".ns-recorded")).to_be_hidden()
    expect(view.locator(".ns-seconds")).not_to_have_text("0.0 s")
    first.let_go.set()
    expect(view.locator(".ns-text h1")).to_have_text("Heading")
    expect(view.locator(".ns-text strong")).to_have_text("bold")
    expect(view.locator(".ns-state")).to_have_text("Writing")
    expect(view.locator(".ns-model")).to_have_text("claude-sonnet-5-5")
    expect(view.locator(".ns-tokens")).to_have_text("≈ 7 tokens")
    second.let_go.set()
    expect(notebook.output(1).locator("p").first).to_have_text("A bold start and end.")
    expect(view).to_have_count(0)
    expect(notebook.output(1).locator("small")).to_contain_text("25 in · 12 out")
    expect(notebook.output(2)).to_contain_text("next: 36 end_turn")


def test_stop_by_click_keeps_the_partial_through_save_and_reopen(
    page: Page, lab: Lab, app: str
) -> None:
    lab.api.play(Script([start(), delta("A partial"), Hold()]))
    path = lab.write(f"stop-{app}", "%%claude poem\nGo.", NEXT)
    notebook = Notebook(page, lab, path, app=app)
    before = len(lab.api.requests)
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("A partial")
    page.get_by_role("button", name="Stop", exact=True).last.click()
    assert lab.api.requests[before].has_closed()
    assert lab.api.requests[before].client_left
    expect(notebook.output(2)).to_contain_text("next: 9 stopped")
    expect(notebook.output(1).locator("strong").last).to_have_text("Stopped")
    expect(page.locator(".ns-live")).to_have_count(0)

    file = notebook.save("next: 9 stopped")
    assert "widgets" not in file.metadata
    assert len(file.cells[1].outputs) == 1, file.cells[1].outputs
    (output,) = file.cells[1].outputs
    assert set(output.data) == {"text/markdown", "text/plain"}
    assert output.metadata["notebook_stream"]["stop_reason"] == "stopped"

    reopened = Notebook(page, lab, path, app=app)
    expect(reopened.output(1)).to_contain_text("A partial")
    expect(reopened.output(1).locator("strong").last).to_have_text("Stopped")


def test_the_button_says_stopping_at_once(page: Page, lab: Lab) -> None:
    lab.api.play(Script([start(), delta("text"), Hold()]))
    path = lab.write("stopping", "%%claude poem\nGo.", NEXT)
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("text")
    state = page.evaluate(
        "() => { const b = document.querySelector('.ns-stop'); b.click();"
        " return [b.textContent, b.disabled, document.querySelector('.ns-state').textContent]; }"
    )
    assert state == ["Stopping", True, "Stopping"]
    expect(notebook.output(2)).to_contain_text("stopped")


def test_the_keyboard_reaches_stop_and_escape_stops(page: Page, lab: Lab) -> None:
    lab.api.play(Script([start(), delta("one"), Hold()]), Script([start(), delta("two"), Hold()]))
    path = lab.write(
        "keys", "%%claude poem\nGo.", "%%claude poem2\nGo.", "print(poem2.stop_reason)"
    )
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("one")
    page.locator(".ns-live").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".ns-stop")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".ns-text")).to_contain_text("two")
    page.locator(".ns-text").click()
    page.keyboard.press("Escape")
    expect(notebook.output(3)).to_contain_text("stopped")


def test_stop_works_in_a_call_that_blocks(page: Page, lab: Lab) -> None:
    lab.api.play(Script([Pause(0.3), start(), delta("blocked"), Hold()]))
    path = lab.write("blocks", "%%time\n%%claude poem\nGo.", NEXT)
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("blocked")
    page.locator(".ns-stop").click()
    expect(notebook.output(2)).to_contain_text("next: 7 stopped")


def test_money_tags_and_images_are_text_in_both_views(page: Page, lab: Lab) -> None:
    hold = Hold()
    text = 'It costs $5 to $10, <img src="x" onerror="window.bad=1"> and ![pic](http://127.0.0.1:1/p.png).'
    lab.api.play(Script([start(), delta(text), hold, end()]))
    path = lab.write("safe", "%%claude poem\nGo.")
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    shown = 'It costs $5 to $10, <img src="x" onerror="window.bad=1"> and pic.'
    expect(page.locator(".ns-text p")).to_have_text(shown)
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(notebook.output(1).locator("p").first).to_have_text(shown)
    assert page.locator(".jp-OutputArea img").count() == 0
    assert page.evaluate("window.bad") is None


def test_long_answers_come_whole(page: Page, lab: Lab) -> None:
    texts = [f"Paragraph {n}.\n\n" for n in range(200)]
    lab.api.play(answer(*texts))
    path = lab.write("long", "%%claude poem\nGo.", NEXT)
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    expect(notebook.output(1).locator("p")).to_have_count(201)
    expect(notebook.output(2)).to_contain_text(f"next: {sum(map(len, texts))} end_turn")


def test_a_recorded_reply_says_so_while_it_streams(page: Page, lab: Lab) -> None:
    path = lab.write(
        "demo", "%claude_demo", "%%claude poem\nWrite a short poem about the tide.", NEXT
    )
    notebook = Notebook(page, lab, path, app="lab")
    sent = len(lab.api.requests)
    notebook.run_all()
    expect(page.locator(".ns-recorded")).to_be_visible()
    expect(notebook.output(2).locator("small")).to_contain_text("recorded reply")
    expect(notebook.output(3)).to_contain_text("end_turn")
    assert len(lab.api.requests) == sent


LONG = "".join(f"## Part {n}\n\nParagraph {n}.\n\n" for n in range(40))


def top(page: Page, words: str) -> float:
    """Where a paragraph is on the screen."""
    return top_of(page.locator(".jp-OutputArea p", has_text=words).first)


def test_a_long_answer_is_followed_until_the_reader_scrolls(page: Page, lab: Lab, app: str) -> None:
    first, second = Hold(), Hold()
    lab.api.play(Script([start(), delta(LONG), first, delta(LONG), second, end()]))
    notebook = Notebook(page, lab, lab.write(f"follow-{app}", "%%claude poem\nGo."), app=app)
    notebook.run_all()
    last = page.locator(".ns-text p").last
    expect(last).to_have_text("Paragraph 39.")
    expect(last).to_be_in_viewport()
    expect(page.locator(".ns-bar")).to_be_in_viewport()
    expect(page.locator(".ns-jump")).to_be_hidden()
    page.mouse.move(600, 500)
    page.mouse.wheel(0, -900)
    expect(last).not_to_be_in_viewport()
    expect(page.locator(".ns-jump")).to_be_visible()
    expect(page.locator(".ns-bar")).to_be_in_viewport()
    read = page.locator(".ns-text p", has_text="Paragraph 30.").first
    before = top_of(read)
    first.let_go.set()
    expect(page.locator(".ns-text p")).to_have_count(80)
    assert top_of(read) == before
    page.locator(".ns-jump").click()
    expect(page.locator(".ns-text p").last).to_be_in_viewport()
    expect(page.locator(".ns-jump")).to_be_hidden()
    second.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)


WATCH = """words => {
  const probe = document.createElement("div");
  probe.style.position = "fixed";
  document.body.append(probe);
  window.places = [];
  // Sizes are observed last in a frame, when nothing moves any more before it is painted.
  new ResizeObserver(() => {
    const read = [...document.querySelectorAll(".jp-OutputArea p")];
    const isSeen = p => p.closest(".ns-cover") || !p.closest(".ns-covered");
    const found = read.find(p => p.textContent === words && isSeen(p));
    if (found) window.places.push(found.getBoundingClientRect().top);
  }).observe(probe);
  const next = () => {
    probe.style.width = probe.style.width === "1px" ? "2px" : "1px";
    requestAnimationFrame(next);
  };
  next();
}"""


@pytest.mark.parametrize("more", ["", "```python\nx = 1\n```\n\n"], ids=["words", "code"])
def test_the_swap_moves_nothing_of_a_long_answer(page: Page, lab: Lab, more: str, app: str) -> None:
    hold = Hold()
    text = LONG.replace("## ", f"{more}## ")
    lab.api.play(Script([start(), delta(text), hold, end()]))
    path = lab.write(f"swap{len(more)}-{app}", "%%claude poem\nGo.")
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    expect(page.locator(".ns-text p").last).to_be_in_viewport()
    page.mouse.move(600, 500)
    page.mouse.wheel(0, -900)
    expect(page.locator(".ns-jump")).to_be_visible()
    before = top(page, "Paragraph 35.")
    page.evaluate(WATCH, "Paragraph 35.")
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(notebook.output(1).locator("small")).to_contain_text("25 in")
    frames = page.evaluate("window.places.length")
    page.wait_for_function("n => window.places.length > n + 5", arg=frames)
    places = page.evaluate("window.places")
    assert max(abs(place - before) for place in places) < 1.5, places


def test_formulas_that_are_set_after_the_swap_move_nothing_of_what_is_read(
    page: Page, lab: Lab, app: str
) -> None:
    hold = Hold()
    formula = "$$\n\\int_0^1 \\frac{e^{-x^2}}{1+x}\\,dx\n$$\n\n"
    lab.api.play(Script([start(), delta(LONG.replace("## ", f"{formula}## ")), hold, end()]))
    notebook = Notebook(page, lab, lab.write(f"formulas-{app}", "%%claude poem\nGo."), app=app)
    notebook.run_all()
    expect(page.locator(".ns-text math")).to_have_count(40)
    read = page.locator(".ns-text p", has_text="Paragraph 20.")
    read.evaluate("p => p.scrollIntoView({block: 'center'})")
    expect(page.locator(".ns-jump")).to_be_visible()
    before = top(page, "Paragraph 20.")
    page.evaluate(WATCH, "Paragraph 20.")
    hold.let_go.set()
    expect(notebook.output(1).locator("mjx-container")).to_have_count(40)
    wait_until_at(page, "Paragraph 20.", before)
    places = page.evaluate("window.places")
    assert max(abs(place - before) for place in places) < 1.5, places


def wait_until_at(page: Page, words: str, place: float) -> None:
    """Wait until a paragraph is at a place on the screen."""
    page.wait_for_function(
        "([words, y]) => Math.abs([...document.querySelectorAll('.jp-OutputArea p')]"
        ".find(p => p.textContent === words).getBoundingClientRect().top - y) < 1.5",
        arg=[words, place],
        timeout=10_000,
    )


def test_the_swap_moves_no_short_answer_and_leaves_no_gap_once_out_of_sight(
    page: Page, lab: Lab, app: str
) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta("Short."), hold, end()]))
    path = lab.write(f"short-{app}", "%%claude poem\nGo.", *["\n" * 30] * 3)
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    expect(page.locator(".ns-text p")).to_have_text("Short.")
    page.locator(".jp-CodeCell").nth(1).evaluate("cell => cell.scrollIntoView()")
    expect(page.locator(".ns-bar")).to_be_in_viewport()
    before = top(page, "Short.")
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(notebook.output(1).locator("small")).to_contain_text("25 in")
    wait_until_at(page, "Short.", before)
    below = page.locator(".jp-CodeCell").nth(3)
    below.evaluate("cell => cell.scrollIntoView()")
    was = top_of(below)
    assert abs(top_of(below) - was) < 1.5


def test_the_swap_moves_nothing_above_an_answer_that_is_not_in_sight_yet(
    page: Page, lab: Lab, app: str
) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta("Short."), hold, end()]))
    path = lab.write(f"below-{app}", *["\n" * 30] * 3, "%%claude poem\nGo.", *["\n" * 30] * 2)
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    expect(page.locator(".ns-text p")).to_have_text("Short.")
    read = page.locator(".jp-CodeCell").nth(2)
    read.evaluate("cell => cell.scrollIntoView()")
    expect(page.locator(".ns-live")).not_to_be_in_viewport()
    was = top_of(read)
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(notebook.output(4).locator("small")).to_contain_text("25 in")
    page.evaluate(
        "() => new Promise(done => {"
        "let n = 10; const next = () => n-- ? requestAnimationFrame(next) : done(); next(); })"
    )
    assert abs(top_of(read) - was) < 1.5


RECORD_TOPS = """cell => {
  window.tops = [];
  const look = () => { window.tops.push(cell.getBoundingClientRect().top); requestAnimationFrame(look); };
  look();
}"""


@pytest.mark.parametrize("seen", [0, 4, 20], ids=["nothing", "its end", "its bar"])
def test_the_swap_moves_nothing_below_an_answer_that_was_scrolled_past(
    page: Page, lab: Lab, seen: int, app: str
) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta(LONG), hold, end()]))
    path = lab.write(f"past{seen}-{app}", "%%claude poem\nGo.", "\n" * 50, "\n" * 50)
    notebook = Notebook(page, lab, path, app=app)
    notebook.run_all()
    expect(page.locator(".ns-text p")).to_have_count(40)
    below = page.locator(".jp-CodeCell").nth(2)
    below.evaluate(
        "(cell, seen) => { cell.scrollIntoView();"
        " cell.closest('.jp-WindowedPanel-outer').scrollTop -= seen; }",
        seen,
    )
    expect(page.locator(".ns-text p").last).not_to_be_in_viewport()
    was = top_of(below)
    below.evaluate(RECORD_TOPS)
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(notebook.output(1).locator("small")).to_contain_text("25 in")
    page.wait_for_function(
        "n => window.tops.length > n + 5", arg=page.evaluate("window.tops.length")
    )
    tops = page.evaluate("window.tops")
    assert tops == pytest.approx([was] * len(tops), abs=1.5)


def test_the_answer_and_its_code_can_be_copied(page: Page, lab: Lab) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    hold = Hold()
    text = "Some **bold**:\n\n```python\nx = 1\ny = 2\n```\n\nMore.\n"
    lab.api.play(Script([start(), delta(text), hold, end()]))
    notebook = Notebook(page, lab, lab.write("copy", "%%claude poem\nGo."), app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text")).to_contain_text("More.")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".ns-copy-all")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text
    page.locator(".ns-code").hover()
    page.get_by_role("button", name="Copy the code").click()
    expect(page.locator(".ns-copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "x = 1\ny = 2\n"
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)


def test_the_header_tells_speed_and_cost(page: Page, lab: Lab) -> None:
    hold = Hold()
    lab.api.play(Script([start(), delta("word " * 100), Pause(0.8), delta("more"), hold, end()]))
    notebook = Notebook(page, lab, lab.write("speed", "%%claude poem\nGo."), app="lab")
    notebook.run_all()
    expect(page.locator(".ns-rate")).to_contain_text("tokens/s")
    expect(page.locator(".ns-cost")).to_contain_text("≈ $0.00")
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)


def test_long_code_and_tables_grow_in_pieces_and_look_as_one(page: Page, lab: Lab) -> None:
    hold = Hold()
    rows = "".join(f"| {n} | x |\n" for n in range(200))
    code = "".join(f"print({n})\n" for n in range(200))
    pieces = [*f"```python\n{code}```\n\n| a | b |\n|---|---|\n{rows}".splitlines(keepends=True)]
    lab.api.play(Script([start(), *map(delta, pieces), hold, end()]))
    notebook = Notebook(page, lab, lab.write("pieces", "%%claude poem\nGo."), app="lab")
    notebook.run_all()
    expect(page.locator(".ns-text tbody tr")).to_have_count(200)
    expect(page.locator(".ns-text pre")).to_have_count(1)
    expect(page.locator(".ns-text table")).to_have_count(1)
    assert page.locator(".ns-text pre code").text_content() == code
    shown = page.locator(".ns-text tbody tr td:first-child").all_text_contents()
    assert shown == [str(n) for n in range(200)]
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)


HEIGHTS = "lists => lists.map(list => Math.round(list.getBoundingClientRect().height))"


def test_long_lists_grow_in_pieces_and_look_as_when_done(page: Page, lab: Lab) -> None:
    hold = Hold()
    tight = "".join(f"{n}. item *{n}*\n    - nested\n" for n in range(3, 60))
    loose = "".join(f"- item {n}\n\n" for n in range(40))
    pieces = f"{tight}\n{loose}\nThe end.".splitlines(keepends=True)
    lab.api.play(Script([start(), *map(delta, pieces), hold, end()]))
    notebook = Notebook(page, lab, lab.write("lists", "%%claude poem\nGo."), app="lab")
    notebook.run_all()
    live = page.locator(".ns-text")
    expect(live.get_by_text("The end.")).to_be_visible()
    assert live.locator("> ol").count() == live.locator("> ul").count() == 1
    assert live.locator("> ol > li > p").count() == 57
    growing = live.locator("> ol, > ul").evaluate_all(HEIGHTS)
    hold.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    done = notebook.output(1).locator(".jp-RenderedMarkdown").locator("> ol, > ul")
    assert done.evaluate_all(HEIGHTS) == pytest.approx(growing, abs=3)


def test_thinking_folds_when_the_answer_begins(page: Page, lab: Lab, app: str) -> None:
    first, second = Hold(), Hold()
    thinking = {"type": "thinking", "thinking": ""}
    thought = {"type": "thinking_delta", "thinking": "Hm, let me see."}
    lab.api.play(
        Script(
            [
                start(),
                event("content_block_start", index=0, content_block=thinking),
                event("content_block_delta", index=0, delta=thought),
                first,
                event("content_block_stop", index=0),
                event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
                event("content_block_delta", index=1, delta={"type": "text_delta", "text": "Yes."}),
                second,
                end(),
            ]
        )
    )
    notebook = Notebook(page, lab, lab.write(f"thinks-{app}", "%%claude poem\nGo."), app=app)
    notebook.run_all()
    expect(page.locator(".ns-state")).to_have_text("Thinking")
    expect(page.locator(".ns-thinking div")).to_be_visible()
    expect(page.locator(".ns-thinking div")).to_have_text("Hm, let me see.")
    first.let_go.set()
    expect(page.locator(".ns-text > p")).to_have_text("Yes.")
    expect(page.locator(".ns-text details > p")).to_be_hidden()
    second.let_go.set()
    expect(page.locator(".ns-live")).to_have_count(0)
    expect(notebook.output(1).locator("details summary")).to_have_text("Thinking")
    expect(notebook.output(1).locator("details")).to_contain_text("Hm, let me see.")
    assert "Yes." in notebook.save("Yes.").cells[1].outputs[0].data["text/markdown"]
