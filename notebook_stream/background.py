"""The one thread on which the network lives, with its event loop.

A kernel's main thread, busy or blocked, never holds up a stream; and what is slow to import is
imported here while the user still types.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import threading
from functools import cache

SLOW = ("api", "view.live", "markdown")


@cache
def loop() -> asyncio.AbstractEventLoop:
    """The background loop, started when first asked for."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="notebook_stream", daemon=True).start()
    return made


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=loop.cache_clear)  # the thread is not in the child


def preload() -> None:
    """Begin to import what is slow: the SDK alone takes a second."""
    loop().call_soon_threadsafe(_import_slow)


def _import_slow() -> None:
    for name in SLOW:
        importlib.import_module(f"{__package__}.{name}")
    importlib.import_module("genai_prices")
