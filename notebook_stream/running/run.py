"""One answer on the background loop: it is sent, comes event by event, is stopped, and ends."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from ..errors import ClaudeError, ConnectionLostError
from ..text.keys import logger
from ..values.draft import AnswerDraft
from ..values.reply import Ending, Reply
from ..values.round import Event, Round
from .admission import Admission
from .asked import Asked
from .endings import explain_unforeseen, find_failure, name_ending
from .gate import gate
from .imports import import_needed
from .observers import Observers
from .rounds import MOST_ROUNDS, PAUSED, SentRound, continue_body

log = logger(__name__)


class Run:
    """Runs one answer and tells its observers. The background loop owns it, but for `error`.

    Args:
        asked: What is sent.
        admission: The money that is held for it.
        observers: The observers of the answer.
        notes: Sentences for the user that the caller has.
        go_on: What to type to go on from a partial; "" where nothing can be.

    Attributes:
        error: Why it failed, once it has ended; None where it did not.
        notes: Sentences for the user, those of the request among them once it has ended.
    """

    def __init__(
        self,
        asked: Asked,
        admission: Admission,
        observers: Observers,
        *,
        notes: tuple[str, ...] = (),
        go_on: str = "",
    ) -> None:
        self.error: ClaudeError | None = None
        self.notes = notes
        self._asked = asked
        self._admission = admission
        self._observers = observers
        self._go_on = go_on
        self._draft = AnswerDraft(asked.options.model, asked.begun)
        self._rounds: list[SentRound] = []
        self._reader: asyncio.Task[None] | None = None
        self._ending: Ending | None = None

    async def run(self) -> Reply:
        """Send the request, take in what comes, and wait until the observers are ready."""
        try:
            reply = await self._answer()
        finally:
            # Nobody knows what a task that died has cost.
            gate.settle(self._admission.hold, None)
        for ready in self._observers.end(reply, self.notes):
            await asyncio.wait({asyncio.wrap_future(ready)})
        return reply

    async def _answer(self) -> Reply:
        self._rounds = [SentRound(self._asked.body)]
        self._observers.begin(self._draft)
        if self._ending is None:
            self._reader = asyncio.create_task(self._read())
            await asyncio.wait({self._reader})
        reply = self._finish()
        del self._draft  # of short deltas it is many times the text, which the reply has
        self.notes += await self._observers.save(reply)
        return reply

    def stop(self, ending: Ending) -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        if self._reader is None or not self._reader.done():
            self._ending = self._ending or ending
        self._admission.cancel()
        if self._reader is not None:
            self._reader.cancel()

    async def _read(self) -> None:
        """Ask one round after another, until the answer has ended."""
        await import_needed()
        body = self._asked.resolve()
        self.notes += self._asked.replay_notes(body)
        self._rounds[0] = SentRound(body)
        await self._ask()
        while self._goes_on():
            self._end_round()
            following = continue_body(body, self._draft)
            self._draft.begin_round()
            await self._admission.renew(following)
            self._rounds.append(SentRound(following))
            await self._ask()

    def _goes_on(self) -> bool:
        """Return whether there is another round after the one that is open."""
        if self._draft.stop_reason != PAUSED:
            return False
        count = len(self._rounds)
        if count < MOST_ROUNDS and self._asked.has_round(count):
            return True
        times = "once" if count == 1 else f"{count} times"
        self.notes += (f"The answer paused {times}, and was not gone on with.",)
        return False

    async def _ask(self) -> None:
        """Send the request of the last round, and take its events in."""
        from .. import api

        sent = self._rounds[-1]
        self._draft.begin_round(sent.body["model"])
        options = self._asked.options
        sent.exchange = api.Exchange(
            sent.body,
            replay=self._asked.recorded_round(len(self._rounds) - 1),
            timeout=options.timeout,
            max_retries=options.max_retries,
            on_wait=self._observers.wait,
            on_stopped=lambda: self.stop("stopped"),
        )
        self._observers.send(sent.exchange)
        async with aclosing(api.events(sent.exchange)) as events:
            async for event in events:
                self._take(event)
        if self._draft.stop_reason is None and not sent.exchange.ended:
            msg = "the stream ended before the answer did; try again."
            raise ConnectionLostError(msg)

    def _take(self, event: Event) -> None:
        text = self._draft.add(event)
        sent = self._rounds[-1]
        if sent.first_token_at is None and self._draft.round.written:
            sent.first_token_at = time.monotonic()
        self._observers.take(event, text)

    def _end_round(self) -> None:
        """Freeze the round that is open, enter its cost, and free the money that was held."""
        recorded = self._asked.options.recorded
        facts = self._rounds[-1].measure(self._draft.round, self.error, recorded=recorded)
        ended = self._draft.end_round(facts)
        self._observers.end_round(ended)
        gate.settle(self._admission.hold, _paid(ended))

    def _finish(self) -> Reply:
        """Freeze the reply, and make it a turn.

        What a server sends may be anything, and may cost no text.
        """
        try:
            self.error = find_failure(self._reader, self._draft, self._go_on)
            if self._draft.has_open_round:
                self._end_round()
            gate.settle(self._admission.hold, 0.0)  # of a later round of which nothing came
            reply = self._freeze()
        except Exception as error:
            log.exception("the answer could not be put together")
            self.error = explain_unforeseen(error)
            reply = Reply(self._draft.text, stop_reason="error", error=str(self.error))
        make_turn(self._asked, reply)
        if self.error:
            self.error.reply = reply
            self.error.request_id = self.error.request_id or reply.request_id
        self.notes += tuple(dict.fromkeys(note for sent in self._rounds for note in sent.notes))
        return reply

    def _freeze(self) -> Reply:
        asked = self._asked
        first = self._rounds[0]
        return self._draft.freeze(
            name_ending(self._draft, self.error, self._ending),
            seconds=first.seconds,
            first_token_seconds=first.first_token_seconds,
            recorded=asked.options.recorded,
            chat=asked.place.chat or None,
            turn=asked.turn,
            error=str(self.error) if self.error else None,
            request=asked.body,
        )


def make_turn(asked: Asked, reply: Reply) -> None:
    """Make a reply a turn of its chat; what a person put among the turns may cost no reply.

    What goes on from an answer is no turn of its own.
    """
    try:
        if isinstance(asked.prompt, str):
            asked.place.keep(asked.prompt, reply)
    except Exception:
        log.exception("the answer could not be put into its chat")


def _paid(ended: Round) -> float | None:
    """Return US dollars: none where nothing was counted, None where the price of it is unknown."""
    return ended.cost if ended.cost is not None or ended.usage else 0.0
