"""One answer on the background loop: it begins, is stopped, and ends."""

from __future__ import annotations

import asyncio

from ..errors import ClaudeError
from ..text.keys import logger
from ..values.reply import Ending, Reply
from .admission import Admission
from .asked import Asked
from .endings import explain_unforeseen, find_failure, name_ending
from .gate import gate
from .observers import Observers
from .reader import Reader

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
        self._reading: asyncio.Task[None] | None = None
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
        reader = Reader(self._asked, self._admission, self._observers, self.stop)
        self._observers.begin(reader.draft)
        if self._ending is None:
            self._reading = asyncio.create_task(reader.read())
            await asyncio.wait({self._reading})
        reply = self._finish(reader)
        # Of short deltas it is many times the text, and the traceback of an error holds the reader.
        del reader.draft
        self.notes += await self._observers.save(reply)
        return reply

    def stop(self, ending: Ending) -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        if self._reading is None or not self._reading.done():
            self._ending = self._ending or ending
        self._admission.cancel()
        if self._reading is not None:
            self._reading.cancel()

    def _finish(self, reader: Reader) -> Reply:
        """Freeze the reply, and make it a turn.

        What a server sends may be anything, and may cost no text.
        """
        try:
            self.error = find_failure(self._reading, reader.draft, self._go_on)
            if reader.draft.has_open_round:
                reader.end_round(self.error)
            gate.settle(self._admission.hold, 0.0)  # of a later round of which nothing came
            reply = self._freeze(reader)
        except Exception as error:
            log.exception("the answer could not be put together")
            self.error = explain_unforeseen(error)
            reply = Reply(reader.draft.text, stop_reason="error", error=str(self.error))
        make_turn(self._asked, reply)
        if self.error:
            self.error.reply = reply
            self.error.request_id = self.error.request_id or reply.request_id
        self.notes += reader.notes
        return reply

    def _freeze(self, reader: Reader) -> Reply:
        asked = self._asked
        first = reader.rounds[0]
        return reader.draft.freeze(
            name_ending(reader.draft, self.error, self._ending),
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
