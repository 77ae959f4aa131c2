"""Where among the turns of a chat a prompt is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..background import ForkSafeLock
from ..values.reply import Reply
from ..values.turn import Cell, Turn, may_stand

_changing = ForkSafeLock()
"""Held while turns are changed: a chat may be asked in many threads."""


def amend(turns: list[Turn], old: Reply, new: Reply) -> None:
    """Put the reply that goes on from another into its turn, if there is one."""
    with _changing:
        for n, turn in enumerate(turns):
            if turn.reply is old and may_stand(new):
                turns[n] = replace(turn, reply=new)


@dataclass(frozen=True)
class Place:
    """Where a prompt is asked: at the end of a chat, or where its cell asked in an earlier run.

    The n-th turn of a run takes the place of the n-th turn of the cell's earlier run. Until there
    is an answer that takes it, the earlier turn stays, and with it all that follow.

    Attributes:
        chat: The chat's name; "" outside of any.
        turns: The chat's; `keep` changes them.
        cell: Where it is asked; None where the front end does not say.
        lasting: The options that the turn passes on to later ones, where it is the first.
        leave: Lets the chat's next prompt be asked.
    """

    chat: str = ""
    turns: list[Turn] = field(default_factory=list)
    cell: Cell | None = None
    lasting: Mapping[str, Any] = field(default_factory=dict)
    leave: Callable[[], None] = lambda: None

    def before(self) -> list[Turn]:
        """The turns that go before the prompt."""
        turns = list(self.turns)
        return turns[: self._index(turns)]

    def number(self) -> int | None:
        """Which turn of the chat is asked here, from 1; None outside of any."""
        return len(self.before()) + 1 if self.chat else None

    def options(self) -> Mapping[str, Any]:
        """The options that hold here where a prompt does not say: of the first turn before it."""
        first = self.before()[:1]
        return first[0].options if first else {}

    def keep(self, prompt: str, reply: Reply) -> None:
        """Make it a turn, if it may stand, and let the next prompt be asked."""
        try:
            if self.chat:
                self._store(Turn(prompt, reply, self.cell, self.lasting))
        finally:
            self.leave()

    def _store(self, made: Turn) -> None:
        """Put the turn in its place; one that may not stand leaves that to the earlier one."""
        with _changing:
            index = self._index(self.turns)
            replaced = list(filter(self._is_earlier, self.turns[index : index + 1]))
            if may_stand(made.reply):
                self.turns[index : index + len(replaced)] = [made]
            elif replaced:
                self.turns[index] = replace(replaced[0], cell=self.cell)

    def has_earlier(self) -> bool:
        """Whether an earlier run of the cell has turns that this one has not come to."""
        return any(map(self._is_earlier, self.turns))

    def end_run(self) -> None:
        """Take out the earlier turns that the cell, which has ended well, did not come to.

        A run that asked nothing in this chat takes out nothing.
        """
        with _changing:
            if any(map(self._is_ours, self.turns)):
                self.turns[:] = [turn for turn in self.turns if not self._is_earlier(turn)]

    def _index(self, turns: Sequence[Turn]) -> int:
        """Of the first earlier turn that is left; else after this run's last turn; else the end."""
        ours = [n for n, turn in enumerate(turns) if self._is_ours(turn)]
        begin = ours[-1] + 1 if ours else 0
        earlier = (n for n in range(begin, len(turns)) if self._is_earlier(turns[n]))
        return next(earlier, begin if ours else len(turns))

    def _is_ours(self, turn: Turn) -> bool:
        """Whether this run of the cell asked it."""
        return turn.cell is not None and turn.cell == self.cell

    def _is_earlier(self, turn: Turn) -> bool:
        """Whether another run of the cell asked it."""
        if turn.cell is None or self.cell is None:
            return False
        return turn.cell[0] == self.cell[0] and turn.cell[1] != self.cell[1]
