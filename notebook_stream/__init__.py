"""Stream Claude into a notebook cell, stop it, and keep the text.

In a notebook: ``%load_ext notebook_stream``, then ``%%claude``. In Python: ``ask``, ``aask``,
``stream``, ``astream``, and ``Chat``. Each name is loaded when first used: importing this costs
nothing.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .chat import Chat
    from .errors import (
        ClaudeError,
        ConnectionLostError,
        CredentialsError,
        OptionError,
        RefusedError,
        StreamError,
    )
    from .values.reply import Reply
    from .verbs import aask, ask, astream, stream

logging.getLogger(__name__).addHandler(logging.NullHandler())  # faults are told on the screen

# It cannot be imported once the interpreter shuts down, when a function of `atexit` may first ask.
importlib.import_module("concurrent.futures.thread")

__version__ = "0.1.0"

__all__ = [
    "Chat",
    "ClaudeError",
    "ConnectionLostError",
    "CredentialsError",
    "OptionError",
    "RefusedError",
    "Reply",
    "StreamError",
    "aask",
    "ask",
    "astream",
    "stream",
]

_HOMES = {
    "Chat": "chat",
    "Reply": "values.reply",
    **dict.fromkeys(("aask", "ask", "astream", "stream"), "verbs"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext notebook_stream``."""
    from .magic import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """``%unload_ext notebook_stream``."""
    from .magic import unload

    unload(shell)
