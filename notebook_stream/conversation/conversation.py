"""The state of a chat: its turns, and the queue of the prompts that are asked in it."""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable
from typing import Any

from .. import host
from ..background import ForkSafeLock
from ..values.reply import Reply
from ..values.turn import Cell, Turn
from .place import Place, amend
from .queue import PromptQueue, Ticket

_numbers = itertools.count(1)

_conversations: weakref.WeakSet[Conversation] = weakref.WeakSet()
"""All there are."""

_listing = ForkSafeLock()
"""Held while `_conversations` is changed or read: one may be made in any thread."""


def _forget_queues() -> None:
    """Let a child process ask in each: the threads that were asking are its parent's."""
    for conversation in list(_conversations):
        conversation._queue = PromptQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_queues)


class Conversation:
    """Turns, and who may ask the next one: one prompt is answered at a time.

    A pickle or a copy has the turns, and an empty queue.

    Args:
        name: What it is called; "" for a number, given when it is first asked.
        options: What holds for a turn that does not say.

    Attributes:
        turns: The turns, in order (list of Turn).
    """

    _queue: PromptQueue

    def __new__(cls, **_: Any) -> Conversation:
        """Make one, also out of a pickle."""
        self = super().__new__(cls)
        self._queue = PromptQueue()
        with _listing:
            _conversations.add(self)
        return self

    def __init__(self, *, name: str = "", **options: Any) -> None:
        self.name = name
        self.options = options
        self.turns: list[Turn] = []

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_queue"}

    def join(self) -> Ticket:
        """Stand in the queue of the prompts that are asked here: one is answered at a time."""
        return self._queue.join(self._named())

    def place(self, cell: Cell | None, leave: Callable[[], None]) -> Place:
        """Where a prompt is asked whose turn has come.

        Args:
            cell: Where the call stands.
            leave: Lets the next have its turn.
        """
        place = Place(self._named(), self.turns, cell, leave=leave)
        if cell is not None and place.has_earlier():
            host.when_cell_ends(cell, lambda: self._end_run(place))
        return place

    def _end_run(self, place: Place) -> None:
        if not self._queue:  # else tasks of the cell go on
            place.end_run()

    def _named(self) -> str:
        self.name = self.name or str(next(_numbers))
        return self.name


def replace_reply(old: Reply, new: Reply) -> None:
    """Put the reply that goes on from another in its place, in whichever conversation it is."""
    with _listing:
        conversations = list(_conversations)
    for conversation in conversations:
        amend(conversation.turns, old, new)
