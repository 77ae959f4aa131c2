"""The answers that cells have begun in the background, which end with their namespace."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..values.turn import Cell

if TYPE_CHECKING:
    from .pending import PendingAnswer

VARIABLE = "_claude_ongoing"
"""The variable that owns the answers: `%reset` deletes it, which stops them."""

Entry = tuple[Cell | None, str, "PendingAnswer"]
"""The cell that asked, and its run; the variable of the reply, "" for none; the answer."""


class Ongoing:
    """The answers that the cells of one namespace have begun; they are stopped with its end."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._changing = threading.Lock()  # Callbacks ask on threads of their own.
        weakref.finalize(self, _stop, self._entries).atexit = False

    @classmethod
    def of(cls, space: dict[str, Any]) -> Ongoing:
        """Return that of a namespace."""
        found = space.get(VARIABLE)
        if not isinstance(found, cls):
            found = space[VARIABLE] = cls()
        return found

    def add(self, cell: Cell | None, name: str, answer: PendingAnswer) -> None:
        """Enter an answer.

        Where the front end does not say which cell asks, the answer that was to be bound to the
        same name before is stopped: the cell may have been run again.
        """
        if cell is None and name:
            _stop(one for one in self._entries if one[0] is None and one[1] == name)
        with self._changing:
            left = [one for one in self._entries if not one[2].done]
            self._entries[:] = [*left, (cell, name, answer)]

    def stop_earlier(self, cell: Cell | None) -> None:
        """Stop the answers of earlier runs of a cell that runs again."""
        _stop(one for one in self._entries if cell and one[0] and _is_earlier(one[0], cell))


def _is_earlier(run: Cell, cell: Cell) -> bool:
    return run[0] == cell[0] and run[1] != cell[1]


def _stop(entries: Iterable[Entry]) -> None:
    for _cell, _name, answer in list(entries):
        if not answer.done:
            answer.stop()
