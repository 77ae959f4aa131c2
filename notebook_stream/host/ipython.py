"""The IPython shell of this process, and where the caller runs."""

from __future__ import annotations

import sys
import threading
from typing import Any


def shell() -> Any | None:
    """Return the IPython shell of this process; None in plain Python.

    IPython is not imported for it. Another thread may be importing it, so that the module is there
    and its names are not.
    """
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get() if get else None


def is_kernel(here: Any) -> bool:
    """Return whether a shell belongs to a Jupyter kernel, not to a terminal."""
    return getattr(here, "kernel", None) is not None


def in_main_thread() -> bool:
    """Return whether the caller runs in the main thread, which alone handles signals."""
    return threading.current_thread() is threading.main_thread()
