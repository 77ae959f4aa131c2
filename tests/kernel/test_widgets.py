"""Answers in widgets of one's own layout: they come while the kernel does other things."""

from __future__ import annotations

import pytest

from ..loopback import Hold, Script, Server, answer, delta, refusal, start
from .kernel import Kernel

MAKE = """
from ipywidgets import Button
from notebook_stream import AnswerWidget

area, button = AnswerWidget(), Button()
button.on_click(lambda _: area.ask("Go."))
states = []
area.observe(lambda change: states.append(change["new"]), "state")
print(area.model_id, button.model_id, end="")
"""


def make(kernel: Kernel) -> tuple[str, str]:
    """Make an area and a button that asks in it; the ids of their models."""
    cell = kernel.run(MAKE)
    assert cell.ok, cell.reply
    area, button = cell.stdout.split()
    return area, button


def click(kernel: Kernel, button: str) -> None:
    kernel.send_from_page(button, {"event": "click"})


def until_state(kernel: Kernel, state: str) -> None:
    kernel.until(lambda: kernel.value("area.state") == repr(state))


@pytest.mark.colab
def test_a_callback_streams_while_cells_run_and_stops_by_click(
    kernel: Kernel, server: Server
) -> None:
    server.play(Script([start(), delta("One.\n\nTwo"), Hold()]))
    area, button = make(kernel)
    click(kernel, button)
    kernel.until(lambda: "Two" in str(kernel.painted(area)))
    assert kernel.value("(area.state, area.text)") == repr(("writing", "One.\n\nTwo"))
    kernel.send_from_page(area, {"kind": "stop", "answer": 1})
    kernel.until(lambda: any(one["phase"] == "done" for one in kernel.painted(area)))
    until_state(kernel, "done")
    assert kernel.value("(area.reply.stop_reason, str(area.reply))") == repr(
        ("stopped", "One.\n\nTwo")
    )
    assert server.requests[0].has_closed()
    assert kernel.value("states") == repr(["waiting", "writing", "stopping", "done"])


@pytest.mark.one_kernel
def test_a_view_that_is_opened_late_gets_all_of_the_answer(kernel: Kernel, server: Server) -> None:
    server.play(answer("One.\n\n", "Two."))
    area, button = make(kernel)
    click(kernel, button)
    until_state(kernel, "done")
    before = len(kernel.painted(area))
    kernel.send_from_page(area, {"kind": "hello", "have": 0, "answer": 1})
    kernel.until(lambda: len(kernel.painted(area)) > before)
    last = kernel.painted(area)[-1]
    assert (last["at"], last["phase"], last["answer"]) == (0, "done", 1)
    assert "One." in str(last["packets"])
    assert "Two." in str(last["packets"])


@pytest.mark.one_kernel
def test_asking_again_stops_the_answer_before(kernel: Kernel, server: Server) -> None:
    server.play(Script([start(), delta("Old"), Hold()]), answer("New"))
    area, button = make(kernel)
    click(kernel, button)
    kernel.until(lambda: "Old" in str(kernel.painted(area)))
    click(kernel, button)
    until_state(kernel, "done")
    assert kernel.value("(area.text, area.reply.stop_reason)") == repr(("New", "end_turn"))
    assert server.requests[0].has_closed()


@pytest.mark.colab
def test_an_answer_can_be_awaited(kernel: Kernel, server: Server) -> None:
    server.play(answer("Whole"), refusal(400, "invalid_request_error", "no such thing"))
    make(kernel)
    assert kernel.run(
        "reply = await area.ask('Go.')\nprint(type(reply).__name__, reply)"
    ).stdout == ("Reply Whole\n")
    failed = kernel.run("await area.ask('Go.')")
    assert failed.error["ename"] == "RefusedError"
    assert kernel.value("(area.state, type(area.error).__name__)") == repr(
        ("failed", "RefusedError")
    )


@pytest.mark.one_kernel
def test_a_mistake_changes_nothing_and_a_refused_request_is_shown(
    kernel: Kernel, server: Server
) -> None:
    server.play(answer("Whole"))
    area, _ = make(kernel)
    assert kernel.run("await area.ask('Go.')").ok
    mistake = kernel.run("area.ask('Go.', max_tokens=-1)")
    assert mistake.error["ename"] == "OptionError"
    assert kernel.value("(area.state, area.text)") == repr(("done", "Whole"))
    assert kernel.run("%config ClaudeMagics.budget = 0.0").ok
    refused = kernel.run("await area.ask('Go.')")
    assert refused.error["ename"] == "OptionError", refused.error
    last = kernel.painted(area)[-1]
    assert (last["answer"], last["phase"]) == (2, "done")
    assert "budget" in last["notes"][0]
    assert [one.path for one in server.requests if "count" not in one.path] == ["/v1/messages"]


@pytest.mark.one_kernel
def test_turns_of_cells_and_of_a_widget_are_one_chat(kernel: Kernel, server: Server) -> None:
    server.play(answer("First"), answer("Second"))
    make(kernel)
    assert kernel.run("%claude --chat trip One?").ok
    assert kernel.run("both = area.ask('Two?', chat=trip), area.ask('Three?', chat=trip)").ok
    kernel.until(lambda: kernel.value("both[1].done") == "True")
    turns = kernel.value("[(turn.prompt, str(turn.reply)) for turn in trip.turns]")
    assert turns == repr([("One?", "First"), ("Three?", "Second")]), turns
    assert kernel.value("area.text") == repr("Second")


@pytest.mark.one_kernel
def test_frozen_the_static_output_has_the_place(kernel: Kernel, server: Server) -> None:
    server.play(answer("Some **bold** words."))
    make(kernel)
    early = kernel.run("area.freeze()")
    assert early.error["ename"] == "OptionError"
    shown = kernel.run("display(area)")
    assert kernel.run("await area.ask('Go.')").ok
    frozen = kernel.run("area.freeze()")
    assert frozen.ok, frozen.reply
    (update,) = frozen.of("update_display_data")
    assert "Some **bold** words." in update["data"]["text/markdown"]
    assert update["transient"] == shown.of("display_data")[0]["transient"]
    assert kernel.value("area.comm") == "None"


@pytest.mark.one_kernel
def test_an_observer_that_fails_costs_no_answer(kernel: Kernel, server: Server) -> None:
    server.play(answer("One.\n\n", "Two."))
    make(kernel)
    assert kernel.run("area.observe(lambda change: 1 / 0, 'text')").ok
    cell = kernel.run("await area.ask('Go.')")
    assert cell.ok, cell.reply
    assert kernel.value("(area.state, area.text)") == repr(("done", "One.\n\nTwo."))
    assert "ZeroDivisionError" in str(cell.messages)


@pytest.mark.one_kernel
def test_closing_the_widget_closes_the_connection(kernel: Kernel, server: Server) -> None:
    server.play(Script([start(), delta("One"), Hold()]))
    area, button = make(kernel)
    click(kernel, button)
    kernel.until(lambda: "One" in str(kernel.painted(area)))
    assert kernel.run("area.close()").ok
    assert server.requests[0].has_closed()
    assert kernel.run("wrong = AnswerWidget(state='nonsense')").error["ename"] == "TraitError"
    assert "AttributeError" not in kernel.run("import gc; _ = gc.collect()").stderr


@pytest.mark.one_kernel
def test_a_hundred_answers_leave_nothing(kernel: Kernel, server: Server) -> None:
    make(kernel)
    server.play(*[answer("Same") for _ in range(101)])
    ask = "import gc, threading\nfor _ in range({}): await area.ask('Go.')\ngc.collect()"
    count = (
        "[len(threading.enumerate()) < 20, sum(type(one).__name__ in "
        "{'AreaView', 'Feed', 'Run', 'PendingAnswer', 'Reply', 'Painter'} for one in gc.get_objects())]"
    )
    assert kernel.run(ask.format(1)).ok
    before = kernel.value(count)
    assert kernel.run(ask.format(100)).ok
    kernel.until(lambda: kernel.value(f"[gc.collect(), {count}][1]") == before)
