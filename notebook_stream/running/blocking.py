"""Block a thread until something is done on another one."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from .. import host

TICK_SECONDS = 0.05
"""ipykernel's interrupt does not wake who waits: a cell has to look by itself."""


def block_until_done(future: concurrent.futures.Future[Any]) -> None:
    """Block this thread; clicks on the kernel's pages are taken meanwhile."""
    while not future.done():
        concurrent.futures.wait({future}, TICK_SECONDS)
        host.deliver_clicks_while_blocked()
