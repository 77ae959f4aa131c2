"""The callbacks of a caller's event loop while long answers come, by the CPU time of its thread.

Run as ``python -m tests.outside.callbacks`` with the API's address in the environment; it asks for
each of `CASES` in turn, and prints how many milliseconds the longest callback took in each.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

import notebook_stream as ns
from notebook_stream.running.waiting import wait
from notebook_stream.view import View
from notebook_stream.view.live import LiveView
from notebook_stream.view.static import FinalView
from notebook_stream.view.terminal import TerminalView
from notebook_stream.view.timeline import Timeline

from ..answers import new_answer
from ..bench.texts import deltas
from ..loopback import Hold, Script, delta, end, start

Views = Callable[[], View]
LENGTH = 2_000_000
DELTAS = 50_000
TEXT = "some more words " * (LENGTH // 16)
VIEWS: dict[str, Views] = {
    "live": lambda: LiveView("comm", "x", "opus", recorded=False),
    "final": FinalView,
    "terminal": TerminalView,
}

_here = threading.get_ident()
_milliseconds: list[float] = []


def _timed(handle: asyncio.Handle, run: Callable[[Any], None] = asyncio.Handle._run) -> None:
    began = time.thread_time()
    run(handle)
    if threading.get_ident() == _here:
        _milliseconds.append(1000 * (time.thread_time() - began))


def whole() -> Script:
    """One delta of two million characters."""
    return Script([start(), delta(TEXT), end()])


def open_end() -> Script:
    """The same, of an answer that goes on."""
    return Script([start(), delta(TEXT), Hold()])


def many() -> Script:
    """The same text in many deltas, which come as fast as they can."""
    pieces = deltas(TEXT, DELTAS)
    bursts = [b"".join(pieces[n : n + 100]) for n in range(0, DELTAS, 100)]
    return Script([start(), *bursts, end()])


async def ask(view: Views) -> None:
    assert len(await wait(new_answer("hi", view=view))) == LENGTH


async def cancel(view: Views) -> None:
    here, came = asyncio.get_running_loop(), asyncio.Event()

    def look(event: dict[str, Any], text: str) -> None:
        if text:
            here.call_soon_threadsafe(came.set)

    asking = asyncio.create_task(wait(new_answer("hi", view=view, on_event=look)))
    await came.wait()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking


async def read() -> None:
    async with ns.astream("hi") as s:
        assert len([text async for text in s]) == DELTAS


async def read_what_is_there() -> None:
    async with ns.astream("hi") as s:
        while not s._answer.done.done():
            await asyncio.sleep(0.01)
        assert len([text async for text in s]) == DELTAS


async def leave() -> None:
    async with ns.astream("hi") as s:
        async for _ in s:
            break


async def prompt_in_a_chat() -> None:
    chat = ns.Chat()
    await chat.aask(TEXT)
    await chat.aask("And then?")


async def prompt_near_a_budget() -> None:
    ns.request.options.settings.budget = 1e6
    await ns.aask(TEXT)


CASES: dict[str, tuple[Callable[[], Coroutine[Any, Any, None]], Callable[[], Script] | None]] = {
    **{f"ask, {name} view": (partial(ask, view), whole) for name, view in VIEWS.items()},
    **{f"cancel, {name} view": (partial(cancel, view), open_end) for name, view in VIEWS.items()},
    "read a stream": (read, many),
    "read a stream that has ended": (read_what_is_there, many),
    "leave a stream": (leave, many),
    "a long prompt in a chat": (prompt_in_a_chat, None),
    "a long prompt under a budget": (prompt_near_a_budget, None),
}
"""What is asked, and what the server plays; its default answer where that is None."""


def main() -> None:
    InteractiveShell.instance().display_pub = CapturingDisplayPublisher()
    Timeline().take([], whole=True)
    ns.ask("hi")  # all is imported
    gc.disable()  # a collection runs on whichever thread allocates, whoever made the objects
    asyncio.Handle._run = _timed  # type: ignore[assignment,method-assign] # all callbacks of all loops
    longest: dict[str, float] = {}
    with open(os.devnull, "w", encoding="utf-8") as sys.stdout:
        for name, (act, _) in CASES.items():
            _milliseconds.clear()
            asyncio.run(act())
            longest[name] = max(_milliseconds)
    os.write(1, json.dumps(longest).encode())


if __name__ == "__main__":
    main()
