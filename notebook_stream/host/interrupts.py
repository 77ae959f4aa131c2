"""Handle interrupts (SIGINT: Ctrl-C, or the kernel's interrupt) while a call waits."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .ipython import in_main_thread, is_kernel, shell


@contextmanager
def interrupts_to(act: Callable[[], None]) -> Iterator[None]:
    """Call ``act`` at each interrupt, which raises no KeyboardInterrupt meanwhile.

    Python delivers interrupts to the main thread alone; in another one this does nothing.
    """
    if not in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Raise KeyboardInterrupt at once at an interrupt, also in a kernel's cell that awaits.

    While such a cell runs, ipykernel's handler only cancels the cell's task, which takes effect
    when the event loop gets control again: a function that blocks goes on (`_cancel_on_sigint` in
    ipykernel/ipkernel.py; read in 6.17.1, 6.29.5, 6.31.0, 7.4.0). Outside of a kernel's main thread
    this does nothing.
    """
    if not (is_kernel(shell()) and in_main_thread()):
        yield
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def raise_once(number: int, frame: Any) -> None:
        # The handler is restored before it raises, so that no later interrupt hits the event loop.
        signal.signal(signal.SIGINT, before)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, raise_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
