"""A call of the magic: its line and body, read; and the answer to it."""

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
DEFAULT_CHAT = "claude_chat"
OTHER_CHAT = "write --chat trip, or --chat -- for the chat without a name"


@dataclass(frozen=True)
class Call:
    """A magic's line and body, taken apart.

    Attributes:
        name: The variable for the reply.
        given: The options, as typed.
        prompt: What to ask, as typed.
        names: What ``{{ expressions }}`` see.
        variable: That of the chat; "" outside of any.
        chat: What it holds, or will; None outside of any.
        cell: Where it is asked; None where the front end does not say.
    """

    name: str
    given: Mapping[str, Any]
    prompt: str
    names: Mapping[str, Any]
    variable: str
    chat: Chat | None
    cell: Cell | None = field(default_factory=host.cell)

    def join(self) -> Ticket:
        """Stand in the queue of the chat; outside of any there is nothing to wait for."""
        return PromptQueue().join() if self.chat is None else self.chat.join()

    def place(self, ticket: Ticket) -> Place:
        """Where it is asked, now that its turn has come."""
        if self.chat is None:
            return Place()
        lasting = {option: self.given[option] for option in LASTING if option in self.given}
        return replace(self.chat.place(self.cell, ticket.leave), lasting=lasting)

    def answer(self, ticket: Ticket, space: dict[str, Any]) -> Answer:
        """Put together the answer to this call, whose turn has come.

        Args:
            ticket: Of the queue of its chat.
            space: The notebook's namespace, in which the reply, and a new chat, are bound.
        """
        place = self.place(ticket)
        before = {**(self.chat.options if self.chat else {}), **place.options()}
        options = Options.of({**before, **self.given})
        filled = Filled(self.prompt) if options.raw else fill_in(self.prompt, self.names)
        shown = Shown(self.name, space, notes=filled.notes)
        if self.variable and self.variable not in self.names:
            shown = replace(shown, on_start=partial(space.__setitem__, self.variable, self.chat))
        return shown.answer(filled.text, options, place)


@dataclass(frozen=True)
class Shown:
    """An answer that is shown where the cell runs and bound to a name.

    Attributes:
        name: The variable for the reply.
        space: The notebook's namespace.
        bind_also: Called with the reply once it is bound.
        on_start: Called once the answer is admitted.
        notes: Sentences to show under it.
    """

    name: str
    space: dict[str, Any]
    bind_also: Callable[[Reply], None] = lambda reply: None
    on_start: Callable[[], object] = lambda: None
    notes: tuple[str, ...] = ()

    def answer(self, prompt: str | Beginning, options: Options, place: Place) -> Answer:
        """Put the answer together.

        Raises:
            OptionError: The prompt, an option or the name cannot be used.
            CredentialsError: The key cannot be sent as it is.
        """
        from ..running.answer import Answer, Stage
        from ..running.views import view_here

        stage = Stage(
            view=lambda: view_here(self.name, options),
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
        line: What follows the magic's name.
        cell: The body of a cell magic; None for a line magic.
        names: What ``{{ expressions }}`` see.

    Raises:
        OptionError: An option or a name cannot be used.
    """
    name, given, prompt = _line(line) if cell is None else (*_head(line), cell)
    if "chat" not in given:
        return Call(name, given, prompt, names, "", None)
    variable = check_name(given.pop("chat") or DEFAULT_CHAT, OTHER_CHAT)
    if variable == name:
        msg = f"{name!r} cannot hold the chat and the reply; give --chat another name."
        raise OptionError(msg)
    return Call(name, given, prompt, names, variable, find_chat(variable, names))


def _line(line: str) -> tuple[str, dict[str, Any], str]:
    """Return NAME, options and prompt of a `%claude` line."""
    read = read_line(line)
    return DEFAULT_NAME, read.given, read.rest


def _head(line: str) -> tuple[str, dict[str, Any]]:
    """Return NAME and options of a `%%claude` line, in either order."""
    before = read_line(line)
    name, *after = before.rest.split(maxsplit=1) or [""]
    read = read_line("".join(after))
    if read.rest:
        msg = f"there is {read.rest!r} after the name {name!r}; write the prompt below the line."
        raise OptionError(msg)
    return check_name(name or DEFAULT_NAME), {**before.given, **read.given}
