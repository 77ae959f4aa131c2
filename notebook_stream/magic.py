"""The magics: read the line and the namespace, run, bind the variable."""

from __future__ import annotations

import asyncio
import keyword
from collections.abc import Mapping
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

from . import background, cells, host
from .errors import CredentialsError, OptionError
from .options import Options, Settings, manual, read_line, settings
from .prompt import interpolate

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from .answering import Answer
    from .asking import Beginning
    from .reply import Reply
    from .usage import Ledger

DEFAULT_NAME = "claude_reply"


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
        answer = self._begin(line, cell, {**self.shell.user_ns, **(local_ns or {})})
        reply = answer.block()
        return None if cell is not None else reply

    async def awaited(self, line: str, cell: str | None = None) -> Reply | None:
        """What `%claude` and `%%claude` call where the cell awaits."""
        answer = self._begin(line, cell, self.shell.user_ns)
        try:
            reply = await answer.awaited()
        except asyncio.CancelledError:
            raise answer.interruption() from None
        return None if cell is not None else reply

    def _begin(self, line: str, cell: str | None, names: Mapping[str, Any]) -> Answer:
        try:
            return self._answer(line, cell, names)
        except (OptionError, CredentialsError) as error:
            raise UsageError(str(error)) from None

    def _answer(self, line: str, cell: str | None, names: Mapping[str, Any]) -> Answer:
        name, given, prompt = _line(line) if cell is None else (*_head(line), cell)
        options = Options.of(given)
        text = prompt if options.raw else interpolate(prompt, names)
        return self._answer_in(name, text, options, _replaced(name, self.shell.user_ns))

    def _answer_in(
        self, name: str, prompt: str | Beginning, options: Options, notes: tuple[str, ...] = ()
    ) -> Answer:
        """An answer that is shown here and bound to a name."""
        from .answering import Answer, view_here

        answer = Answer(
            prompt,
            options,
            view=lambda: view_here(name, options),
            bind=lambda reply: self.shell.user_ns.__setitem__(name, reply),
            notes=notes,
        )
        answer.go_on = f"%claude_continue {name}"
        return answer

    @line_magic
    def claude_continue(self, line: str) -> None:
        """Go on from an answer that was cut: `%claude_continue [NAME]`, NAME holding what came.

        What came is sent as the start of the answer, which models up to Claude 4.5 take.
        """
        from .asking import Beginning

        name = line.strip() or DEFAULT_NAME
        try:
            begun = _cut_answer(name, self.shell.user_ns)
            options = Options.of({"model": begun.model})
            answer = self._answer_in(name, Beginning(begun), options)
        except (OptionError, CredentialsError) as error:
            raise UsageError(str(error)) from None
        answer.block()

    @line_magic
    def claude_usage(self, line: str) -> Ledger:
        """Show what this session has used: requests, tokens, cost and time, by model."""
        from . import usage

        return usage.session

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
    ]
)


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
    return _identifier(name or DEFAULT_NAME), {**before.given, **read.given}


def _identifier(name: str) -> str:
    if name.isidentifier() and not keyword.iskeyword(name):
        return name
    msg = f"{name!r} cannot be the name of a variable; write a name such as %%claude answer."
    raise OptionError(msg)


def _cut_answer(name: str, names: Mapping[str, Any]) -> Reply:
    """The reply that a name holds, where there is more to come of it.

    Raises:
        OptionError: There is none, or it is whole.
    """
    from .reply import Reply

    reply = names.get(name)
    if not isinstance(reply, Reply) or reply.request is None:
        msg = f"{name!r} holds no answer of this session; name the variable of one that was cut."
        raise OptionError(msg)
    if reply.complete:
        msg = f"the answer in {name!r} is whole; ask something new with %%claude."
        raise OptionError(msg)
    return reply


def _replaced(name: str, names: Mapping[str, Any]) -> tuple[str, ...]:
    """What to say where NAME held something of the user's."""
    from .reply import Reply

    if name not in names or isinstance(names[name], Reply):
        return ()
    return (
        f"{name} held a value of type {type(names[name]).__name__}, which this reply replaced.",
    )


def load(shell: InteractiveShell) -> None:
    """Register magics and transformers, and begin to import what is slow."""
    magics = ClaudeMagics(shell, parent=shell)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(cells.keep_raw)
    shell.input_transformers_post.append(magics.transformer)
    magics.running.watch()
    host.hear_channel()
    background.preload()


def unload(shell: InteractiveShell) -> None:
    """Take back all that `load` did."""
    magics = shell.magics_manager.registry.pop("ClaudeMagics")
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.configurables.remove(magics)
    shell.input_transformers_cleanup.remove(cells.keep_raw)
    shell.input_transformers_post.remove(magics.transformer)
    magics.running.unwatch()
    host.unhear_channel()
