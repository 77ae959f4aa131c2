"""An answer while its rounds arrive."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .block import Block
from .message import Content, is_result, sendable_messages
from .reply import Ending, Reply
from .round import Event, Phase, Round, RoundDraft, RoundFacts
from .usage import Usage


class AnswerDraft:
    """An answer on its way: one or more rounds, of which the last one may be open.

    An answer of one round needs `add` and `freeze` alone: its round begins with the draft. One
    with tools calls, for each request, `begin_round`, `add` with each event and `end_round`, then
    `add_results` with what is sent back. Not for use by several threads at once.

    Args:
        model: The model asked for.
        begun: Text that the answer begins with: it was sent as the start of the response.

    Attributes:
        parts: The text deltas of all rounds so far, in order; the text is their concatenation.
        blocks: The content blocks of all rounds so far, in order, with the results of tools where
            they were sent.
        round: The round that is open, or was the last one (RoundDraft).
    """

    def __init__(self, model: str | None = None, begun: str = "") -> None:
        self.parts: list[str] = []
        self.blocks: list[Block] = []
        self.round = RoundDraft(model, begun, parts=self.parts, blocks=self.blocks)
        self._ended: list[Round] = []
        self._written = 0
        self._counted = True
        self._is_open = True

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.parts)

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The rounds that have ended."""
        return tuple(self._ended)

    @property
    def written(self) -> int:
        """Characters the model has written: text, thinking and tool input."""
        return self._written + (self.round.written if self._is_open else 0)

    @property
    def counted(self) -> bool:
        """Whether the API has sent the number of output tokens of every round so far."""
        return self._counted and (self.round.counted or not self._is_open)

    @property
    def phase(self) -> Phase:
        """What the last round does: "waiting", "thinking" or "writing"."""
        return self.round.phase

    @property
    def usage(self) -> Usage:
        """The counts so far, summed over the rounds."""
        if self._is_open and not self._ended:
            return self.round.usage
        counts = [one.usage for one in self._ended]
        return Usage.sum([*counts, self.round.usage] if self._is_open else counts)

    @property
    def model(self) -> str | None:
        """The model the API reports in the last round, else the one asked for."""
        return self.round.model

    @property
    def stop_reason(self) -> str | None:
        """The API's stop reason of the last round, once it has sent one."""
        return self.round.stop_reason

    @property
    def has_open_round(self) -> bool:
        """Whether a round is open; one after the first counts once something came of it."""
        return self._is_open and (self.round.received or not self._ended)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What the ended rounds add to the request's messages, for the next round's request."""
        reason = self._ended[-1].stop_reason if self._ended else None
        return sendable_messages([(one.blocks, one.results) for one in self._ended], reason)

    def begin_round(self, model: str | None = None) -> None:
        """Begin the next round; an open one to which events came ends first.

        Args:
            model: The model asked for; that of the round before by default.
        """
        if self._is_open and self.round.received:
            self.end_round()
        if not self._is_open:
            self.round = RoundDraft(self.model, parts=self.parts, blocks=self.blocks)
            self._is_open = True
        if model is not None:
            self.round.message["model"] = model

    def add(self, event: Event) -> str:
        """Fold one event into the open round; after the end of one, begin the next.

        Returns:
            The text it added to the answer; "" for most events.
        """
        if not self._is_open:
            self.begin_round()
        return self.round.add(event)

    def end_round(self, facts: RoundFacts | None = None) -> Round:
        """End the open round; one that has ended stays as it is.

        Args:
            facts: What the events do not say: request id, seconds, cost …

        Returns:
            The round that has ended last.
        """
        if self._is_open:
            self._is_open = False
            self._written += self.round.written
            self._counted &= self.round.counted
            self._ended.append(self.round.freeze(facts))
        return self._ended[-1]

    def add_results(self, content: Iterable[Content]) -> None:
        """Take in what is sent after the last round, as the content of the user's next message.

        Args:
            content: Blocks: the results of the tools that the round called, then anything else.
        """
        given = tuple(content)
        last = self.end_round()
        self._ended[-1] = replace(last, results=(*last.results, *given))
        self.blocks += [Block(block) for block in given if is_result(block)]

    def freeze(self, ending: Ending | None = None, **facts: Any) -> Reply:
        """Return the reply, with all that came; an open round ends.

        The draft has parts and blocks then, but no rounds: a long text is in memory once.

        Args:
            ending: Why the answer ended, where the API did not end it.
            facts: What the rounds do not say: seconds, chat, error … (see `Facts`).

        Raises:
            TypeError: A fact is none of a reply's, or the rounds' own.
        """
        if self.has_open_round:
            self.end_round()
        *rounds, last = self._ended
        self._ended = []
        rounds.append(last if last.stop_reason else replace(last, stop_reason=ending))
        return Reply.of(rounds, ending, **facts)
