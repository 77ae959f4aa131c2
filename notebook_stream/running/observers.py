"""Who watches an answer, and how they are told what happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future

from ..text.keys import logger
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from ..values.round import Event

log = logger(__name__)


class Observer:
    """Watches one answer. Every method does nothing here; override what is to be watched.

    All methods are called on the background loop, in the order of what happens. They return at
    once: whoever renders, writes or waits does so on a thread of its own (see `Painter`).
    """

    def begin(self, draft: AnswerDraft) -> None:
        """The answer is on its way; `draft` grows with each event, and may only be read."""

    def take(self, event: Event, text: str) -> None:
        """An event came, and is in the draft; `text` is what it added to the answer."""

    def wait(self, words: str) -> None:
        """The request waits for another try; "" when the wait is over."""

    def end(self, reply: Reply, notes: tuple[str, ...]) -> Future[None] | None:
        """The answer has ended; what is returned is done once the observer is ready for that."""


class Observers:
    """Calls each observer in turn. One that fails is not called again, and costs no other one."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = list(observers)

    def begin(self, draft: AnswerDraft) -> None:
        """Say that the answer is on its way."""
        self._each(lambda one: one.begin(draft))

    def take(self, event: Event, text: str) -> None:
        """Hand an event on."""
        self._each(lambda one: one.take(event, text))

    def wait(self, words: str) -> None:
        """Hand on what is waited for."""
        self._each(lambda one: one.wait(words))

    def end(self, reply: Reply, notes: tuple[str, ...]) -> list[Future[None]]:
        """Say that the answer has ended.

        Returns:
            What is done once each observer is ready.
        """
        ready: list[Future[None]] = []

        def end_one(one: Observer) -> None:
            if (future := one.end(reply, notes)) is not None:
                ready.append(future)

        self._each(end_one)
        return ready

    def _each(self, call: Callable[[Observer], None]) -> None:
        for one in list(self._observers):
            try:
                call(one)
            except Exception:  # a part of the screen, or the user's own: the answer goes on
                log.exception("an observer of the answer failed")
                self._observers.remove(one)
