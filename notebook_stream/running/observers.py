"""The observers of an answer, and the calls that they get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ..text.keys import logger
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from ..values.round import Event, Round

if TYPE_CHECKING:
    from .. import api

log = logger(__name__)

FAILED = "an observer of the answer failed"


class Observer:
    """Watches one answer. Every method does nothing here; override what is to be watched.

    All methods are called on the background loop, in the order of what happens. They return at
    once: whoever renders, writes or waits does so on a thread of its own (see `Painter`).
    """

    def begin(self, draft: AnswerDraft) -> None:
        """The answer is on its way; `draft` grows with each event, and may only be read."""

    def send(self, exchange: api.Exchange) -> None:
        """A request is about to be sent: the first one, or that of another round."""

    def take(self, event: Event, text: str) -> None:
        """An event came, and is in the draft; `text` is what it added to the answer."""

    def end_round(self, ended: Round) -> None:
        """A response has ended, whole or in part; another round may follow."""

    def wait(self, words: str) -> None:
        """The request waits for another try; "" when the wait is over."""

    async def save(self, reply: Reply) -> tuple[str, ...]:
        """The last event has come: put away what is to outlive the answer.

        Returns:
            Sentences for the user, on what could not be put away.
        """
        return ()

    def end(self, reply: Reply, notes: tuple[str, ...]) -> Future[None] | None:
        """The answer has ended, and all is put away.

        Returns:
            What is done once the observer is ready for that; None where it is now.
        """


class Observers:
    """Calls each observer in turn. One that fails is not called again, and costs no other one."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = list(observers)

    def begin(self, draft: AnswerDraft) -> None:
        """Say that the answer is on its way."""
        self._each(lambda one: one.begin(draft))

    def send(self, exchange: api.Exchange) -> None:
        """Say that a request is about to be sent."""
        self._each(lambda one: one.send(exchange))

    def take(self, event: Event, text: str) -> None:
        """Hand an event on."""
        self._each(lambda one: one.take(event, text))

    def end_round(self, ended: Round) -> None:
        """Hand on a round that has ended."""
        self._each(lambda one: one.end_round(ended))

    def wait(self, words: str) -> None:
        """Hand on what is waited for."""
        self._each(lambda one: one.wait(words))

    async def save(self, reply: Reply) -> tuple[str, ...]:
        """Have each observer put away what is to outlive the answer.

        Returns:
            Their sentences for the user.
        """
        notes: list[str] = []
        for one in list(self._observers):
            try:
                notes += await one.save(reply)
            except Exception:
                log.exception(FAILED)
                self._observers.remove(one)
        return tuple(notes)

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
                log.exception(FAILED)
                self._observers.remove(one)
