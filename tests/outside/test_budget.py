"""The budget: what is reserved, what is sent, what is refused, and the ledger under threads."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream import background
from notebook_stream.ledger import usage
from notebook_stream.request.options import settings
from notebook_stream.running.gate import gate
from notebook_stream.running.waiting import block, settle
from notebook_stream.values.usage import Usage
from notebook_stream.view import NoView

from ..answers import new_answer
from ..loopback import (
    DEADLINE_SECONDS,
    Drop,
    Hold,
    Pause,
    Script,
    Server,
    delta,
    end,
    event,
    refusal,
    start,
)

ONE = 0.00017
"""What an answer of the server costs, in US dollars."""


pytestmark = pytest.mark.usefixtures("api")


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets a budget of so much more than the tests before have spent."""
    return lambda more: monkeypatch.setattr(settings, "budget", gate.spent + more)


def sent(server: Server) -> int:
    """How many prompts came, besides questions for a count of tokens."""
    return sum(request.path == "/v1/messages" for request in server.requests)


async def ask_at_once(count: int, **options: Any) -> list[Any]:
    asks = [ns.aask("hi", **options) for _ in range(count)]
    return await asyncio.gather(*asks, return_exceptions=True)


def test_of_twenty_at_once_with_money_for_one_one_is_sent(
    server: Server, allow: Callable[[float], None]
) -> None:
    allow(0.001)  # far enough for all to go without a count of tokens
    server.default = Script([start(), delta("a"), Pause(0.5), end(output_tokens=200)])  # $0.002
    ended = asyncio.run(ask_at_once(20))
    refused = [one for one in ended if isinstance(one, ns.OptionError)]
    assert (sent(server), len(refused)) == (1, 19)
    assert all("does not allow this" in str(one) and one.reply is None for one in refused)
    assert gate.held == 0


def test_answers_that_fit_together_are_sent_at_once(
    server: Server, allow: Callable[[float], None]
) -> None:
    allow(1.0)
    hold = Hold()
    server.default = Script([start(), delta("a"), hold, end()])

    async def main() -> list[Any]:
        asking = asyncio.create_task(ask_at_once(10, max_tokens=20))
        await asyncio.to_thread(server.wait_for_request, 10)
        assert gate.held > 0
        hold.let_go.set()
        return await asking

    assert asyncio.run(main()) == ["a"] * 10
    assert gate.held == 0


def test_an_answer_waits_for_money_that_is_held_and_comes_free(
    server: Server, allow: Callable[[float], None]
) -> None:
    allow(0.2)  # an answer of 16,000 tokens would cost 0.16
    hold = Hold()
    server.default = Script([start(), delta("a"), hold, end()])

    async def main() -> list[Any]:
        asking = asyncio.create_task(ask_at_once(6))
        await asyncio.to_thread(server.wait_for_request, 2)
        assert gate.held > 0.2
        assert sent(server) == 2  # the second had room for its least; the third has not
        hold.let_go.set()
        return await asking

    assert asyncio.run(main()) == ["a"] * 6
    assert usage.session.total.cost <= (settings.budget or 0)


class Unopened(NoView):
    """A view that cannot be shown."""

    def open(self) -> None:
        msg = "no screen"
        raise RuntimeError(msg)


def whole(server: Server) -> None:
    ns.ask("hi")


def failed(script: Script) -> Callable[[Server], None]:
    def fail(server: Server) -> None:
        server.play(script)
        with pytest.raises(ns.ClaudeError):
            ns.ask("hi")

    return fail


def stopped(server: Server) -> None:
    server.play(Script([start(), delta("a"), Hold()]))
    with ns.stream("hi") as s:
        next(iter(s))
    assert s.reply.stop_reason == "stopped"


def stopped_at_once(server: Server) -> None:
    asking = new_answer("hi")
    asking.start()
    settle(asking)


def cancelled(server: Server) -> None:
    server.play(Script([start(), delta("a"), Hold()]))

    async def main() -> None:
        asking = asyncio.create_task(ns.aask("hi"))
        await asyncio.to_thread(server.wait_for_request)
        asking.cancel()
        await asking

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())


def cancelled_while_it_waits(server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("a"), hold, end()]))

    async def main() -> None:
        first = asyncio.create_task(ns.aask("hi"))
        await asyncio.to_thread(server.wait_for_request)
        held = gate.held
        others = [asyncio.create_task(ns.aask("hi", max_tokens=60_000)) for _ in range(3)]
        await asyncio.sleep(0.1)
        for one in others:
            one.cancel()
        await asyncio.wait(others)
        assert gate.held >= held
        hold.let_go.set()
        assert await first == "a"

    asyncio.run(main())


def not_shown(server: Server) -> None:
    with pytest.raises(RuntimeError, match="no screen"):
        block(new_answer("hi", view=Unopened))
    assert not server.requests


def died(server: Server) -> None:
    server.play(Script([start(), delta("a"), Hold()]))
    asking = new_answer("hi")
    asking.start()
    server.wait_for_request()
    before, held = gate.spent, gate.held

    async def kill() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run_coroutine_threadsafe(kill(), background.loop()).result(DEADLINE_SECONDS)
    with suppress(CancelledError, asyncio.CancelledError):
        asking.done.result(DEADLINE_SECONDS)
    assert gate.spent >= before + held  # what it has cost is unknown


ENDINGS: dict[str, Callable[[Server], None]] = {
    "whole": whole,
    "refused": failed(refusal(401, "authentication_error", "no")),
    "dropped": failed(Script([start(), delta("a"), Drop])),
    "an error in the stream": failed(Script([start(), event("error", error={"message": "no"})])),
    "stopped": stopped,
    "stopped at once": stopped_at_once,
    "cancelled": cancelled,
    "cancelled while it waits": cancelled_while_it_waits,
    "not shown": not_shown,
    "died": died,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_nothing_stays_held_however_an_answer_ends(
    ending: str, server: Server, allow: Callable[[float], None]
) -> None:
    allow(0.2)
    ENDINGS[ending](server)
    assert gate.held == 0
    allow(0.2)
    assert ns.ask("hi").complete


UNPRICED = [
    "claude-mythos-5",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-mythos-5-v1:0",
]


@pytest.mark.parametrize("model", UNPRICED)
def test_a_model_of_unknown_price_needs_leave_under_a_budget(
    model: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = Script([start(model=model), delta("a"), end()])
    server.play(reported, reported)
    unpriced = ns.ask("hi", model=model)
    assert (unpriced, unpriced.cost) == ("a", None)
    monkeypatch.setattr(settings, "budget", gate.spent + 100.0)
    with pytest.raises(ns.OptionError, match="is unknown") as caught:
        ns.ask("hi", model=model)
    assert str(caught.value).endswith("%config ClaudeMagics.allow_unknown_price = True.")
    assert sent(server) == 1
    monkeypatch.setattr(settings, "allow_unknown_price", True)
    assert ns.ask("hi", model=model) == "a"
    assert gate.held == 0


def test_an_answer_of_another_model_than_the_priced_one_counts_at_its_most(
    server: Server, allow: Callable[[float], None]
) -> None:
    allow(0.2)
    server.default = Script([start(model="claude-mythos-5"), delta("a"), end()])
    assert [ns.ask("hi").cost, ns.ask("hi").cost] == [None, None]
    with pytest.raises(ns.OptionError, match="does not allow this"):
        ns.ask("hi")
    assert sent(server) == 2


def test_a_recorded_answer_needs_no_budget(
    server: Server, allow: Callable[[float], None], tmp_path: Path
) -> None:
    ns.ask("hi", record=tmp_path / "a.txt")
    allow(0.0)
    before = usage.session.total.cost
    assert ns.ask("hi", replay=tmp_path / "a.txt").recorded
    with pytest.warns(RuntimeWarning, match="another model"):
        assert ns.ask("hi", replay=tmp_path / "a.txt", model="claude-mythos-5").recorded
    assert usage.session.total.cost == before
    with pytest.raises(ns.OptionError, match="does not allow this"):
        ns.ask("hi")


def interrupt_once_it_waits() -> None:
    """Press Ctrl-C as soon as the wait has a handler for it."""
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)


def test_a_wait_for_money_can_be_interrupted_and_nothing_is_sent(
    server: Server, allow: Callable[[float], None]
) -> None:
    allow(0.2)
    hold = Hold()
    server.play(*[Script([start(), delta("a"), hold, end()])] * 2)
    with ns.stream("hi"), ns.stream("hi"):
        server.wait_for_request(2)
        waiting = new_answer("hi")
        threading.Thread(target=interrupt_once_it_waits).start()
        with pytest.raises(KeyboardInterrupt, match="nothing was sent") as caught:
            block(waiting)
        assert getattr(caught.value, "reply", "") is None
    assert (sent(server), gate.held) == (2, 0)


def test_asks_of_many_threads_are_summed_while_another_reads(
    server: Server, allow: Callable[[float], None]
) -> None:
    allow(1000.0)
    before = usage.session.total
    done = threading.Event()

    def read() -> None:
        while not done.wait(0.001):
            assert usage.session.total.requests >= before.requests

    with ThreadPoolExecutor(9) as threads:
        reading = threads.submit(read)
        try:
            chats = [ns.Chat(name=f"chat {n}") for n in range(160)]
            replies = list(threads.map(lambda chat: chat.ask("hi", max_tokens=20), chats))
        finally:
            done.set()
        reading.result(DEADLINE_SECONDS)
    now = usage.session.total
    assert (now.requests - before.requests, now.input_tokens - before.input_tokens) == (160, 4000)
    assert now.cost - before.cost == pytest.approx(sum(reply.cost or 0.0 for reply in replies))
    assert now.cost - before.cost == pytest.approx(160 * ONE)
    assert gate.held == 0


def test_the_ledger_is_entered_and_read_on_many_threads() -> None:
    session = usage.Session()
    reply = ns.Reply("a", model="m", usage=Usage(input_tokens=1), output_tokens=1, cost=1.0)
    done = threading.Event()

    def enter(thread: int) -> None:
        for n in range(300):
            session.add(reply, f"{thread} {n}")
            session.add(reply, "in all threads")

    def read() -> None:
        while not done.is_set():
            total = session.total
            assert total.cost == total.requests == total.input_tokens

    with ThreadPoolExecutor(8) as threads:
        reading = [threads.submit(read) for _ in range(2)]
        try:
            list(threads.map(enter, range(6)))
        finally:
            done.set()
        for one in reading:
            one.result(DEADLINE_SECONDS)
    assert (session.total.requests, session.total.cost) == (3600, 3600.0)


def test_what_usage_gives_does_not_change_afterwards() -> None:
    session = usage.Session()
    reply = ns.Reply("a", model="m", usage=Usage(input_tokens=1), cost=1.0)
    session.add(reply, "")
    given = session.snapshot()
    shown = repr(given)
    session.add(reply, "")
    session.add(reply, "another chat")
    assert (repr(given), given.total.cost, session.total.cost) == (shown, 1.0, 3.0)
    given.sums.clear()
    assert session.total.requests == 3
