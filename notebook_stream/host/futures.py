"""Wait for a future of another thread, and deliver clicks on pages meanwhile."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

from .. import background
from .clicks import deliver_clicks, deliver_clicks_while_blocked

Future = concurrent.futures.Future[Any]

TICK_SECONDS = background.TICK_SECONDS
"""The seconds between two looks at a future, as an interrupt of ipykernel ends no wait."""


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
    if future.done():
        return  # else the loop would write to its own socket, and wake up, for nothing
    done = asyncio.wrap_future(future)
    while not future.done():
        await asyncio.wait({done}, timeout=TICK_SECONDS)
        deliver_clicks()
