"""A chat: prompts that are sent with the turns before them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import verbs
from .conversation.conversation import Conversation
from .errors import OptionError
from .markdown import table
from .request.checks import check_text
from .request.options import Options
from .text.surrogates import repair_surrogates
from .values.reply import Reply
from .values.turn import messages
from .view.static import describe_ending

SHOWN = 60
"""Characters of a prompt in a table."""


class Chat(Conversation):
    """A conversation: each prompt is sent with the turns before it.

    A cell that is run again replaces its own turns, one by one, and only the turns before each are
    sent. An answer that was cut is a turn, with what came of it; one of which nothing came is none.

    One prompt is answered at a time: others wait, in the order of the calls. A call that blocks the
    thread that it would wait for is refused.

    Example:
        ```python
        chat = Chat(system="You are a guide to Lisbon.")
        chat.ask("Where do I begin?")
        chat.ask("And on a rainy day?")
        ```

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

    def __init__(self, *, name: str = "", **options: Any) -> None:
        Options.of(options)
        super().__init__(name=check_text("name", name), **options)

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
        made.turns = [replace(turn, cell=None) for turn in self.turns[:turns]]
        return made

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The turns as the API takes them, before a prompt with this chat's system prompt."""
        first = self.turns[0].options if self.turns else {}
        system = Options.of({**self.options, **first}).system
        return messages(self.turns, {"system": repair_surrogates(system)} if system else {})

    def __repr__(self) -> str:
        count = len(self.turns)
        return f"<Chat {self.name!r}: {count} turn{'s' * (count != 1)}>"

    def _repr_markdown_(self) -> str:
        from .markdown import escape_markup, sanitize

        parts = [f"*{escape_markup(repr(self).strip('<>'))}*"]
        for turn in self.turns:
            quoted = "\n".join(f"> {line}" for line in turn.prompt.split("\n"))
            parts += [sanitize(quoted), turn.reply._repr_markdown_()]
            if not turn.reply.complete:
                parts.append(f"*({escape_markup(describe_ending(turn.reply))})*")
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
        head = ("variable", "name", "last prompt", "turns")
        return [head, *(_row(*item) for item in self.named.items())]

    def __repr__(self) -> str:
        return table.render_plain(self.rows())

    def _repr_markdown_(self) -> str:
        return table.render_markdown(self.rows(), 3)


def _row(variable: str, chat: Chat) -> tuple[str, ...]:
    last = " ".join(chat.turns[-1].prompt.split()) if chat.turns else ""
    shown = "".join(filter(str.isprintable, last))
    cut = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
    return variable, chat.name, cut, str(len(chat.turns))
