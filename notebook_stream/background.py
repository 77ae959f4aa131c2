"""The one thread on which the network lives, with its event loop, and a second one for long work.

A kernel's main thread, busy or blocked, never holds up a stream. What is slow to import is imported
on yet another one while the user still types.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

NEEDED = ("notebook_stream.api", "genai_prices")
"""What every answer needs."""

SHOWN = ("notebook_stream.view.live", "notebook_stream.markdown")
"""What the first view would wait for."""


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The background loop, started when first asked for."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="notebook_stream", daemon=True).start()
    return made


@cache
def worker() -> ThreadPoolExecutor:
    """The one thread for what takes its time: the end of a long answer."""
    return ThreadPoolExecutor(1, thread_name_prefix="notebook_stream")


def _forget_threads() -> None:
    loop.cache_clear()
    worker.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)  # a child has none of them


async def imported() -> None:
    """Import what every answer needs, and leave this loop free meanwhile."""
    if not _done.is_set():
        await asyncio.to_thread(_import, NEEDED)
        _done.set()


def preload() -> None:
    """Begin to import what is slow: the SDK alone takes a second."""
    loop().call_soon_threadsafe(loop().run_in_executor, None, _import, (*NEEDED, *SHOWN))


_done = threading.Event()


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)
