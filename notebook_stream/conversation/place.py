"""The place of a prompt among the turns of a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..background import ForkSafeLock
from ..values.reply import Reply
from ..values.turn import Cell, Turn, may_stand

_changing = ForkSafeLock()
"""Held while turns are changed, as several threads may ask in one chat."""


def amend(turns: list[Turn], old: Reply, new: Reply) -> None:
    """Put a reply in place of the one that it continues, where a turn holds that one."""
    with _changing:
        for n, turn in enumerate(turns):
            if turn.reply is old and may_stand(new):
                turns[n] = replace(turn, reply=new)


@dataclass(frozen=True)
class Place:
    """The place of a prompt: the end of a chat, or that of a turn of its cell's earlier run.

    The n-th turn of a run replaces the n-th turn of the cell's earlier run. Until its answer has
    come, the earlier turn remains, and so do all turns after it.

    Attributes:
        chat: The name of the chat; "" for a prompt outside of any chat.
        turns: The turns of the chat, which `keep` changes.
        cell: The cell that asks, and its run; None where the front end does not say.
        lasting: The options that hold for later turns if this becomes the first turn.
        leave: The function that lets the next prompt of the chat be asked.
    """

    chat: str = ""
    turns: list[Turn] = field(default_factory=list)
    cell: Cell | None = None
    lasting: Mapping[str, Any] = field(default_factory=dict)
    leave: Callable[[], None] = lambda: None

    def before(self) -> list[Turn]:
        """Return the turns that are sent before the prompt."""
        turns = list(self.turns)
        return turns[: self._index(turns)]

    def number(self) -> int | None:
        """Return the number of the turn, from 1; None outside of any chat."""
        return len(self.before()) + 1 if self.chat else None

    def options(self) -> Mapping[str, Any]:
        """Return the options of the first turn, which hold here where the prompt gives none."""
        first = self.before()[:1]
        return first[0].options if first else {}

    def keep(self, prompt: str, reply: Reply) -> None:
        """Store the prompt and its reply as a turn, and let the next prompt be asked.

        A reply that cannot be sent back (`may_stand`) is not stored.
        """
        try:
            if self.chat:
                self._store(Turn(prompt, reply, self.cell, self.lasting))
        finally:
            self.leave()

    def _store(self, made: Turn) -> None:
        """Insert the turn; where its reply may not stand, the earlier turn remains in its place."""
        with _changing:
            index = self._index(self.turns)
            replaced = list(filter(self._is_earlier, self.turns[index : index + 1]))
            if may_stand(made.reply):
                self.turns[index : index + len(replaced)] = [made]
            elif replaced:
                self.turns[index] = replace(replaced[0], cell=self.cell)

    def has_earlier(self) -> bool:
        """Return whether turns of an earlier run of the cell are left."""
        return any(map(self._is_earlier, self.turns))

    def end_run(self) -> None:
        """Remove the turns of earlier runs of the cell, whose present run has ended well.

        A run that asked nothing in this chat removes nothing.
        """
        with _changing:
            if any(map(self._is_ours, self.turns)):
                self.turns[:] = [turn for turn in self.turns if not self._is_earlier(turn)]

    def _index(self, turns: Sequence[Turn]) -> int:
        """Return the index of the turn.

        It is that of the first turn of an earlier run after the last turn of this run; where there
        is none, the index after the last turn of this run, or else the end.
        """
        ours = [n for n, turn in enumerate(turns) if self._is_ours(turn)]
        begin = ours[-1] + 1 if ours else 0
        earlier = (n for n in range(begin, len(turns)) if self._is_earlier(turns[n]))
        return next(earlier, begin if ours else len(turns))

    def _is_ours(self, turn: Turn) -> bool:
        """Return whether this run of the cell asked the turn."""
        return turn.cell is not None and turn.cell == self.cell

    def _is_earlier(self, turn: Turn) -> bool:
        """Return whether an earlier run of the cell asked the turn."""
        if turn.cell is None or self.cell is None:
            return False
        return turn.cell[0] == self.cell[0] and turn.cell[1] != self.cell[1]
