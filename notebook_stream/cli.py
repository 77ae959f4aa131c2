"""The command ``notebook-stream`` with its subcommands ``demo``, ``ask`` and ``usage``."""

from __future__ import annotations

import argparse
import csv
import errno
import io
import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from . import stdio
from .errors import ClaudeError, CredentialsError, OptionError
from .ledger.usage import Ledger, Sum
from .request.options import Options
from .request.table import FLAGGED, Option

if TYPE_CHECKING:
    from .values.reply import Reply

PROGRAM = stdio.PROGRAM

# The exit statuses, as `STATUSES` explains them.
WHOLE = 0
FAILED = 1
MISUSED = 2
CUT = 3
DECLINED = 4
INTERRUPTED = 130

STATUSES = """\
exit status:
  0    the answer is whole; the sum is printed
  1    it failed: the API was not reached, refused the request or broke off; the
       output cannot be written, or its reader left; a PATH cannot be read
  2    a mistake in what was typed, or no key: nothing was sent
  3    the answer was cut: by --max-tokens, a full context window, or a pause
  4    Claude declined to answer, or to go on
  130  interrupted with Ctrl-C; what came is printed"""

SOURCES = """\
The prompt is PROMPT, or what standard input holds; with both, PROMPT and then,
after a blank line, standard input, which is read where it is a file or a pipe:
  notebook-stream ask "Name three primes"
  git diff | notebook-stream ask "Review this:"
  notebook-stream ask - < prompt.txt
  notebook-stream ask "$line" < /dev/null      in a loop that reads lines
"""

SKIPPED = """\
What cannot be read as a notebook is named on standard error and left out of
the sum; a file that is given twice, by whatever name, counts once.
"""

EPILOG: dict[str, Any] = {
    "epilog": STATUSES,
    "formatter_class": argparse.RawDescriptionHelpFormatter,
}

ATTACHED = (
    "waiting for the end of standard input, which is read into the prompt; to ask without it, "
    "press Ctrl-C and add < /dev/null."
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status; `STATUSES`, which ``--help`` prints, lists them.
    """
    stdio.open_missing()
    try:
        with stdio.flushing_streams():
            return _run(arguments)
    except BrokenPipeError:
        return FAILED  # Whoever closed the pipe needs no message.
    except OSError as error:
        what = repr(error.filename) if error.filename else "standard output"
        stdio.print_error(f"{PROGRAM}: {what} cannot be used ({error.strerror or error}).")
        return FAILED


def _run(arguments: list[str] | None) -> int:
    """Parse the arguments and run the subcommand; print the message of a ClaudeError."""
    try:
        given = vars(_parser().parse_args(arguments))
        if sys.stdout is None:
            raise OSError(errno.EBADF, "it is closed")
        return int(given.pop("run")(**given))
    except ClaudeError as error:
        stdio.print_error(f"{PROGRAM}: {error}")
        return MISUSED if isinstance(error, OptionError | CredentialsError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Raises an OptionError for a mistake, where argparse prints its usage and exits."""

    def error(self, message: str) -> NoReturn:
        """Raise an OptionError, which `main` prints in one line."""
        msg = f"{message}; for help, type: {self.prog} --help"
        raise OptionError(msg)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="Claude, streamed.", **EPILOG)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _describe_demo(commands.add_parser("demo", help="open the quick start in JupyterLab, no key"))
    text = "print an answer as it is written"
    _describe_ask(commands.add_parser("ask", help=text, description=SOURCES, **EPILOG))
    text = "sum what saved notebooks say of their answers"
    _describe_usage(commands.add_parser("usage", help=text, description=SKIPPED, **EPILOG))
    return parser


def _describe_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("--no-browser", action="store_true", help="print the address instead")
    demo.add_argument(
        "--folder",
        type=Path,
        default=Path("notebook_stream_demo"),
        help="where your copy of the notebook goes (default: ./notebook_stream_demo)",
    )
    demo.set_defaults(run=_demo)


def _describe_ask(ask: argparse.ArgumentParser) -> None:
    ask.add_argument(
        "prompt", nargs="?", metavar="PROMPT", help="what to ask; - for standard input"
    )
    for option in FLAGGED:
        if option.in_terminal:
            ask.add_argument(*option.flags, dest=option.name, help=option.text, **_value_of(option))
    ask.set_defaults(run=_ask)


def _value_of(option: Option) -> dict[str, Any]:
    """Return what argparse needs to know of an option's value: none, one, or one at most."""
    if not option.metavar:
        return {"action": "store_const", "const": True}
    name = option.metavar.strip("[]")
    return {"metavar": name, **({"nargs": "?", "const": ""} if name != option.metavar else {})}


def _describe_usage(usage: argparse.ArgumentParser) -> None:
    usage.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="notebooks or folders")
    form = usage.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json")
    form.add_argument("--csv", dest="form", action="store_const", const="csv")
    usage.set_defaults(run=_usage)


def _usage(paths: list[Path], form: str | None) -> int:
    """Print the usage that saved notebooks hold, as a table, as JSON or as CSV."""
    from .ledger.saved import ledger_of

    skipped: list[Path] = []

    def skip(path: Path, why: str) -> None:
        skipped.append(path)
        stdio.print_error(f"{PROGRAM}: skipped {str(path)!r}: {why}.")

    ledger = ledger_of(paths, skip)
    stdio.print_out(_render(ledger, form))
    return FAILED if any(path in paths for path in skipped) else WHOLE


def _render(ledger: Ledger, form: str | None) -> str:
    """Return a ledger as text: "json", "csv", or an aligned table for None."""
    if form == "json":
        return json.dumps(ledger.records(), indent=2, allow_nan=False) + "\n"
    if form == "csv":
        text = io.StringIO()
        columns = [*ledger.names, *(one.name for one in fields(Sum))]
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ledger.records())
        return text.getvalue()
    return f"{ledger!r}\n"


def _ask(prompt: str | None, **given: Any) -> int:
    """Print an answer to standard output as it comes, and its footer to standard error."""
    from .running.answer import Answer, Stage
    from .running.waiting import block
    from .view.terminal import TerminalView

    text = _read_prompt(prompt)
    stage = Stage(view=lambda _: TerminalView(sys.stderr))
    return _exit_status(block(Answer(text, Options.of(given), stage=stage)))


def _exit_status(reply: Reply) -> int:
    """Return the exit status for an answer that did not fail."""
    if reply.complete:
        return WHOLE
    return DECLINED if reply.stop_reason == "refusal" else CUT


def _read_prompt(argument: str | None) -> str:
    """Return the prompt: the argument, standard input, or both with a blank line between them.

    Raises:
        OptionError: There is none, or standard input is not text.
    """
    if argument is not None and argument != "-":
        attached = stdio.read_input(ATTACHED) if stdio.is_redirected() else ""
        return "\n\n".join(part for part in (argument, attached) if part.strip())
    if argument is None and not stdio.is_redirected():
        msg = 'there is no prompt; type: notebook-stream ask "Name three primes"'
        raise OptionError(msg)
    text = stdio.read_input("waiting for the end of standard input, which is the prompt.")
    if not text.strip():
        msg = "standard input holds no prompt; type: cat FILE | notebook-stream ask"
        raise OptionError(msg)
    return text


def _demo(*, no_browser: bool, folder: Path) -> int:
    """Open a copy of the quick start in JupyterLab, with the recorded replies switched on."""
    from .demo.opening import open_notebooks

    return open_notebooks(folder, browser=not no_browser)
