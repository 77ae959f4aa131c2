"""Answers that go on when their cell has ended."""

from __future__ import annotations

import pytest

from ..loopback import Hold, Script, Server, answer, delta, end, refusal, start
from .kernel import Cell, Kernel, Message

GO = "%%claude poem --background\nGo."


WATCH = """
import threading
lengths, states = [], []

def watch():
    while not isinstance((answer := globals().get("poem")), str):
        if answer is not None and not answer.done:
            length, state = len(answer.text), answer.state
            if not answer.done:
                lengths.append(length) if length not in lengths[-1:] else None
                states.append(state) if state not in states[-1:] else None

threading.Thread(target=watch, daemon=True).start()
"""
"""Records how the length of the text and the state change until the reply is there."""


def shown(kernel: Kernel, cell: Cell) -> Message:
    """The data of a cell's one output, after the updates that came during other cells."""
    (output,) = cell.of("display_data")
    name = output["transient"]["display_id"]
    updates = [
        m["content"]["data"]
        for m in kernel.messages
        if m["msg_type"] == "update_display_data"
        and m["content"]["transient"]["display_id"] == name
    ]
    return dict(updates[-1]) if updates else dict(output["data"])


def open_views(kernel: Kernel) -> list[str]:
    """The views that no message has closed yet."""
    kernel.take()
    closed = {m["content"]["comm_id"] for m in kernel.messages if m["msg_type"] == "comm_close"}
    return [view for view in kernel.views() if view not in closed]


def until_bound(kernel: Kernel, name: str = "poem") -> None:
    kernel.until(lambda: kernel.value(f"type({name}).__name__") == repr("Reply"))


@pytest.mark.colab
def test_the_cell_ends_at_once_and_the_view_is_replaced_in_its_place(
    kernel: Kernel, server: Server
) -> None:
    hold = Hold()
    server.play(Script([start(), delta("One.\n\nTwo"), hold, delta(" more."), end()]))
    cell = kernel.run(GO)
    assert cell.ok
    assert cell.of("execute_result") == []
    kernel.until(lambda: "Two" in str(kernel.painted(kernel.views()[-1])))
    assert kernel.value("(poem.state, poem.text, poem.done)") == repr(
        ("writing", "One.\n\nTwo", False)
    )
    hold.let_go.set()
    until_bound(kernel)
    assert kernel.value("(str(poem), poem.state, poem.complete)") == repr(
        ("One.\n\nTwo more.", "done", True)
    )
    kernel.until(lambda: "Two more." in shown(kernel, cell).get("text/markdown", ""))
    assert open_views(kernel) == []


def test_an_answer_is_no_text_before_its_end(kernel: Kernel, server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("Half"), hold, end()]))
    kernel.run(GO)
    kernel.until(lambda: kernel.value("poem.text") == repr("Half"))
    sentence = "the answer is on its way (writing); await it first, or read its .text."
    for code in (
        "print(poem)",
        "poem.upper()",
        "'a ' + poem",
        "f'{poem}'",
        "poem.usage",
        "poem[:2]",
    ):
        error = kernel.run(code).error
        assert error["evalue"] == sentence
        assert error["traceback"] == [f"NotDoneError: {sentence}"]
    assert kernel.run("%claude About {{ poem }}").stderr.count(sentence) == 1
    assert "writing" in str(kernel.run("poem").of("execute_result"))
    hold.let_go.set()
    assert kernel.run("print(await poem)").stdout == "Half\n"
    assert kernel.run("print(await poem, poem.wait())").stdout == "Half Half\n"
    assert len(server.requests) == 1


def test_stop_by_click_and_by_magic_keep_what_came(kernel: Kernel, server: Server) -> None:
    server.play(*[Script([start(), delta("Half"), Hold()])] * 3)
    kernel.run(GO)
    kernel.until(lambda: kernel.value("poem.text") == repr("Half"))
    kernel.click_stop()
    until_bound(kernel)
    kernel.run("%%claude a -b\nGo.")
    kernel.run("%%claude b -b\nGo.")
    kernel.until(lambda: kernel.value("(a.text, b.text)") == repr(("Half", "Half")))
    assert "2 answers are on their way" in kernel.run("%claude_stop").stderr
    assert kernel.run("%claude_stop b").stdout == "Stopped the answer in b.\n"
    until_bound(kernel, "b")
    assert kernel.run("%claude_stop all").stdout == "Stopped 1 answer.\n"
    until_bound(kernel, "a")
    assert kernel.value("[one.stop_reason for one in (poem, a, b)]") == repr(["stopped"] * 3)
    assert kernel.run("%claude_stop a").stdout == "The answer in a has ended before.\n"
    assert kernel.run("%claude_stop").stdout == "No answer is on its way.\n"
    assert "holds no answer" in kernel.run("%claude_stop nothing").stderr


def test_a_cell_that_runs_again_stops_its_answer_first(kernel: Kernel, server: Server) -> None:
    server.play(Script([start(), delta("Old"), Hold()]), answer("New"))
    kernel.run(GO, cell_id="one")
    kernel.until(lambda: kernel.value("poem.text") == repr("Old"))
    kernel.run("old = poem")
    kernel.run(GO, cell_id="one")
    until_bound(kernel)
    assert kernel.value("(str(poem), old.wait().stop_reason)") == repr(("New", "stopped"))
    assert server.requests[0].has_closed()


def test_an_error_is_shown_in_the_cell_and_raised_by_who_awaits(
    kernel: Kernel, server: Server
) -> None:
    server.play(refusal(400, "invalid_request_error", "no such thing"))
    cell = kernel.run(GO)
    assert cell.ok
    kernel.until(lambda: "no such thing" in shown(kernel, cell).get("text/markdown", ""))
    assert "**Error**" in shown(kernel, cell)["text/markdown"]
    until_bound(kernel)
    assert kernel.value("poem.state") == repr("failed")
    for code in ("await poem", "poem.wait()"):
        assert "no such thing" in kernel.run(code).error["evalue"]


def test_the_text_is_there_until_the_end_is_shown(kernel: Kernel, server: Server) -> None:
    server.play(answer(*["*long* `text`\n\n" * 1_000] * 30))
    kernel.run(WATCH)
    kernel.run(GO)
    until_bound(kernel)
    assert kernel.value("lengths == sorted(set(lengths))") == "True"
    assert kernel.value("states[-1]") == repr("writing")


def test_what_is_not_sent_says_so_in_the_cell(kernel: Kernel, server: Server) -> None:
    assert kernel.run("%config ClaudeMagics.budget = 0").ok
    cell = kernel.run(GO)
    kernel.until(lambda: "Not sent" in shown(kernel, cell).get("text/markdown", ""))
    assert "budget" in shown(kernel, cell)["text/plain"]
    assert kernel.value("poem.state") == repr("failed")
    assert "budget" in kernel.run("await poem").error["evalue"]
    assert open_views(kernel) == []


def test_mistakes_are_errors_of_the_cell(kernel: Kernel, server: Server) -> None:
    cell = kernel.run("%%claude poem --background --max-tokens no\nGo.")
    assert "UsageError: --max-tokens" in cell.stderr
    assert kernel.run("poem").error["ename"] == "NameError"
    assert not server.requests


def test_a_reset_and_an_assignment_leave_nothing_of_it(kernel: Kernel, server: Server) -> None:
    server.play(*[Script([start(), delta("Half"), Hold()])] * 2)
    kernel.run(GO)
    kernel.until(lambda: kernel.value("poem.text") == repr("Half"))
    kernel.run("poem = 'mine'")
    kernel.run("%claude_stop all")
    kernel.until(server.requests[0].has_closed)
    kernel.run("%%claude other --background\nGo.")
    kernel.until(lambda: kernel.value("other.text") == repr("Half"))
    assert kernel.value("poem") == repr("mine")
    assert kernel.run("%reset -f").ok
    kernel.until(server.requests[1].has_closed)
    kernel.until(lambda: not open_views(kernel))
    assert kernel.value("'other' in globals()") == repr(False)


def test_turns_of_a_chat_follow_each_other(kernel: Kernel, server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("First"), hold, end()]), answer("Second"), answer("Third"))
    kernel.run("%%claude one --chat trip --background\nGo.")
    kernel.run("%%claude two --chat trip -b\nOn.")
    third = kernel.send("%%claude three --chat trip\nThe end.")
    kernel.until(lambda: len(kernel.views()) == 2)
    hold.let_go.set()
    kernel.wait(third)
    assert third.ok, third.reply
    assert kernel.value("[str(t.reply) for t in trip.turns]") == repr(["First", "Second", "Third"])


ASK = "from notebook_stream import ask\nx = ask('Go.', background=True)"


def test_a_cell_that_runs_again_stops_what_ask_has_begun(kernel: Kernel, server: Server) -> None:
    server.play(Script([start(), delta("Old"), Hold()]), answer("New"))
    kernel.run(ASK, cell_id="one")
    kernel.until(lambda: kernel.value("x.text") == repr("Old"))
    kernel.run(ASK, cell_id="one")
    kernel.until(lambda: kernel.value("x.done and str(x)") == repr("New"))
    assert server.requests[0].has_closed()


@pytest.mark.one_kernel
def test_what_cannot_be_shown_leaves_the_queue_of_its_chat(kernel: Kernel, server: Server) -> None:
    server.play(answer("Fine."))
    kernel.run("import IPython.display, notebook_stream.view.display as display")
    kernel.run("shown, display.publish_display_data = display.publish_display_data, None")
    kernel.run("from notebook_stream import Chat\ntrip = Chat()")
    assert not kernel.run("%%claude one --chat trip -b\nGo.").ok
    kernel.run("display.publish_display_data = shown")
    assert kernel.run("%%claude two --chat trip\nGo.").ok
    assert kernel.value("[str(turn.reply) for turn in trip.turns]") == repr(["Fine."])


@pytest.mark.one_kernel
def test_a_chat_that_asks_for_raw_prompts_has_them(kernel: Kernel, server: Server) -> None:
    kernel.run("from notebook_stream import Chat\ntrip = Chat(raw=True)")
    assert kernel.run("%%claude one --chat trip\n{{ 1 + 1 }}").ok
    assert server.requests[0].prompt.strip() == "{{ 1 + 1 }}"


def test_ask_in_the_background(kernel: Kernel, server: Server) -> None:
    server.play(answer("Done."))
    cell = kernel.run(ASK)
    assert cell.ok
    kernel.until(lambda: "Done." in shown(kernel, cell).get("text/markdown", ""))
    assert kernel.value("(str(x), x.state, x.complete)") == repr(("Done.", "done", True))


@pytest.mark.one_kernel
def test_where_nobody_looks_the_cell_waits(kernel: Kernel, server: Server) -> None:
    server.play(answer("Done."))
    cell = kernel.run(GO, watched=False)
    assert kernel.value("str(poem)") == repr("Done.")
    assert "Done." in cell.outputs[0]["data"]["text/markdown"]
