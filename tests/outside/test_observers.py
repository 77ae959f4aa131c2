"""Who watches an answer: in which order and on which thread, and what one costs the others."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream.host import clicks
from notebook_stream.request.options import Options
from notebook_stream.running.answer import Answer
from notebook_stream.running.observers import Observer
from notebook_stream.running.waiting import block
from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.reply import Reply
from notebook_stream.values.round import Event
from notebook_stream.view import NoView
from notebook_stream.view.live import LiveWidget

from ..answers import new_answer
from ..loopback import DEADLINE_SECONDS, Hold, Script, Server, answer, delta, end, refusal, start

pytestmark = pytest.mark.usefixtures("api")


class Noting(Observer):
    """Records what it is called with."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def begin(self, draft: AnswerDraft) -> None:
        self.calls.append("begin")

    def take(self, event: Event, text: str) -> None:
        self.calls.append(text or str(event["type"]))

    def wait(self, words: str) -> None:
        self.calls.append(f"wait: {words}")

    def end(self, reply: Reply, notes: tuple[str, ...]) -> Future[None] | None:
        self.calls.append(f"end: {reply}")
        return None


class Failing(Noting):
    """Fails at the first text."""

    def take(self, event: Event, text: str) -> None:
        super().take(event, text)
        if text:
            raise RuntimeError(text)


EVENTS = [
    "begin", "wait: ", "message_start", "content_block_start", "a", "b",
    "content_block_stop", "message_delta", "message_stop", "end: ab",
]  # fmt: skip


def test_several_observers_see_all_in_order_and_one_that_fails_costs_no_other(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    first, failing, last = Noting(), Failing(), Noting()
    server.play(answer("a", "b"))
    reply = block(Answer("hi", Options.of({}), observers=[first, failing, last]))
    assert (reply, reply.complete) == ("ab", True)
    assert first.calls == last.calls == EVENTS
    assert failing.calls == EVENTS[:5]
    assert "an observer of the answer failed" in caplog.text


def test_a_wait_for_another_try_is_reported_before_it(server: Server) -> None:
    noting = Noting()
    server.play(refusal(529, "overloaded_error", "no", **{"retry-after": "0.05"}), answer("a"))
    block(Answer("hi", Options.of({}), observers=[noting]))
    begun, sent, waits, again, *_ = noting.calls
    assert (begun, sent, again) == ("begin", "wait: ", "wait: ")
    assert waits.startswith("wait: the API is overloaded (529); trying again, 2 of 3")


class Threads(NoView):
    """A view that notes on which thread each of its methods is called."""

    shows = True

    def __init__(self) -> None:
        self.names: dict[str, set[str]] = {}

    def _note(self, method: str) -> None:
        self.names.setdefault(method, set()).add(threading.current_thread().name)

    def open(self) -> None:
        self._note("open")

    def paint(self, draft: AnswerDraft) -> bool:
        self._note("paint")
        return False

    def wait(self, words: str) -> None:
        self._note("wait")

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        self._note("finish")

    def close(self) -> None:
        self._note("close")


def test_a_view_is_painted_on_one_thread_that_is_not_the_networks(server: Server) -> None:
    view = Threads()
    server.play(answer("a", "b", pause=0.1))
    block(new_answer(view=lambda: view))
    here = threading.current_thread().name
    assert view.names["open"] == view.names["close"] == {here}
    assert view.names["paint"] == view.names["wait"] == view.names["finish"]
    assert view.names["paint"] == {"notebook_stream_view"}


class Blocked(NoView):
    """A view whose first paint takes until it is let go."""

    def __init__(self) -> None:
        self.painting, self.let_go = threading.Event(), threading.Event()

    def paint(self, draft: AnswerDraft) -> bool:
        self.painting.set()
        self.let_go.wait(DEADLINE_SECONDS)
        return False


def test_a_view_that_hangs_holds_up_neither_the_network_nor_another_answer(server: Server) -> None:
    view = Blocked()
    server.play(Script([start(), delta("a"), Hold()]))
    hanging = new_answer(view=lambda: view)
    hanging.start()
    assert view.painting.wait(DEADLINE_SECONDS)
    assert ns.ask("hi") == "Hello, world."
    hanging.stop()
    assert server.requests[0].has_closed()
    assert not hanging.done.done()  # its view is not ready for the end
    view.let_go.set()
    assert hanging.done.result(DEADLINE_SECONDS).stop_reason == "stopped"


class ClickedAtOnce(NoView):
    """A view on whose Stop somebody clicks as soon as it is displayed."""

    def __init__(self) -> None:
        self.widget = LiveWidget(model_id=clicks.new_comm_id())

    def open(self) -> None:
        clicks._notify(str(self.widget.model_id), {"kind": "stop"})

    def close(self) -> None:
        self.widget.layout.close()
        self.widget.close()


def test_a_click_that_comes_while_the_view_is_displayed_stops_the_answer(server: Server) -> None:
    server.play(Script([start(), delta("a"), Hold()]))
    clicked = new_answer(view=ClickedAtOnce)
    clicked.start()
    assert clicked.done.result(DEADLINE_SECONDS).stop_reason == "stopped"
    clicked.deliver()


def test_a_message_that_comes_before_its_listener_waits_for_it() -> None:
    comm_id, received = clicks.new_comm_id(), list[dict[str, Any]]()
    widget = LiveWidget(model_id=comm_id)  # pages know of it from here on
    clicks._notify(comm_id, {"kind": "stop"})
    unlisten = clicks.listen(widget, received.append)
    clicks._notify(comm_id, {"kind": "copy"})
    assert [message["kind"] for message in received] == ["stop", "copy"]
    unlisten()
    clicks._notify(comm_id, {"kind": "copy"})
    assert len(received) == 2
    widget.layout.close()
    widget.close()


class FailingOnce(NoView):
    """A view whose first paint of a text fails."""

    def __init__(self) -> None:
        self.painted: list[str] = []
        self.shown = threading.Event()

    def paint(self, draft: AnswerDraft) -> bool:
        text = draft.text
        self.painted += [text] if text else []
        if len(self.painted) == 1:
            raise RuntimeError(text)
        if text:
            self.shown.set()
        return False


def test_a_paint_that_failed_is_tried_again_though_nothing_follows(server: Server) -> None:
    view, hold = FailingOnce(), Hold()
    server.play(Script([start(), delta("a"), hold, end()]))
    asked = new_answer(view=lambda: view)
    asked.start()
    assert view.shown.wait(DEADLINE_SECONDS)
    hold.let_go.set()
    assert asked.outcome() == "a"
    assert view.painted[:2] == ["a", "a"]
