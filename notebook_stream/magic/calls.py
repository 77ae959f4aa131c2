"""A call of the magic: read its line and body, and make the answer to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
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
    from ..running.observers import Observer
    from ..running.pending import PendingAnswer
    from ..values.reply import Reply
    from ..view import View

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
        in_background: Whether the cell does not wait for the answer.
    """

    name: str
    given: Mapping[str, Any]
    prompt: str
    names: Mapping[str, Any]
    variable: str
    chat: Chat | None
    cell: Cell | None = field(default_factory=host.cell)
    in_background: bool = False

    def join(self) -> Ticket:
        """Join the queue of the chat; without a chat, a queue of its own, which is empty."""
        return PromptQueue().join() if self.chat is None else self.chat.join()

    def find_place(self, ticket: Ticket) -> Place:
        """Return the place of the prompt in its chat, now that its turn has come."""
        if self.chat is None:
            return Place()
        lasting = {option: self.given[option] for option in LASTING if option in self.given}
        return replace(self.chat.place(self.cell, ticket.leave), lasting=lasting)

    @cached_property
    def filled(self) -> Filled:
        """The prompt with the values of its ``{{ expressions }}``, which are evaluated once."""
        before = self.chat.options if self.chat else {}
        is_raw = {**before, **self.given}.get("raw")
        return Filled(self.prompt) if is_raw else fill_in(self.prompt, self.names)

    def target(self, space: dict[str, Any]) -> Target:
        """Return where the answer goes: the namespace gets the reply, and a new chat.

        Raises:
            OptionError: The name holds something that must not be replaced.
            KeyboardInterrupt: It was interrupted while ``{{ expressions }}`` were evaluated.
        """
        notes = (*note_replaced(self.name, space), *self.filled.notes)
        return Target(self.name, space, notes=notes, on_start=partial(self._bind_chat, space))

    def _bind_chat(self, space: dict[str, Any]) -> None:
        if self.variable and self.variable not in self.names:
            space[self.variable] = self.chat

    def make_answer(self, ticket: Ticket, find_target: Callable[[], Target]) -> Answer:
        """Make the answer to this call, whose turn has come.

        Args:
            ticket: The ticket of the call in the queue of its chat.
            find_target: Returns where the answer goes, once the options are checked.

        Raises:
            OptionError: The prompt, an option or the name cannot be used.
            CredentialsError: The key cannot be sent as it is.
            KeyboardInterrupt: It was interrupted while ``{{ expressions }}`` were evaluated.
        """
        place = self.find_place(ticket)
        before = {**(self.chat.options if self.chat else {}), **place.options()}
        options = Options.of({**before, **self.given})
        return find_target().make_answer(self.filled.text, options, place)

    def answer_in_cell(self, ticket: Ticket, space: dict[str, Any]) -> Answer:
        """Make the answer that the cell waits for; as `make_answer`."""
        return self.make_answer(ticket, partial(self.target, space))

    def goes_on(self) -> bool:
        """Return whether the answer goes on when its cell has ended."""
        from ..running.detached import can_detach

        return self.in_background and can_detach()

    def begin(self, space: dict[str, Any]) -> PendingAnswer:
        """Begin the answer in the background, bound to the name until the reply is.

        The reply is bound only where the name still holds the answer then: a value that the user
        has put there meanwhile remains, and a namespace that was reset remains empty.

        Raises:
            OptionError: The prompt, an option or the name cannot be used; nothing changes.
            CredentialsError: The key cannot be sent as it is.
        """
        from ..running.detached import detach

        pending: PendingAnswer | None = None

        def bind(answer: PendingAnswer) -> None:
            nonlocal pending
            pending = answer
            self._bind_chat(space)
            space[self.name] = answer

        @cache
        def find_target() -> Target:
            return replace(
                self.target(space),
                on_start=lambda: None,  # The chat is bound before the cell ends.
                may_bind=lambda: space.get(self.name) is pending,
            )

        def make(
            ticket: Ticket, view: Callable[[Options], View], observers: Sequence[Observer]
        ) -> Answer:
            return self.make_answer(
                ticket, lambda: replace(find_target(), view=view, observers=observers)
            )

        return detach(self.join(), make, again=self.chat is not None, name=self.name, bind=bind)


@dataclass(frozen=True)
class Target:
    """Where an answer goes: a view, by default the output of the cell that runs, and a variable.

    Attributes:
        name: The variable for the reply.
        space: The namespace of the notebook.
        bind_also: The function that is called with the reply after it was bound.
        on_start: The function that is called when nothing prevents that the request is sent.
        notes: Sentences to show below the answer.
        may_bind: The function that returns whether the variable may be bound.
        view: Makes the view by the options of the call; None for that of the cell.
        observers: Who else watches the answer.
    """

    name: str
    space: dict[str, Any]
    bind_also: Callable[[Reply], None] = lambda reply: None
    on_start: Callable[[], object] = lambda: None
    notes: tuple[str, ...] = ()
    may_bind: Callable[[], bool] = lambda: True
    view: Callable[[Options], View] | None = None
    observers: Sequence[Observer] = ()

    def make_answer(self, prompt: str | Beginning, options: Options, place: Place) -> Answer:
        """Make the answer that is shown and bound here.

        Raises:
            OptionError: The prompt or an option cannot be used.
            CredentialsError: The key cannot be sent as it is.
        """
        from ..running.answer import Answer, Stage
        from ..running.views import view_here

        stage = Stage(
            view=self.view or partial(view_here, self.name),
            bind=self._bind,
            on_start=self.on_start,
            notes=self.notes,
            go_on=f"%claude_continue {self.name}",
        )
        return Answer(prompt, options, place=place, stage=stage, observers=self.observers)

    def _bind(self, reply: Reply) -> None:
        if self.may_bind():
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
    in_background = bool(given.pop("background", False))
    if "chat" not in given:
        return Call(name, given, prompt, names, "", None, in_background=in_background)
    variable = check_name(given.pop("chat") or DEFAULT_CHAT, OTHER_CHAT)
    if variable == name:
        msg = f"{name!r} cannot hold the chat and the reply; give --chat another name."
        raise OptionError(msg)
    chat = find_chat(variable, names)
    return Call(name, given, prompt, names, variable, chat, in_background=in_background)


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
