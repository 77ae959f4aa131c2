"""One answer on the background loop: it is sent, comes event by event, is stopped, and ends."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import ClaudeError, ConnectionLostError
from ..ledger import usage
from ..text.keys import logger
from ..values.draft import AnswerDraft
from ..values.reply import Ending, Reply
from ..values.round import Event, RoundFacts
from .admission import Admission
from .asked import Asked
from .endings import find_failure, name_ending, unforeseen
from .gate import gate
from .imports import import_needed
from .observers import Observers
from .sources import replay_notes

if TYPE_CHECKING:
    from .. import api

log = logger(__name__)


class Run:
    """Runs one answer and tells its observers. The background loop owns it, but for `error`.

    Args:
        asked: What is sent.
        admission: The money that is held for it.
        observers: Who is told what happens.
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
        self._exchange: api.Exchange | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ending: Ending | None = None
        self._sent_at = 0.0
        self._first_token: float | None = None

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
        self._sent_at = time.monotonic()
        self._observers.begin(self._draft)
        if self._ending is None:
            self._reader = asyncio.create_task(self._read())
            await asyncio.wait({self._reader})
        reply = self._finish()
        del self._draft  # of short deltas it is many times the text, which the reply has
        return reply

    def stop(self, ending: Ending) -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        if self._reader is None or not self._reader.done():
            self._ending = self._ending or ending
        self._admission.cancel()
        if self._reader is not None:
            self._reader.cancel()

    async def _read(self) -> None:
        await import_needed()
        from .. import api

        self._sent_at = time.monotonic()
        options = self._asked.options
        body = {**self._asked.body, "model": api.model_id(options.model)}
        self._draft.message["model"] = body["model"]
        if self._asked.choose and options.replay:  # demo mode chooses by the prompt
            self.notes += replay_notes(self._asked.choose(body), body)
        self._exchange = api.Exchange(
            body,
            record=options.record,
            replay=self._asked.choose,
            timeout=options.timeout,
            max_retries=options.max_retries,
            on_wait=self._observers.wait,
            on_stopped=lambda: self.stop("stopped"),
        )
        await self._take_all(self._exchange)

    async def _take_all(self, exchange: api.Exchange) -> None:
        from .. import api

        async with aclosing(api.events(exchange)) as events:
            async for event in events:
                self._take(event)
        if self._draft.stop_reason is None and not exchange.ended:
            msg = "the stream ended before the answer did; try again."
            raise ConnectionLostError(msg)

    def _take(self, event: Event) -> None:
        text = self._draft.add(event)
        if self._draft.written and self._first_token is None:
            self._first_token = time.monotonic() - self._sent_at
        self._observers.take(event, text)

    def _finish(self) -> Reply:
        """Freeze the reply, enter its cost, and make it a turn.

        What a server sends may be anything, and may cost no text.
        """
        try:
            self.error = find_failure(self._reader, self._draft, self._go_on)
            reply = self._freeze()
            usage.session.add(reply, reply.chat or "")
            gate.settle(self._admission.hold, _paid(reply))
        except Exception as error:
            log.exception("the answer could not be put together")
            self.error = unforeseen(error)
            reply = Reply(self._draft.text, stop_reason="error", error=str(self.error))
        make_turn(self._asked, reply)
        if self.error:
            self.error.reply = reply
            self.error.request_id = self.error.request_id or reply.request_id
        if self._exchange:
            self.notes += self._exchange.notes
        return reply

    def _freeze(self) -> Reply:
        asked = self._asked
        facts = replace(
            count_tokens(self._draft),
            request_id=self._request_id(),
            seconds=time.monotonic() - self._sent_at,
            first_token_seconds=self._first_token,
            written_after=asked.written_after,
        )
        self._draft.end_round(facts)
        return self._draft.freeze(
            name_ending(self._draft, self.error, self._ending),
            seconds=facts.seconds,
            first_token_seconds=self._first_token,
            recorded=asked.options.recorded,
            chat=asked.place.chat or None,
            turn=asked.turn,
            error=str(self.error) if self.error else None,
            request=asked.body,
        )

    def _request_id(self) -> str | None:
        of_response = self._exchange.request_id if self._exchange else None
        return of_response or (self.error.request_id if self.error else None)


def count_tokens(draft: AnswerDraft) -> RoundFacts:
    """Return the tokens of the last round, by the API's count or a guess, and their cost."""
    estimated = not draft.counted and bool(draft.usage or draft.written)
    counted = draft.usage.tokens("output_tokens")
    output = usage.estimate_tokens(draft.written) if estimated else counted
    cost = usage.price(draft.model, {**draft.usage, "output_tokens": output})
    return RoundFacts(estimated=estimated, output_tokens=output, cost=cost)


def make_turn(asked: Asked, reply: Reply) -> None:
    """Make a reply a turn of its chat; what a person put among the turns may cost no reply.

    What goes on from an answer is no turn of its own.
    """
    try:
        if isinstance(asked.prompt, str):
            asked.place.keep(asked.prompt, reply)
    except Exception:
        log.exception("the answer could not be put into its chat")


def _paid(reply: Reply) -> float | None:
    """US dollars: none where nothing was counted, None where the price of it is unknown."""
    return reply.cost if reply.cost is not None or reply.usage else 0.0
