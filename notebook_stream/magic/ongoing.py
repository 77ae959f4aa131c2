"""The answers that cells have begun in the background, and how they are stopped."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..errors import OptionError
from ..values.reply import Reply
from ..values.turn import Cell

if TYPE_CHECKING:
    from ..running.pending import PendingAnswer

VARIABLE = "_claude_ongoing"
"""The variable that owns the answers: `%reset` deletes it, which stops them."""

Entry = tuple[Cell | None, str, "PendingAnswer"]
"""The cell that asked, and its run; the variable of the reply; the answer."""


class Ongoing:
    """The answers that the cells of one namespace have begun; they are stopped with its end."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
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
        if cell is None:
            _stop(one for one in self._entries if one[0] is None and one[1] == name)
        self._entries[:] = [one for one in self._entries if not one[2].done]
        self._entries.append((cell, name, answer))

    def stop_earlier(self, cell: Cell | None) -> None:
        """Stop the answers of earlier runs of a cell that runs again."""
        _stop(one for one in self._entries if cell and one[0] and _is_earlier(one[0], cell))


def _is_earlier(run: Cell, cell: Cell) -> bool:
    return run[0] == cell[0] and run[1] != cell[1]


def _stop(entries: Iterable[Entry]) -> None:
    for _cell, _name, answer in list(entries):
        if not answer.done:
            answer.stop()


def stop_answers(what: str, space: dict[str, Any]) -> str:
    """Stop answers that no cell waits for.

    Args:
        what: The variable of one; "all" for those of the whole session; "" for the only one.
        space: The namespace of the notebook.

    Returns:
        What happened, in a sentence.

    Raises:
        OptionError: It is not said which one, or the variable holds none.
    """
    from ..running.pending import list_pending

    if what and what != "all":
        return _stop_named(what, space)
    pending = list_pending()
    if len(pending) > 1 and not what:
        msg = (
            f"{len(pending)} answers are on their way; write %claude_stop NAME with the variable "
            "of one, or %claude_stop all."
        )
        raise OptionError(msg)
    for answer in pending:
        answer.stop()
    counted = {0: "No answer is on its way", 1: "Stopped 1 answer"}
    return f"{counted.get(len(pending), f'Stopped {len(pending)} answers')}."


def _stop_named(name: str, space: dict[str, Any]) -> str:
    from ..running.pending import PendingAnswer
    from ..widget import AnswerWidget

    value = space.get(name)
    if isinstance(value, Reply) or (isinstance(value, PendingAnswer) and value.done):
        return f"The answer in {name} has ended before."
    if not isinstance(value, PendingAnswer | AnswerWidget):
        msg = f"{name!r} holds no answer on its way; write %claude_stop all to stop each one."
        raise OptionError(msg)
    value.stop()
    return f"Stopped the answer in {name}."
