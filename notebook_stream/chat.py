"""A chat: prompts that are sent with the turns before them."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import host, table, verbs
from .errors import OptionError
from .options import Options
from .reply import Reply
from .turns import Place, Turn, messages

_numbers = itertools.count(1)

SHOWN = 60
"""Characters of a prompt in a table."""


class Chat:
    """A conversation: each prompt is sent with the turns before it.

    A cell that is run again replaces its own turn, and only the turns before that one are sent. An
    answer that was cut is a turn, with what came of it; one of which nothing came is none.

    Example:
        chat = Chat(system="You are a guide to Lisbon.")
        chat.ask("Where do I begin?")
        chat.ask("And on a rainy day?")

    Args:
        name: What `%claude_usage` and the outputs' metadata call it; without one it is called by
            its variable in ``%%claude --chat``, else by a number.
        options: ``model``, ``system`` …, as in `%%claude?`: what holds where a turn does not say.

    Attributes:
        turns: The turns (list of Turn: prompt, reply), yours to change: ``del chat.turns[-1]``
            takes the last one back.

    Raises:
        OptionError: An option does not exist or has a value that it cannot have.
    """

    def __init__(self, name: str = "", **options: Any) -> None:
        Options.of(options)
        self.name = name
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

    def fork(self, name: str = "", *, turns: int | None = None) -> Chat:
        """Another chat that begins as this one, to go on in two ways.

        Args:
            name: Of the new one.
            turns: How many of the turns it takes over; all by default.

        Raises:
            OptionError: There are not so many.
        """
        if turns is not None and not 0 <= turns <= len(self.turns):
            msg = f"there are {len(self.turns)} turns, got turns={turns!r}; give 0 to all of them."
            raise OptionError(msg)
        made = Chat(name, **self.options)
        # The cells are the old chat's: run again, they change nothing here.
        made.turns = [Turn(turn.prompt, turn.reply) for turn in self.turns[:turns]]
        return made

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The turns as the API takes them."""
        return messages(self.turns)

    def place(self) -> Place:
        """Where the cell that runs now asks."""
        self.name = self.name or str(next(_numbers))
        return Place(self.name, self.turns, host.cell())

    def amend(self, old: Reply, new: Reply) -> None:
        """Put the reply that goes on from another into its turn, if there is one."""
        for n, turn in enumerate(self.turns):
            if turn.reply is old:
                self.turns[n] = Turn(turn.prompt, new, turn.cell)

    def __repr__(self) -> str:
        return f"<Chat {self.name!r}: {len(self.turns)} turns>"

    def _repr_markdown_(self) -> str:
        from .markdown import harmless, literal  # heavy, and seldom asked for

        parts = [f"*{literal(repr(self).strip('<>'))}*"]
        for turn in self.turns:
            quoted = (f"> {line}" for line in harmless(turn.prompt).splitlines())
            parts += ["\n".join(quoted), turn.reply._repr_markdown_()]
        return "\n\n".join(parts)


@dataclass(repr=False)
class Chats:
    """The chats that some variables hold, as a table.

    Attributes:
        named: Each chat, by its variable.
    """

    named: Mapping[str, Chat]

    def rows(self) -> list[tuple[str, ...]]:
        """The names of the columns, then a row for each chat."""
        return [("chat", "last prompt", "turns"), *(_row(*item) for item in self.named.items())]

    def __repr__(self) -> str:
        return table.plain(self.rows())

    def _repr_markdown_(self) -> str:
        return table.marked(self.rows(), 2)


def _row(name: str, chat: Chat) -> tuple[str, ...]:
    last = chat.turns[-1].prompt if chat.turns else ""
    return name, textwrap.shorten(last, SHOWN, placeholder="…"), str(len(chat.turns))
