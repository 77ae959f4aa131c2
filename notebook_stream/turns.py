"""The turns of a chat, and the place among them where a prompt is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .message import NOTHING, sendable
from .reply import Reply, sound

Cell = tuple[str, str]
"""The id of a notebook's cell, and of one run of it."""


@dataclass(frozen=True, eq=False)
class Turn:
    """One prompt with its reply.

    Attributes:
        prompt: What was sent.
        reply: What came, whole or in part.
        cell: Where it was asked; None where the front end does not say.
    """

    prompt: str
    reply: Reply
    cell: Cell | None = None


def messages(turns: Iterable[Turn]) -> list[dict[str, Any]]:
    """The turns as the API takes them (list of dict: role, content), nothing in them left open."""
    said: list[dict[str, Any]] = []
    for turn in turns:
        said.append({"role": "user", "content": sound(turn.prompt)})
        said.append({"role": "assistant", "content": _answered(turn.reply)})
    return said


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

    def keep(self, prompt: str, reply: Reply) -> None:
        """Make it a turn, in the stead of those that its cell made in an earlier run.

        An answer of which nothing came makes none: its prompt would stand there alone. One that
        Claude declined makes none, as the next ones would be declined with it
        (https://platform.claude.com/docs/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals).
        """
        nothing = not reply.complete and _answered(reply) == [NOTHING]
        if nothing or reply.stop_reason == "refusal":
            return
        index, earlier = self._index(), self._earlier()
        kept = [turn for turn in self.turns if turn not in earlier]
        self.turns[:] = [*kept[:index], Turn(prompt, reply, self.cell), *kept[index:]]

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


def _answered(reply: Reply) -> list[dict[str, Any]]:
    """Its content, to go before another prompt: no call of a tool may stay open."""
    return sendable(reply.blocks, None)
