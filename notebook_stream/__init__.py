"""Stream Claude into a notebook cell, stop it, and keep the text.

In a notebook: ``%load_ext notebook_stream``, then ``%%claude``. In Python: ``ask``, ``aask``,
``stream``, ``astream``, and ``Chat``. The module of each name is imported when the name is first
used, so that importing the package itself takes next to no time.
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
    from .widget import AnswerWidget

# Failures are shown in the cell; without a handler Python would also print them to standard error.
logging.getLogger(__name__).addHandler(logging.NullHandler())

# Python cannot import this module once it shuts down, and `ask` in an `atexit` function needs it.
importlib.import_module("concurrent.futures.thread")

__version__ = "0.1.0"

__all__ = [
    "AnswerWidget",
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

_MODULES = {
    "AnswerWidget": "widget",
    "Chat": "chat",
    "Reply": "values.reply",
    **dict.fromkeys(("aask", "ask", "astream", "stream"), "verbs"),
}
"""The modules of the public names; a name that is not listed is in `errors`."""


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first used (PEP 562)."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what IPython calls for ``%load_ext notebook_stream``."""
    from .magic import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Remove the magics: what IPython calls for ``%unload_ext notebook_stream``."""
    from .magic import unload

    unload(shell)
