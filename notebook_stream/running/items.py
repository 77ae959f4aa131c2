"""A queue from a thread to an event loop, which does not hold up that loop however much comes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")

TURN_SECONDS = 0.005
"""How long a reader that never has to wait goes on before other tasks have their turn."""


class ItemQueue(Generic[Item]):
    """A queue that any thread puts items into, and that tasks of one event loop read.

    The loop is woken once for all items that are put until it reads them. `asyncio` wakes it for
    each call from another thread, by a byte that the loop reads from a socket; while it does so it
    gives the interpreter lock away, so that a thread with many items keeps it reading.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._came = asyncio.Event()
        self._is_waking = False
        self._turn_ends = 0.0

    def read_here(self) -> None:
        """Have the running loop read the items from now on; before that, those put are lost."""
        self._loop = asyncio.get_running_loop()

    def put(self, item: Item) -> None:
        """Append an item; from any thread."""
        if self._loop is None:
            return
        self._items.append(item)
        if not self._is_waking:
            self._is_waking = True
            self._loop.call_soon_threadsafe(self._came.set)

    async def get(self) -> Item:
        """Take the next item out; waits for one, and lets other tasks run now and then."""
        if time.monotonic() > self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = time.monotonic() + TURN_SECONDS
        while not self._items:
            self._came.clear()
            self._is_waking = False  # before the items are looked at: `put` does it the other way
            if not self._items:
                await self._came.wait()
                self._turn_ends = time.monotonic() + TURN_SECONDS
        return self._items.popleft()
