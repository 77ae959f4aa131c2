"""The magics: read the line and the namespace, run, bind the variable."""

from __future__ import annotations

import asyncio
import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import (
    Magics,
    line_cell_magic,
    line_magic,
    magics_class,
    needs_local_scope,
    no_var_expand,
)
from traitlets import Bool, Float, Int, Unicode

from .. import host
from ..conversation import queue as queueing
from ..conversation.place import Place
from ..errors import CredentialsError, OptionError
from ..prompt import Filled, fill_in
from ..request.options import Options, Settings, manual, read_line, settings
from ..running.imports import preload
from ..values.turn import Cell
from . import cells

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..chat import Chat, Chats
    from ..conversation.queue import Ticket
    from ..ledger.usage import Ledger
    from ..request.body import Beginning
    from ..running.answer import Answer
    from ..values.reply import Reply

DEFAULT_NAME = "claude_reply"
DEFAULT_CHAT = "claude_chat"
OTHER_CHAT = "write --chat trip, or --chat -- for the chat without a name"

LASTING = ("model", "system", "max_tokens")
"""The options of a chat's first turn that hold for the later ones."""


@dataclass(frozen=True)
class _Call:
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
        return queueing.PromptQueue().join() if self.chat is None else self.chat.join()

    def place(self, ticket: Ticket) -> Place:
        """Where it is asked, now that its turn has come."""
        if self.chat is None:
            return Place()
        lasting = {option: self.given[option] for option in LASTING if option in self.given}
        return replace(self.chat.place(self.cell, ticket.leave), lasting=lasting)


@magics_class
class ClaudeMagics(Magics):
    """Claude in a cell. These settings hold where a call does not say."""

    model = Unicode(
        settings.model, help="Model id, or opus, sonnet, haiku, fable: the newest of that line."
    ).tag(config=True)
    max_tokens = Int(settings.max_tokens, min=1, help="The most tokens to write.").tag(config=True)
    system = Unicode("", help="System prompt of every request; empty for none.").tag(config=True)
    timeout = Float(
        settings.timeout, min=1, help="Seconds without a byte after which an answer is given up."
    ).tag(config=True)
    max_retries = Int(
        settings.max_retries,
        min=0,
        help="How often to try again, before the first byte.",
    ).tag(config=True)
    budget = Float(
        settings.budget,
        allow_none=True,
        min=0,
        help="US dollars for this session; a request that may not be paid for is not sent.",
    ).tag(config=True)
    allow_unknown_price = Bool(
        settings.allow_unknown_price,
        help="Whether a budget lets models through whose price is unknown.",
    ).tag(config=True)
    demo = Bool(
        settings.demo, help="Answer from the recorded replies: no key, no network, no cost."
    ).tag(config=True)

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell, **settings_given: Any) -> None:
        configured = shell.config.get("ClaudeMagics", {}) if shell.config else {}
        kept = {name: value for name, value in vars(settings).items() if name not in configured}
        super().__init__(shell=shell, **{**kept, **settings_given})
        self.running = host.RunningCells(shell)
        self.transformer = cells.awaiting(lambda: host.may_await(shell, self.running))
        self.observe(lambda change: self._apply(), names=list(vars(Settings())))
        self._apply()

    def _apply(self) -> None:
        for name in vars(Settings()):
            setattr(settings, name, getattr(self, name))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def claude(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> Reply | None:
        """Ask Claude; the answer streams into the cell and stays in a variable."""
        call = self._read(line, cell, {**self.shell.user_ns, **(local_ns or {})})
        with _mistakes_in_one_line(), call.join() as ticket:
            ticket.wait()
            reply = self._answer(call, ticket).block()
        return None if cell is not None else reply

    async def awaited(self, line: str, cell: str | None = None) -> Reply | None:
        """What `%claude` and `%%claude` call where the cell awaits."""
        call = self._read(line, cell, self.shell.user_ns)
        interruption = queueing.interrupted
        with _mistakes_in_one_line(), call.join() as ticket:
            try:
                await ticket.waited()
                answer = self._answer(call, ticket)
                interruption = answer.interruption
                reply = await answer.awaited()
            except asyncio.CancelledError:
                raise interruption() from None
        return None if cell is not None else reply

    def _read(self, line: str, cell: str | None, names: Mapping[str, Any]) -> _Call:
        with _mistakes_in_one_line():
            name, given, prompt = _line(line) if cell is None else (*_head(line), cell)
            variable = ""
            if "chat" in given:
                variable = _variable(given.pop("chat") or DEFAULT_CHAT, OTHER_CHAT)
            if variable and variable == name:
                msg = f"{name!r} cannot hold the chat and the reply; give --chat another name."
                raise OptionError(msg)
            chat = _chat_of(variable, names) if variable else None
        return _Call(name, given, prompt, names, variable, chat)

    def _answer(self, call: _Call, ticket: Ticket) -> Answer:
        """The answer to a call whose turn has come; its chat is bound where there was none."""
        place = call.place(ticket)
        before = {**(call.chat.options if call.chat else {}), **place.options()}
        options = Options.of({**before, **call.given})
        filled = Filled(call.prompt) if options.raw else fill_in(call.prompt, call.names)
        answer = self._answer_in(call.name, filled.text, options, place)
        answer.notes = (*answer.notes, *filled.notes)
        if call.variable and call.variable not in call.names:
            answer.on_start = partial(self.shell.user_ns.__setitem__, call.variable, call.chat)
        return answer

    def _answer_in(
        self,
        name: str,
        prompt: str | Beginning,
        options: Options,
        place: Place,
        also: Callable[[Reply], None] = lambda reply: None,
    ) -> Answer:
        """An answer that is shown here and bound to a name; ``also`` is called with it then."""
        from ..running.answer import Answer, view_here

        notes = _replaced(name, self.shell.user_ns)

        def bind(reply: Reply) -> None:
            self.shell.user_ns[name] = reply
            also(reply)

        answer = Answer(
            prompt,
            options,
            view=lambda: view_here(name, options),
            place=place,
            bind=bind,
        )
        answer.notes = notes
        answer.go_on = f"%claude_continue {name}"
        return answer

    @line_magic
    def claude_continue(self, line: str) -> None:
        """Go on from an answer that was cut: `%claude_continue [NAME]`, NAME holding what came.

        What came is sent as the start of the answer, which models up to Claude 4.5 take.
        """
        from ..conversation.conversation import replace_reply
        from ..request.body import Beginning

        with _mistakes_in_one_line():
            name = _variable(line.strip() or DEFAULT_NAME)
            begun = _cut_answer(name, self.shell.user_ns)
            options = Options.of({"model": begun.model})
            place = Place(begun.chat or "")
            also = partial(replace_reply, begun)
            self._answer_in(name, Beginning(begun), options, place, also).block()

    @line_magic
    def claude_chats(self, line: str) -> Chats:
        """Show the chats of this notebook: variable, name, last prompt, turns."""
        from ..chat import Chats

        return Chats(_chats(self.shell.user_ns))

    @line_magic
    def claude_usage(self, line: str) -> Ledger:
        """Show what this session has used: requests, tokens, cost and time, by chat and model.

        What it gives stays as it is: later answers are in the next one.
        """
        from ..ledger import usage

        return usage.session.snapshot()

    @line_magic
    def claude_demo(self, line: str) -> None:
        """Answer from the recorded replies that ship with the package: `%claude_demo [on|off]`."""
        if line.strip() not in {"", "on", "off"}:
            msg = f"%claude_demo takes on or off, got {line.strip()!r}; write %claude_demo on."
            raise UsageError(msg)
        self.demo = line.strip() != "off"
        on = "on: every answer is a recorded reply, nothing is sent and nothing is spent"
        print(f"Demo mode is {on if self.demo else 'off: answers come from Claude'}.")  # noqa: T201 - its answer


ClaudeMagics.claude.__doc__ = "\n".join(
    [
        "Ask Claude; the answer streams into the cell and stays in a variable.",
        "",
        "  %%claude [NAME] [options]     the cell's body is the prompt; NAME gets the Reply",
        "  %claude [options] PROMPT      one line; its value is the Reply",
        "",
        "Options:",
        *manual(),
        "",
        f"Without NAME the Reply is in `{DEFAULT_NAME}`. %config ClaudeMagics shows the settings.",
        r"{{ expression }} in a prompt becomes its value; \{{ is a literal.",
        "",
        "Examples:",
        "  %%claude poem --model opus",
        "  Write a short poem about {{ topic }}.",
        "",
        "  primes = %claude Name three primes",
        "",
        "  %%claude where --chat trip --system 'You are a guide.'",
        "  Where do I begin in Lisbon?",
        "",
        "  %claude --chat trip And on a rainy day?",
    ]
)


@contextmanager
def _mistakes_in_one_line() -> Iterator[None]:
    """Have a mistake, for which nothing was sent, shown as IPython shows its own: in one line.

    Raises:
        UsageError: Of an OptionError or a CredentialsError that has no reply.
    """
    try:
        yield
    except (OptionError, CredentialsError) as error:
        if error.reply is not None:
            raise
        raise UsageError(str(error)) from None


def _line(line: str) -> tuple[str, dict[str, Any], str]:
    """NAME, options and prompt of a `%claude` line."""
    read = read_line(line)
    return DEFAULT_NAME, read.given, read.rest


def _head(line: str) -> tuple[str, dict[str, Any]]:
    """NAME and options of a `%%claude` line, in either order."""
    before = read_line(line)
    name, *after = before.rest.split(maxsplit=1) or [""]
    read = read_line("".join(after))
    if read.rest:
        msg = f"there is {read.rest!r} after the name {name!r}; write the prompt below the line."
        raise OptionError(msg)
    return _variable(name or DEFAULT_NAME), {**before.given, **read.given}


def _filled(prompt: str, options: Options, names: Mapping[str, Any]) -> Filled:
    return Filled(prompt) if options.raw else fill_in(prompt, names)


_RESERVED = frozenset(
    {*dir(builtins), "In", "Out", "display", "exit", "get_ipython", "quit", "_exit_code"}
)
_HISTORY = re.compile(r"_+|_i+|_i?\d+|_[dios]h|__\w+__")
"""IPython's names of inputs and outputs, and those that Python gives to modules."""


def _variable(name: str, remedy: str = "write a name such as %%claude answer") -> str:
    """The name as Python reads it: in NFKC.

    https://docs.python.org/3/reference/lexical_analysis.html#identifiers

    Raises:
        OptionError: It cannot be a variable, or it is one of Python's or IPython's own.
    """
    normal = unicodedata.normalize("NFKC", name)
    if not normal.isidentifier() or keyword.iskeyword(normal):
        msg = f"{name!r} cannot be the name of a variable; {remedy}."
        raise OptionError(msg)
    if normal in _RESERVED or _HISTORY.fullmatch(normal):
        msg = f"{name!r} is a name that Python or IPython uses itself; {remedy}."
        raise OptionError(msg)
    return normal


def _cut_answer(name: str, names: Mapping[str, Any]) -> Reply:
    """The reply that a name holds, where there is more to come of it.

    Raises:
        OptionError: There is none, or it is whole.
    """
    from ..values.reply import Reply

    reply = names.get(name)
    if not isinstance(reply, Reply) or reply.request is None:
        msg = f"{name!r} holds no answer of this session; name the variable of one that was cut."
        raise OptionError(msg)
    if reply.complete:
        msg = f"the answer in {name!r} is whole; ask something new with %%claude."
        raise OptionError(msg)
    return reply


def _chats(names: Mapping[str, Any]) -> dict[str, Chat]:
    """The chats that variables hold; not IPython's own, such as ``_``."""
    from ..chat import Chat

    return {
        name: value
        for name, value in names.items()
        if issubclass(type(value), Chat) and not name.startswith("_")
    }


def _chat_of(variable: str, names: Mapping[str, Any]) -> Chat:
    """The chat in a variable; a new one where the name is free.

    Raises:
        OptionError: It holds something else.
    """
    from ..chat import Chat

    chat = names[variable] if variable in names else Chat(name=variable)
    if not isinstance(chat, Chat):
        msg = (
            f"{variable!r} holds a value of type {type(chat).__name__}, which is no chat; "
            "give --chat another name, or none."
        )
        raise OptionError(msg)
    chat.name = chat.name or variable
    return chat


def _replaced(name: str, names: Mapping[str, Any]) -> tuple[str, ...]:
    """What to say where NAME held something of the user's.

    Raises:
        OptionError: It holds a chat, of which more would be lost than a value.
    """
    from ..values.reply import Reply

    if name not in names or isinstance(names[name], Reply):
        return ()
    if name in _chats({name: names[name]}):
        msg = f"{name!r} holds {names[name]!r}; write %%claude answer --chat {name} to ask in it."
        raise OptionError(msg)
    return (
        f"{name} held a value of type {type(names[name]).__name__}, which this reply replaced.",
    )


def load(shell: InteractiveShell) -> None:
    """Register magics and transformers, and begin to import what is slow."""
    magics = ClaudeMagics(shell, parent=shell)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.insert(0, cells.quote_cell)
    shell.input_transformers_cleanup.append(cells.keep_raw)
    shell.input_transformers_post.append(magics.transformer)
    magics.running.watch()
    host.watch_channel()
    preload()


def unload(shell: InteractiveShell) -> None:
    """Take back all that `load` did."""
    magics = shell.magics_manager.registry.pop("ClaudeMagics")
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.configurables.remove(magics)
    shell.input_transformers_cleanup.remove(cells.quote_cell)
    shell.input_transformers_cleanup.remove(cells.keep_raw)
    shell.input_transformers_post.remove(magics.transformer)
    magics.running.unwatch()
    host.unwatch_channel()
