"""The one thread on which the network lives, with its event loop.

A kernel's main thread, busy or blocked, never holds up a stream. What is slow to import is imported
on yet another one while the user still types.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=loop.cache_clear)  # the thread is not in the child


async def imported() -> None:
    """Import what every answer needs, and leave this loop free meanwhile."""
    await asyncio.to_thread(_import, NEEDED)


def preload() -> None:
    """Begin to import what is slow: the SDK alone takes a second."""
    loop().call_soon_threadsafe(loop().run_in_executor, None, _import, (*NEEDED, *SHOWN))


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        importlib.import_module(name)
