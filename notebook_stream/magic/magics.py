"""The magics `%claude`, `%%claude` and `%claude_…`, and how they are loaded into IPython."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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

from .. import host
from ..conversation import queue
from ..conversation.place import Place
from ..errors import CredentialsError, OptionError
from ..request.options import Options, settings
from ..request.table import SETTINGS, manual
from ..running.imports import preload
from ..running.ongoing import VARIABLE
from . import cells
from .calls import DEFAULT_NAME, Call, Target, read_call
from .names import check_name, find_chats, find_cut_answer
from .stopping import stop_answers
from .traits import trait_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from ..chat import Chats
    from ..ledger.usage import Ledger
    from ..running.pending import PendingAnswer
    from ..values.reply import Reply


@magics_class
class ClaudeMagics(Magics):
    """Claude in a cell. These settings hold where a call does not give the option."""

    # `vars()` is the namespace of the class here: each setting of the table becomes a trait of it.
    vars().update({name: trait_of(setting) for name, setting in SETTINGS.items()})

    demo: bool
    shell: InteractiveShell
    restore_semicolons: Callable[[], None]

    def __init__(self, shell: InteractiveShell, **settings_given: Any) -> None:
        configured = shell.config.get("ClaudeMagics", {}) if shell.config else {}
        current = {name: value for name, value in vars(settings).items() if name not in configured}
        super().__init__(shell=shell, **{**current, **settings_given})
        self.running = host.RunningCells(shell)
        self.transformer = cells.make_awaiting(lambda: host.may_await(shell, self.running))
        self.observe(lambda change: self._apply(), names=list(SETTINGS))
        self._apply()

    def _apply(self) -> None:
        """Copy the traits into the settings of the process."""
        for name in SETTINGS:
            setattr(settings, name, getattr(self, name))

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    def claude(
        self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None
    ) -> Reply | PendingAnswer | None:
        """Ask Claude; the answer streams into the cell and stays in a variable."""
        with _mistakes_in_one_line():
            call = read_call(line, cell, {**self.shell.user_ns, **(local_ns or {})})
            answer = call.begin(self.shell.user_ns) if call.goes_on() else self._block(call)
        return None if cell is not None else answer

    async def claude_async(
        self, line: str, cell: str | None = None
    ) -> Reply | PendingAnswer | None:
        """Do what `claude` does, awaited: transformed cells call it (`cells.ASYNC_MAGIC`)."""
        with _mistakes_in_one_line():
            call = read_call(line, cell, self.shell.user_ns)
            answer = call.begin(self.shell.user_ns) if call.goes_on() else await self._wait(call)
        return None if cell is not None else answer

    def _block(self, call: Call) -> Reply:
        from ..running.waiting import block

        with call.join() as ticket:
            ticket.wait()
            return block(call.answer_in_cell(ticket, self.shell.user_ns))

    async def _wait(self, call: Call) -> Reply:
        from ..running import waiting

        make_interruption = queue.make_interruption
        with call.join() as ticket:
            try:
                await ticket.wait_async()
                answer = call.answer_in_cell(ticket, self.shell.user_ns)
                make_interruption = partial(waiting.make_interruption, answer)
                return await waiting.wait(answer)
            except asyncio.CancelledError:
                raise make_interruption() from None

    def _stop_earlier(self, info: Any) -> None:
        """Stop what an earlier run of the cell that runs now has begun in the background."""
        if (ongoing := self.shell.user_ns.get(VARIABLE)) is not None:
            ongoing.stop_earlier(host.cell())

    @line_magic
    def claude_stop(self, line: str) -> None:
        """Stop answers in the background: `%claude_stop [NAME | all]`; what came stays."""
        with _mistakes_in_one_line():
            print(stop_answers(line.strip(), self.shell.user_ns))  # noqa: T201 - the magic's output

    @line_magic
    def claude_continue(self, line: str) -> None:
        """Continue an answer that was cut and that NAME holds: `%claude_continue [NAME]`.

        The part that came is sent as the start of the answer, which models up to Claude 4.5 take.
        """
        from ..conversation.conversation import replace_reply
        from ..request.body import Beginning
        from ..running.waiting import block

        with _mistakes_in_one_line():
            name = check_name(line.strip() or DEFAULT_NAME)
            begun = find_cut_answer(name, self.shell.user_ns)
            options = Options.of({"model": begun.model})
            target = Target(name, self.shell.user_ns, partial(replace_reply, begun))
            block(target.make_answer(Beginning(begun), options, Place(begun.chat or "")))

    @line_magic
    def claude_chats(self, line: str) -> Chats:
        """Show the chats of this notebook: variable, name, last prompt, turns."""
        from ..chat import Chats

        return Chats(find_chats(self.shell.user_ns))

    @line_magic
    def claude_usage(self, line: str) -> Ledger:
        """Show what this session has used: requests, tokens, cost and time, by chat and model.

        The value is a copy, which later answers do not change.
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
        print(f"Demo mode is {on if self.demo else 'off: answers come from Claude'}.")  # noqa: T201 - the magic's output


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
        "",
        "  %%claude report --background",
        "  Summarize this in ten pages: {{ text }}",
    ]
)


@contextmanager
def _mistakes_in_one_line() -> Iterator[None]:
    """Turn a mistake for which nothing was sent into an error that IPython shows in one line.

    Raises:
        UsageError: The block raised an OptionError or a CredentialsError without a reply.
    """
    try:
        yield
    except (OptionError, CredentialsError) as error:
        if error.reply is not None:
            raise
        raise UsageError(str(error)) from None


def load(shell: InteractiveShell) -> None:
    """Register the magics and the transformers, and begin to import the SDK on a thread."""
    magics = ClaudeMagics(shell, parent=shell)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.insert(0, cells.quote_cell)
    shell.input_transformers_cleanup.append(cells.keep_raw)
    shell.input_transformers_post.append(magics.transformer)
    magics.running.watch()
    shell.events.register("pre_run_cell", magics._stop_earlier)
    magics.restore_semicolons = host.find_semicolons_in_any_text()
    host.watch_channel()
    preload()


def unload(shell: InteractiveShell) -> None:
    """Undo what `load` did."""
    magics = shell.magics_manager.registry.pop("ClaudeMagics")
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
    shell.configurables.remove(magics)
    shell.input_transformers_cleanup.remove(cells.quote_cell)
    shell.input_transformers_cleanup.remove(cells.keep_raw)
    shell.input_transformers_post.remove(magics.transformer)
    magics.running.unwatch()
    shell.events.unregister("pre_run_cell", magics._stop_earlier)
    magics.restore_semicolons()
    host.unwatch_channel()
