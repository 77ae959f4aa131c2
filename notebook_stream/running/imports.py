"""What is slow to import is imported on a thread of its own, while the user still types."""

from __future__ import annotations

import asyncio
import threading

from .. import background

ROOT = __package__.rpartition(".")[0]

NEEDED = (f"{ROOT}.api", "genai_prices", "genai_prices.data")
"""What every answer needs: the SDK takes a second, and the prices would else be imported later."""

SHOWN = (f"{ROOT}.view.live", f"{ROOT}.markdown")
"""What the first view would wait for."""

_imported = threading.Event()


async def import_needed() -> None:
    """Import what every answer needs, and leave the background loop free meanwhile."""
    if not _imported.is_set():  # `sys.modules` also has what is still being imported
        await background.import_modules(*NEEDED)
        _imported.set()


def preload() -> None:
    """Begin to import what the first answer and its view need."""
    work = background.import_modules(*NEEDED, *SHOWN)
    asyncio.run_coroutine_threadsafe(work, background.loop())
