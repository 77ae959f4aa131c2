"""Wait for what is done on another thread, while clicks on the kernel's pages are delivered."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

from .. import background
from .clicks import deliver_clicks, deliver_clicks_while_blocked

Future = concurrent.futures.Future[Any]

TICK_SECONDS = background.TICK_SECONDS
"""ipykernel's interrupt does not wake who waits: a cell has to look by itself."""


def block_until_done(future: Future) -> None:
    """Block this thread until a future is done, however it ends."""
    while not future.done():
        background.wait(future, TICK_SECONDS)
        deliver_clicks_while_blocked()


async def wait_until_done(future: Future) -> None:
    """Wait until a future is done, however it ends, and leave the running loop free meanwhile.

    Raises:
        CancelledError: The waiting task was cancelled; the future goes on.
    """
    done = asyncio.wrap_future(future)
    while not future.done():
        await asyncio.wait({done}, timeout=TICK_SECONDS)
        deliver_clicks()
