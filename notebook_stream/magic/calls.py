"""A call of the magic: read its line and body, and make the answer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import host
from ..conversation.place import Place
from ..conversation.queue import PromptQueue
from ..errors import OptionError
from ..prompt import Filled, fill_in
from ..request.line import read_line
from ..request.options import Options
from ..request.table import LASTING
from ..values.turn import Cell
from .names import check_name, find_chat, note_replaced

if TYPE_CHECKING:
    from ..chat import Chat
    from ..conversation.queue import Ticket
    from ..request.body import Beginning
    from ..running.answer import Answer
    from ..values.reply import Reply

DEFAULT_NAME = "claude_reply"
"""The variable for a reply, where the call names none."""

DEFAULT_CHAT = "claude_chat"
"""The variable for a chat, where ``--chat`` names none."""

OTHER_CHAT = "write --chat trip, or --chat -- for the chat without a name"


@dataclass(frozen=True)
class Call:
    """The parts of a magic's line and body.

    Attributes:
        name: The variable for the reply.
        given: The options by name, their values as typed.
        prompt: The prompt, as typed.
        names: The variables that ``{{ expressions }}`` may use, with their values.
        variable: The variable of the chat; "" for a call outside of any chat.
        chat: The chat that the variable holds, or will hold; None outside of any chat.
        cell: The cell that asks, and its run; None where the front end does not say.
    """

    name: str
    given: Mapping[str, Any]
    prompt: str
    names: Mapping[str, Any]
    variable: str
    chat: Chat | None
    cell: Cell | None = field(default_factory=host.cell)

    def join(self) -> Ticket:
        """Join the queue of the chat; without a chat, a queue of its own, which is empty."""
        return PromptQueue().join() if self.chat is None else self.chat.join()

    def find_place(self, ticket: Ticket) -> Place:
        """Return the place of the prompt in its chat, now that its turn has come."""
        if self.chat is None:
            return Place()
        lasting = {option: self.given[option] for option in LASTING if option in self.given}
        return replace(self.chat.place(self.cell, ticket.leave), lasting=lasting)

    def make_answer(self, ticket: Ticket, space: dict[str, Any]) -> Answer:
        """Make the answer to this call, whose turn has come.

        Args:
            ticket: The ticket of the call in the queue of its chat.
            space: The namespace of the notebook, which gets the reply and a new chat.

        Raises:
            OptionError: The prompt, an option or the name cannot be used.
            CredentialsError: The key cannot be sent as it is.
            KeyboardInterrupt: It was interrupted while ``{{ expressions }}`` were evaluated.
        """
        place = self.find_place(ticket)
        before = {**(self.chat.options if self.chat else {}), **place.options()}
        options = Options.of({**before, **self.given})
        filled = Filled(self.prompt) if options.raw else fill_in(self.prompt, self.names)
        target = Target(self.name, space, notes=filled.notes)
        if self.variable and self.variable not in self.names:
            target = replace(target, on_start=partial(space.__setitem__, self.variable, self.chat))
        return target.make_answer(filled.text, options, place)


@dataclass(frozen=True)
class Target:
    """Where an answer goes: the output of the cell that runs, and a variable.

    Attributes:
        name: The variable for the reply.
        space: The namespace of the notebook.
        bind_also: The function that is called with the reply after it was bound.
        on_start: The function that is called when nothing prevents that the request is sent.
        notes: Sentences to show below the answer.
    """

    name: str
    space: dict[str, Any]
    bind_also: Callable[[Reply], None] = lambda reply: None
    on_start: Callable[[], object] = lambda: None
    notes: tuple[str, ...] = ()

    def make_answer(self, prompt: str | Beginning, options: Options, place: Place) -> Answer:
        """Make the answer that is shown and bound here.

        Raises:
            OptionError: The prompt, an option or the name cannot be used.
            CredentialsError: The key cannot be sent as it is.
        """
        from ..running.answer import Answer, Stage
        from ..running.views import view_here

        stage = Stage(
            view=partial(view_here, self.name),
            bind=self._bind,
            on_start=self.on_start,
            notes=(*note_replaced(self.name, self.space), *self.notes),
            go_on=f"%claude_continue {self.name}",
        )
        return Answer(prompt, options, place=place, stage=stage)

    def _bind(self, reply: Reply) -> None:
        self.space[self.name] = reply
        self.bind_also(reply)


def read_call(line: str, cell: str | None, names: Mapping[str, Any]) -> Call:
    """Read a magic's line and body.

    Args:
        line: The text after the magic's name.
        cell: The body of a cell magic; None for a line magic.
        names: The variables that ``{{ expressions }}`` may use, with their values.

    Raises:
        OptionError: An option or a name cannot be used.
    """
    name, given, prompt = _read_line(line) if cell is None else (*_read_head(line), cell)
    if "chat" not in given:
        return Call(name, given, prompt, names, "", None)
    variable = check_name(given.pop("chat") or DEFAULT_CHAT, OTHER_CHAT)
    if variable == name:
        msg = f"{name!r} cannot hold the chat and the reply; give --chat another name."
        raise OptionError(msg)
    return Call(name, given, prompt, names, variable, find_chat(variable, names))


def _read_line(line: str) -> tuple[str, dict[str, Any], str]:
    """Return NAME, options and prompt of a `%claude` line."""
    read = read_line(line)
    return DEFAULT_NAME, read.given, read.rest


def _read_head(line: str) -> tuple[str, dict[str, Any]]:
    """Return NAME and options of a `%%claude` line, in either order."""
    before = read_line(line)
    name, *after = before.rest.split(maxsplit=1) or [""]
    read = read_line("".join(after))
    if read.rest:
        msg = f"there is {read.rest!r} after the name {name!r}; write the prompt below the line."
        raise OptionError(msg)
    return check_name(name or DEFAULT_NAME), {**before.given, **read.given}
