"""Prompts that are asked of one chat at once: each waits for the one before."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import notebook_stream as ns

from ..loopback import DEADLINE_SECONDS, Drop, Hold, Script, Server, answer, delta, end, start

PROMPTS = "abcde"


pytestmark = pytest.mark.usefixtures("api")


@pytest.fixture
def chat() -> ns.Chat:
    return ns.Chat(name="trip")


@pytest.fixture
def hold(server: Server) -> Iterator[Hold]:
    """What the server does in the middle of its first answer."""
    made = Hold()
    server.play(Script([start(), delta("One"), made, end()]))
    yield made
    made.let_go.set()


def prompts(chat: ns.Chat) -> list[str]:
    return [turn.prompt for turn in chat.turns]


def sent(server: Server) -> list[list[str]]:
    """The prompts of each request."""
    asked = [[m for m in r.body["messages"] if m["role"] == "user"] for r in server.requests]
    return [[message["content"] for message in messages] for messages in asked]


async def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def by_aask(chat: ns.Chat, prompt: str) -> ns.Reply:
    return await chat.aask(prompt)


async def by_astream(chat: ns.Chat, prompt: str) -> ns.Reply:
    async with chat.astream(prompt) as s:
        _ = [text async for text in s]
    return s.reply


def by_ask(chat: ns.Chat, prompt: str) -> ns.Reply:
    return chat.ask(prompt)


def by_stream(chat: ns.Chat, prompt: str) -> ns.Reply:
    with chat.stream(prompt) as s:
        list(s)
    return s.reply


@pytest.mark.parametrize("verb", [by_aask, by_astream])
def test_tasks_ask_in_the_order_of_their_calls(server: Server, chat: ns.Chat, verb: Any) -> None:
    server.play(*[answer(prompt.upper(), pause=0.02) for prompt in PROMPTS])

    async def main() -> list[ns.Reply]:
        return list(await asyncio.gather(*[verb(chat, prompt) for prompt in PROMPTS]))

    replies = asyncio.run(main())
    assert replies == list("ABCDE")
    assert sent(server) == [list(PROMPTS[:n]) for n in range(1, 6)]
    assert prompts(chat) == list(PROMPTS)
    assert [reply.turn for reply in replies] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("verb", [by_ask, by_stream])
def test_threads_ask_one_after_the_other(server: Server, chat: ns.Chat, verb: Any) -> None:
    threads = [threading.Thread(target=verb, args=(chat, prompt)) for prompt in PROMPTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    order = prompts(chat)
    assert sorted(order) == list(PROMPTS)
    assert sent(server) == [order[:n] for n in range(1, 6)]


def test_one_that_fails_lets_the_next_go(server: Server, chat: ns.Chat) -> None:
    server.play(Script([start(), Drop]), answer("Two."))

    async def main() -> tuple[Any, Any, Any]:
        return await asyncio.gather(
            chat.aask("a"), chat.aask(""), chat.aask("c"), return_exceptions=True
        )

    lost, empty, reply = asyncio.run(main())
    assert isinstance(lost, ns.ConnectionLostError)
    assert isinstance(empty, ns.OptionError)
    assert reply == "Two."
    assert sent(server) == [["a"], ["c"]]
    assert prompts(chat) == ["c"]


def test_one_that_waits_can_be_cancelled_and_leaves_nothing(
    server: Server, chat: ns.Chat, hold: Hold
) -> None:
    async def main() -> None:
        first, second, third = (asyncio.create_task(chat.aask(prompt)) for prompt in "abc")
        await asyncio.to_thread(server.wait_for_request)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(second, DEADLINE_SECONDS)
        assert not first.done()
        hold.let_go.set()
        await asyncio.gather(first, third)

    asyncio.run(main())
    assert sent(server) == [["a"], ["a", "c"]]
    assert prompts(chat) == ["a", "c"]


def test_a_stream_that_waits_can_be_stopped(server: Server, chat: ns.Chat, hold: Hold) -> None:
    async def main() -> None:
        first = asyncio.create_task(chat.aask("a"))
        await asyncio.to_thread(server.wait_for_request)
        waiting = chat.astream("b")
        stopping = asyncio.create_task(by_entering(waiting))
        blocked = chat.stream("c")
        thread = asyncio.create_task(asyncio.to_thread(by_entering_blocked, blocked))
        await until(lambda: len(chat._queue) == 3)
        waiting.stop()
        blocked.stop()
        for reply in await asyncio.wait_for(asyncio.gather(stopping, thread), DEADLINE_SECONDS):
            assert (reply, reply.stop_reason) == ("", "stopped")
        hold.let_go.set()
        await first

    asyncio.run(main())
    assert sent(server) == [["a"]]
    assert prompts(chat) == ["a"]


async def by_entering(s: Any) -> ns.Reply:
    async with s:
        assert not [text async for text in s]
    reply: ns.Reply = s.reply
    return reply


def by_entering_blocked(s: Any) -> ns.Reply:
    with s:
        assert not list(s)
    reply: ns.Reply = s.reply
    return reply


@pytest.mark.parametrize("verb", [by_ask, by_stream])
def test_a_call_that_would_block_what_it_waits_for_is_refused(
    server: Server, chat: ns.Chat, hold: Hold, verb: Any
) -> None:
    words = r"the chat 'trip' is answering .* await that answer first, or ask in a .*fork\(\)"

    async def main() -> None:
        first = asyncio.create_task(chat.aask("a"))
        await asyncio.to_thread(server.wait_for_request)
        with pytest.raises(ns.OptionError, match=words):
            verb(chat, "b")
        assert verb(chat.fork(), "c")
        hold.let_go.set()
        await first

    asyncio.run(main())
    assert verb(chat, "d")
    assert sent(server) == [["a"], ["c"], ["a", "d"]]


def test_a_stream_in_which_another_is_asked(server: Server, chat: ns.Chat) -> None:
    with chat.stream("a") as s:
        with contextlib.suppress(ns.OptionError):
            chat.ask("while it may go on")
        list(s)
        chat.ask("b")
    with chat.stream("c") as s:
        _ = s.reply
        chat.ask("d")
    assert prompts(chat)[-3:] == ["b", "c", "d"]
    assert sent(server) == [prompts(chat)[: n + 1] for n in range(len(chat.turns))]


def test_an_awaited_one_in_a_stream_waits_for_the_whole_answer(
    server: Server, chat: ns.Chat
) -> None:
    async def main() -> None:
        async with chat.astream("a"):
            await chat.aask("b")

    asyncio.run(main())
    assert sent(server) == [["a"], ["a", "b"]]
    assert chat.turns[0].reply == "Hello, world."


def test_streams_that_nobody_enters_or_leaves_hold_nothing_up(
    server: Server, chat: ns.Chat
) -> None:
    never = [chat.stream("never"), chat.astream("never")]
    assert chat.ask("a")
    left_open = chat.stream("b")
    left_open.__enter__()
    asyncio.run(by_aask(chat, "c"))
    abandoned = (text for text in chat.stream("d").__enter__())
    next(abandoned)
    asyncio.run(by_aask(chat, "e"))
    assert prompts(chat) == list("abcde")
    assert sent(server) == [list(PROMPTS[:n]) for n in range(1, 6)]
    assert left_open.reply.complete
    del never, abandoned
    gc.collect()
    assert prompts(chat) == list("abcde")


def test_a_loop_that_is_blocked_holds_up_no_other_thread(
    server: Server, chat: ns.Chat, hold: Hold
) -> None:
    async def main() -> None:
        first = asyncio.create_task(chat.aask("a"))
        await asyncio.to_thread(server.wait_for_request)
        thread = threading.Thread(target=chat.ask, args=("b",))
        thread.start()
        hold.let_go.set()
        thread.join(DEADLINE_SECONDS)  # which blocks the loop of the first one
        assert prompts(chat) == ["a", "b"]
        await first

    asyncio.run(main())
    assert prompts(chat) == ["a", "b"]


def test_a_prompt_that_waits_is_put_together_when_its_turn_comes(
    server: Server, chat: ns.Chat, hold: Hold
) -> None:
    async def main() -> None:
        tasks = [asyncio.create_task(chat.aask(prompt)) for prompt in "ab"]
        await asyncio.to_thread(server.wait_for_request)
        chat.options["system"] = "Be brief."
        hold.let_go.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    assert [r.body.get("system") for r in server.requests] == [None, "Be brief."]


@pytest.mark.parametrize("other", [lambda chat: pickle.loads(pickle.dumps(chat)), copy.deepcopy])  # noqa: S301 - our own
def test_a_copy_waits_for_nothing(server: Server, chat: ns.Chat, hold: Hold, other: Any) -> None:
    with chat.stream("a"):
        server.wait_for_request()
        copied = other(chat)
        assert copied.ask("b")
    assert sent(server) == [["a"], ["b"]]
    assert prompts(copied) == ["b"]


FORKS = """
import os, sys
import notebook_stream as ns

chat = ns.Chat()
with chat.stream("a") as s:
    next(iter(s))
    child = os.fork()
    if not child:
        chat.ask("b")
        os._exit(len(chat.turns))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no fork")
def test_a_child_process_waits_for_nothing(server: Server, env: dict[str, str], hold: Hold) -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKS]
    ended = subprocess.run(command, env=env, timeout=60, check=False)
    assert ended.returncode == 1
    assert sent(server) == [["a"], ["b"]]
