"""The turns of a chat, and the place among them where a prompt is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import starmap, takewhile
from operator import eq
from threading import Lock
from typing import Any

from .message import NOTHING, Content, ConversationDigest, sendable, without_thinking
from .reply import Reply, sound

Cell = tuple[str, str]
"""The id of a notebook's cell, and of one run of it."""

_changing = Lock()
"""Held while turns are changed: a chat may be asked in many threads."""


@dataclass(frozen=True, eq=False)
class Turn:
    """One prompt with its reply.

    Attributes:
        prompt: What was sent.
        reply: What came, whole or in part.
        cell: Where it was asked; None where the front end does not say.
        options: What it was asked with; of a chat's first turn they hold for the later ones.
    """

    prompt: str
    reply: Reply
    cell: Cell | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def messages(turns: Iterable[Turn], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The turns as the API takes them (list of dict: role, content), nothing in them left open.

    The thinking of an answer is among them only where all that goes before it is what went before
    it when it was written; so from the first change on there is none.

    Args:
        turns: The turns to send.
        request: The rest of the request's JSON, with its system prompt.
    """
    made: list[dict[str, Any]] = []
    digest = ConversationDigest(request)
    for turn in turns:
        asked = {"role": "user", "content": sound(turn.prompt)}
        digest.add(asked)
        answered = {"role": "assistant", "content": _content(turn.reply, str(digest))}
        digest.add(answered)
        made += [asked, answered]
    return made


def may_stand(reply: Reply) -> bool:
    """Whether a reply can be that of a turn.

    One of which nothing came cannot: its prompt would stand there alone. Nor can one that Claude
    declined, as the next ones would be declined with it
    (https://platform.claude.com/docs/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals).
    """
    nothing = not reply.complete and sendable(_blocks(reply), None) == [NOTHING]
    return not nothing and reply.stop_reason != "refusal"


def amend(turns: list[Turn], old: Reply, new: Reply) -> None:
    """Put the reply that goes on from another into its turn, if there is one."""
    with _changing:
        for n, turn in enumerate(turns):
            if turn.reply is old and may_stand(new):
                turns[n] = Turn(turn.prompt, new, turn.cell, turn.options)


@dataclass(frozen=True)
class Place:
    """Where a prompt is asked: at the end of a chat, or where its cell asked in an earlier run.

    Attributes:
        chat: The chat's name; "" outside of any.
        turns: The chat's; `keep` changes them.
        cell: Where it is asked; None where the front end does not say.
    """

    chat: str = ""
    turns: list[Turn] = field(default_factory=list)
    cell: Cell | None = None

    def before(self) -> list[Turn]:
        """The turns that go before the prompt."""
        return self.turns[: self._index()]

    def number(self) -> int | None:
        """Which turn of the chat is asked here, from 1; None outside of any."""
        return len(self.before()) + 1 if self.chat else None

    def options(self) -> Mapping[str, Any]:
        """The options that hold here where a prompt does not say: of the first turn before it."""
        first = self.before()[:1]
        return first[0].options if first else {}

    def keep(self, prompt: str, reply: Reply, options: Mapping[str, Any] | None = None) -> None:
        """Make it a turn, if it may stand, in the stead of those of its cell's earlier run."""
        if not self.chat or not may_stand(reply):
            return
        with _changing:
            index, earlier = self._index(), self._earlier()
            kept = [turn for turn in self.turns if turn not in earlier]
            made = Turn(prompt, reply, self.cell, options or {})
            self.turns[:] = [*kept[:index], made, *kept[index:]]

    def _index(self) -> int:
        """Of the first turn of an earlier run; else after the last of this run; else the end."""
        if earlier := self._earlier():
            return self.turns.index(earlier[0])
        ours = [turn for turn in self.turns if turn.cell and turn.cell == self.cell]
        return self.turns.index(ours[-1]) + 1 if ours else len(self.turns)

    def _earlier(self) -> list[Turn]:
        """What this cell asked in an earlier run."""
        if self.cell is None:
            return []
        name, run = self.cell
        asked = [(turn, turn.cell) for turn in self.turns if turn.cell]
        return [turn for turn, cell in asked if cell[0] == name and cell[1] != run]


def _blocks(reply: Reply) -> list[Content]:
    return reply.blocks or [{"type": "text", "text": str(reply)}]  # one that was made by hand


def _content(reply: Reply, before: str) -> list[Content]:
    """What of a reply goes before another prompt: no call of a tool may stay open.

    Args:
        reply: Of a turn.
        before: Digest of the conversation that goes before it.
    """
    blocks = _blocks(reply)
    content = sendable(blocks, None)
    if not before or reply._written_after != before:
        return without_thinking(content)
    # Within a turn too, what goes before thinking may not have changed.
    same = sum(takewhile(bool, starmap(eq, zip(blocks, content, strict=False))))
    return [*content[:same], *without_thinking(content[same:])]
