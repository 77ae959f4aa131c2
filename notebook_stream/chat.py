"""A chat: prompts that are sent with the turns before them."""

from __future__ import annotations

import itertools
import os
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import host, table, verbs
from .background import ForkSafeLock
from .errors import OptionError
from .options import Options, text_of
from .queueing import PromptQueue, Ticket
from .reply import Reply, sound
from .turns import Cell, Place, Turn, amend, messages
from .view.final import ended

_numbers = itertools.count(1)

_chats: weakref.WeakSet[Chat] = weakref.WeakSet()
"""All there are."""

_listing = ForkSafeLock()
"""Held while `_chats` is changed or read: a chat may be made in any thread."""


def _forget_queues() -> None:
    """Let a child process ask in each chat: the threads that were asking are its parent's."""
    for chat in list(_chats):
        chat._queue = PromptQueue()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_queues)

SHOWN = 60
"""Characters of a prompt in a table."""


class Chat:
    """A conversation: each prompt is sent with the turns before it.

    A cell that is run again replaces its own turns, one by one, and only the turns before each are
    sent. An answer that was cut is a turn, with what came of it; one of which nothing came is none.

    One prompt is answered at a time: others wait, in the order of the calls. A call that blocks the
    thread that it would wait for is refused.

    Example:
        chat = Chat(system="You are a guide to Lisbon.")
        chat.ask("Where do I begin?")
        chat.ask("And on a rainy day?")

    Args:
        name: What `%claude_usage`, footers and metadata call it; without one it is called by its
            variable in ``%%claude --chat``, else by a number.
        options: ``model``, ``system`` …, as in `%%claude?`: what holds where a turn does not say.

    Attributes:
        turns: The turns (list of Turn: prompt, reply), yours to change: ``del chat.turns[-1]``
            takes the last one back.

    Raises:
        OptionError: An option does not exist or has a value that it cannot have.
    """

    _queue: PromptQueue

    def __new__(cls, **_: Any) -> Chat:
        """Make one, also out of a pickle."""
        self = super().__new__(cls)
        self._queue = PromptQueue()
        with _listing:
            _chats.add(self)
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_queue"}

    def __init__(self, *, name: str = "", **options: Any) -> None:
        Options.of(options)
        self.name = text_of("name", name)
        self.options = options
        self.turns: list[Turn] = []

    def ask(self, prompt: str, **options: Any) -> Reply:
        """Ask the next thing and wait for the answer, as `notebook_stream.ask`."""
        return verbs.ask(prompt, chat=self, **options)

    async def aask(self, prompt: str, **options: Any) -> Reply:
        """The same, awaited, as `notebook_stream.aask`."""
        return await verbs.aask(prompt, chat=self, **options)

    def stream(self, prompt: str, **options: Any) -> verbs.Stream:
        """The answer's text as it comes, as `notebook_stream.stream`; a turn at its end."""
        return verbs.stream(prompt, chat=self, **options)

    def astream(self, prompt: str, **options: Any) -> verbs.AsyncStream:
        """The same, for ``async with``, as `notebook_stream.astream`."""
        return verbs.astream(prompt, chat=self, **options)

    def fork(self, *, name: str = "", turns: int | None = None) -> Chat:
        """Another chat that begins as this one, to go on in two ways.

        Args:
            name: Of the new one.
            turns: How many of the turns it takes over; all by default.

        Raises:
            OptionError: There are not so many.
        """
        if turns is not None and turns not in range(len(self.turns) + 1):
            msg = f"there are {len(self.turns)} turns, got turns={turns!r}; give 0 to all of them."
            raise OptionError(msg)
        made = Chat(name=name, **self.options)
        # The cells are the old chat's: run again, they change nothing here.
        made.turns = [
            Turn(turn.prompt, turn.reply, options=turn.options) for turn in self.turns[:turns]
        ]
        return made

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The turns as the API takes them, before a prompt with this chat's system prompt."""
        first = self.turns[0].options if self.turns else {}
        system = Options.of({**self.options, **first}).system
        return messages(self.turns, {"system": sound(system)} if system else {})

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

    def __repr__(self) -> str:
        count = len(self.turns)
        return f"<Chat {self.name!r}: {count} turn{'s' * (count != 1)}>"

    def _repr_markdown_(self) -> str:
        from .markdown import harmless, literal  # heavy, and seldom asked for

        parts = [f"*{literal(repr(self).strip('<>'))}*"]
        for turn in self.turns:
            quoted = "\n".join(f"> {line}" for line in turn.prompt.split("\n"))
            parts += [harmless(quoted), turn.reply._repr_markdown_()]
            if not turn.reply.complete:
                parts.append(f"*({literal(ended(turn.reply))})*")
        return "\n\n".join(parts)


def go_on(old: Reply, new: Reply) -> None:
    """Have the reply that goes on from another stand in its stead, in whichever chat that is."""
    with _listing:
        chats = list(_chats)
    for chat in chats:
        amend(chat.turns, old, new)


@dataclass(repr=False)
class Chats:
    """The chats that some variables hold, as a table.

    Attributes:
        named: Each chat, by its variable.
    """

    named: Mapping[str, Chat]

    def rows(self) -> list[tuple[str, ...]]:
        """The names of the columns, then a row for each chat."""
        head = ("variable", "name", "last prompt", "turns")
        return [head, *(_row(*item) for item in self.named.items())]

    def __repr__(self) -> str:
        return table.plain(self.rows())

    def _repr_markdown_(self) -> str:
        return table.marked(self.rows(), 3)


def _row(variable: str, chat: Chat) -> tuple[str, ...]:
    last = " ".join(chat.turns[-1].prompt.split()) if chat.turns else ""
    shown = "".join(filter(str.isprintable, last))
    cut = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    return variable, chat.name, cut, str(len(chat.turns))
