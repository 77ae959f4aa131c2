"""What takes in an answer: one request after another, event by event."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing

from ..errors import ClaudeError, ConnectionLostError
from ..values.draft import AnswerDraft
from ..values.reply import Ending
from ..values.round import Event, Round
from .admission import Admission
from .asked import Asked
from .gate import gate
from .imports import import_needed
from .observers import Observers
from .rounds import MOST_ROUNDS, PAUSED, SentRound, continue_body


class Reader:
    """Sends the requests of one answer and takes their responses in, on the background loop.

    Args:
        asked: What is sent.
        admission: The money that is held for it.
        observers: The observers of the answer.
        stop: Called with how the answer ends, where a recording ends that was stopped.

    Attributes:
        draft: What has come.
        rounds: The requests that were sent; the last one may be about to be.
    """

    def __init__(
        self,
        asked: Asked,
        admission: Admission,
        observers: Observers,
        stop: Callable[[Ending], None],
    ) -> None:
        self.draft = AnswerDraft(asked.options.model, asked.begun)
        self.rounds = [SentRound(asked.body)]
        self._asked = asked
        self._admission = admission
        self._observers = observers
        self._stop = stop
        self._notes: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user on how the responses came."""
        notes = (note for sent in self.rounds for note in sent.notes)
        return (*self._notes, *dict.fromkeys(notes))

    async def read(self) -> None:
        """Ask one round after another, until the answer has ended."""
        await import_needed()
        body = self._asked.resolve()
        self._notes += self._asked.replay_notes(body)
        self.rounds[0] = SentRound(body)
        await self._ask()
        while self._goes_on():
            self.end_round()
            following = continue_body(body, self.draft)
            self.draft.begin_round()
            await self._admission.renew(following)
            self.rounds.append(SentRound(following))
            await self._ask()

    def _goes_on(self) -> bool:
        """Return whether there is another round after the one that is open."""
        if self.draft.stop_reason != PAUSED:
            return False
        count = len(self.rounds)
        if count < MOST_ROUNDS and self._asked.has_round(count):
            return True
        times = "once" if count == 1 else f"{count} times"
        self._notes += (f"The answer paused {times}, and was not gone on with.",)
        return False

    async def _ask(self) -> None:
        """Send the request of the last round, and take its events in."""
        from .. import api

        sent = self.rounds[-1]
        self.draft.begin_round(sent.body["model"])
        options = self._asked.options
        sent.exchange = api.Exchange(
            sent.body,
            replay=self._asked.recorded_round(len(self.rounds) - 1),
            timeout=options.timeout,
            max_retries=options.max_retries,
            on_wait=self._observers.wait,
            on_stopped=lambda: self._stop("stopped"),
        )
        self._observers.send(sent.exchange)
        async with aclosing(api.events(sent.exchange)) as events:
            async for event in events:
                self._take(event)
        if self.draft.stop_reason is None and not sent.exchange.ended:
            msg = "the stream ended before the answer did; try again."
            raise ConnectionLostError(msg)

    def _take(self, event: Event) -> None:
        text = self.draft.add(event)
        sent = self.rounds[-1]
        if sent.first_token_at is None and self.draft.round.written:
            sent.first_token_at = time.monotonic()
        self._observers.take(event, text)

    def end_round(self, error: ClaudeError | None = None) -> None:
        """Freeze the round that is open, enter its cost, and free the money that was held."""
        recorded = self._asked.options.recorded
        facts = self.rounds[-1].measure(self.draft.round, error, recorded=recorded)
        ended = self.draft.end_round(facts)
        self._observers.end_round(ended)
        gate.settle(self._admission.hold, _paid(ended))


def _paid(ended: Round) -> float | None:
    """Return US dollars: none where nothing was counted, None where the price of it is unknown."""
    return ended.cost if ended.cost is not None or ended.usage else 0.0
