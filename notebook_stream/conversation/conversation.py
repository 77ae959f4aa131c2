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
"""All conversations of this process that are in use."""

_listing = ForkSafeLock()
"""Held while `_conversations` is changed or read, as any thread may make a conversation."""


def _forget_queues() -> None:
    """Give each conversation an empty queue in a child process.

    The prompts in the queues wait in threads that only the parent process has.
    """
    for conversation in list(_conversations):
        conversation._queue = PromptQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_queues)


class Conversation:
    """The turns of a chat, and the queue of its prompts, of which one is answered at a time.

    A pickle or a copy has the turns and an empty queue.

    Args:
        name: The name of the chat; "" for a number, which it gets when it is first asked.
        options: The options for turns that do not give them.

    Attributes:
        turns: The turns, in order (list of Turn).
    """

    _queue: PromptQueue

    def __new__(cls, **_: Any) -> Conversation:
        """Give it a queue and register it; unpickling calls this, and not ``__init__``."""
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
        """Join the queue of the prompts that are asked in this chat."""
        return self._queue.join(self._ensure_name())

    def place(self, cell: Cell | None, leave: Callable[[], None]) -> Place:
        """Return the place among the turns of a prompt whose turn has come.

        At the end of the cell's run, turns of its earlier run that were not replaced are removed.

        Args:
            cell: The cell that asks, and its run; None where the front end does not say.
            leave: The function that lets the next prompt be asked.
        """
        place = Place(self._ensure_name(), self.turns, cell, leave=leave)
        if cell is not None and place.has_earlier():
            host.when_cell_ends(cell, lambda: self._end_run(place))
        return place

    def _end_run(self, place: Place) -> None:
        if not self._queue:  # Else a task that the cell started asks on.
            place.end_run()

    def _ensure_name(self) -> str:
        """Return the name, which is a new number where none was given."""
        self.name = self.name or str(next(_numbers))
        return self.name


def replace_reply(old: Reply, new: Reply) -> None:
    """Put a reply in place of the one that it continues, in all conversations of this process."""
    with _listing:
        conversations = list(_conversations)
    for conversation in conversations:
        amend(conversation.turns, old, new)
