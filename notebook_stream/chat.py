"""The class Chat, whose prompts are sent with the turns before them, and a table of chats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

from . import verbs
from .conversation.conversation import Conversation
from .errors import OptionError
from .markdown import table
from .request.checks import check_text
from .request.options import Options
from .running.pending import PendingAnswer
from .text.surrogates import repair_surrogates
from .values.reply import Reply
from .values.turn import messages
from .view.static import describe_ending

SHOWN = 60
"""The characters of a prompt that a table shows."""


class Chat(Conversation):
    """A conversation: each prompt is sent with the turns before it.

    A cell that is run again replaces its own turns, one by one, and each is sent with the turns
    before it alone. An answer that was cut becomes a turn with the part that came; an answer of
    which nothing came becomes none.

    One prompt is answered at a time, and others wait in the order of the calls. A call that would
    block the thread of the answer that it waits for raises an OptionError.

    Example:
        ```python
        chat = Chat(system="You are a guide to Lisbon.")
        chat.ask("Where do I begin?")
        chat.ask("And on a rainy day?")
        ```

    Args:
        name: The name of the chat in `%claude_usage`, footers and metadata; without one it is the
            variable of ``%%claude --chat``, else a number.
        options: The options that `%%claude?` lists, such as ``model`` and ``system``, for the turns
            that do not give them.

    Attributes:
        turns: The turns (list of Turn, each with its prompt and reply). The list may be changed:
            ``del chat.turns[-1]`` takes the last turn back.

    Raises:
        OptionError: An option does not exist or has a value that it cannot have.
    """

    def __init__(self, *, name: str = "", **options: Any) -> None:
        Options.of(options)
        super().__init__(name=check_text("name", name), **options)

    @overload
    def ask(self, prompt: str, *, background: Literal[False] = False, **options: Any) -> Reply: ...

    @overload
    def ask(self, prompt: str, *, background: bool, **options: Any) -> Reply | PendingAnswer: ...

    def ask(
        self, prompt: str, *, background: bool = False, **options: Any
    ) -> Reply | PendingAnswer:
        """Ask the next prompt and wait for the answer, as `notebook_stream.ask` does."""
        return verbs.ask(prompt, chat=self, background=background, **options)

    async def aask(self, prompt: str, **options: Any) -> Reply:
        """Ask the next prompt and await the answer, as `notebook_stream.aask` does."""
        return await verbs.aask(prompt, chat=self, **options)

    def stream(self, prompt: str, **options: Any) -> verbs.Stream:
        """Ask the next prompt as `notebook_stream.stream` does; its end makes it a turn."""
        return verbs.stream(prompt, chat=self, **options)

    def astream(self, prompt: str, **options: Any) -> verbs.AsyncStream:
        """Ask the next prompt as `notebook_stream.astream` does; its end makes it a turn."""
        return verbs.astream(prompt, chat=self, **options)

    def fork(self, *, name: str = "", turns: int | None = None) -> Chat:
        """Return a copy of this chat, so that the conversation can go on in two ways.

        Args:
            name: The name of the copy.
            turns: The number of turns to copy, from the first on; None for all of them.

        Raises:
            OptionError: There are fewer turns.
        """
        if turns is not None and turns not in range(len(self.turns) + 1):
            msg = f"there are {len(self.turns)} turns, got turns={turns!r}; give 0 to all of them."
            raise OptionError(msg)
        made = Chat(name=name, **self.options)
        # The cells belong to this chat: when they are run again, they change no turn of the copy.
        made.turns = [replace(turn, cell=None) for turn in self.turns[:turns]]
        return made

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The turns as the messages of a request (list of dict: role, content)."""
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
    """The chats that variables of the notebook hold, which IPython shows as a table.

    Attributes:
        named: The chats by their variables.
    """

    named: Mapping[str, Chat]

    def rows(self) -> list[tuple[str, ...]]:
        """Return the names of the columns, then a row for each chat."""
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
