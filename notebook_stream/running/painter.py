"""Paint an answer while it grows, on a thread that does nothing else."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ..background import run_on_thread
from ..text.keys import logger
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from ..values.round import Event
from ..view import View
from .observers import Observer

PAINT_SECONDS = 0.04
"""From one paint to the next, at the least."""

BEAT_SECONDS = 1.0
"""A view is painted at least so often, so that its page knows that the kernel lives."""

LONGEST_PAUSE = 1.0
"""From a paint that failed to the next try, at the most."""

log = logger(__name__)


class Painter(Observer):
    """Paints an answer in a view. Its thread alone calls the view from `begin` to the end.

    The draft is written on the background loop and read here: it only grows.

    Args:
        view: What is painted, opened already.
        stop: Called where nobody can see the answer any more, to stop it.
    """

    def __init__(self, view: View, stop: Callable[[], None]) -> None:
        self._view = view
        self._stop = stop
        self._draft: AnswerDraft | None = None
        self._changed = threading.Event()
        self._over = threading.Event()
        self._calls: deque[Callable[[], None]] = deque()
        self._ending: Callable[[], None] = lambda: None
        self._failures = 0
        self._handing_over = threading.Lock()
        self._finished: Future[None] | None = None

    # On the background loop

    def begin(self, draft: AnswerDraft) -> None:
        """Start the thread; where there can be none, only the end is painted."""
        self._draft = draft
        self._finished = run_on_thread(self._paint_to_the_end, "notebook_stream_view")

    def take(self, event: Event, text: str) -> None:
        """Have it painted."""
        if not self._changed.is_set():
            self._changed.set()

    def wait(self, words: str) -> None:
        """Have it said what is waited for."""
        self._call(lambda: self._view.wait(words))

    def end(self, reply: Reply, notes: tuple[str, ...]) -> Future[None] | None:
        """Have the end made ready, which a long answer takes a while for."""
        self._ending = lambda: self._view.finish(reply, notes)
        self._over.set()
        self._changed.set()
        if self._finished is None:
            self._paint_to_the_end()
        return self._finished

    # On any thread

    def receive(self, message: dict[str, Any]) -> None:
        """Hand a page's message to the view; after the end of the thread, on the caller's."""
        with self._handing_over:
            if self._finished is None or not self._finished.done():
                self._call(lambda: self._view.receive(message))
                return
        self._view.receive(message)

    def _call(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        self._changed.set()

    # On the thread of the view

    def _paint_to_the_end(self) -> None:
        while not self._over.is_set():
            self._changed.wait(BEAT_SECONDS)
            self._changed.clear()
            self._over.wait(self._paint())
        self._draft = None  # of short deltas it is many times the text
        self._guard(self._ending)
        with self._handing_over:
            self._make_calls()

    def _paint(self) -> float:
        """Paint once; returns the seconds to pause, which is half of the time at least."""
        began = time.monotonic()
        self._make_calls()
        if self._guard(self._paint_once):
            self._failures = 0
        else:
            self._failures = min(self._failures + 1, 10)
            self._changed.set()  # tried again though nothing follows
        took = time.monotonic() - began
        pause: float = max(PAINT_SECONDS - took, took) * 2.0**self._failures
        return min(pause, LONGEST_PAUSE + took)

    def _paint_once(self) -> None:
        try:
            if self._draft is not None and self._view.paint(self._draft):
                self._changed.set()
        except BrokenPipeError:
            self._stop()  # nobody reads on: `notebook-stream ask … | head -1`

    def _make_calls(self) -> None:
        while self._calls:
            self._guard(self._calls.popleft())

    def _guard(self, call: Callable[[], None]) -> bool:
        """Call, and log a failure: none on the screen may cost the answer."""
        try:
            call()
        except Exception:
            log.exception("the view could not be painted")
            return False
        return True
