"""The terminal's command: `notebook-stream demo`, `ask` and `usage`."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import ClaudeError, CredentialsError, OptionError
from .options import TABLE, Options
from .usage import Sum

INTERRUPTED = 130
FAILED = 1
MISUSED = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0, 1 where the answer failed, 2 for a mistake, 130 for Ctrl-C.
    """
    given = vars(_parser().parse_args(arguments))
    try:
        return int(given.pop("run")(**given))
    except (OptionError, CredentialsError) as error:
        sys.stderr.write(f"notebook-stream: {error}\n")
        return MISUSED
    except ClaudeError as error:
        sys.stderr.write(f"notebook-stream: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # What is left in the buffer has nowhere to go; Python's manual, "Note on SIGPIPE".
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="notebook-stream", description="Claude, streamed.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="open the quick start in JupyterLab, with no key")
    demo.add_argument("--no-browser", action="store_true", help="print the address instead")
    demo.add_argument(
        "--folder",
        type=Path,
        default=Path("notebook_stream_demo"),
        help="where your copy of the notebook goes (default: ./notebook_stream_demo)",
    )
    demo.set_defaults(run=_demo)
    ask = commands.add_parser("ask", help="print an answer as it is written")
    ask.add_argument("prompt")
    for option in TABLE:
        if option.metavar and option.name != "chat":  # one question makes none
            ask.add_argument(*option.flags, metavar=option.metavar, help=option.text)
    ask.set_defaults(run=_ask)
    usage = commands.add_parser("usage", help="sum what saved notebooks say of their answers")
    usage.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="notebooks or folders")
    form = usage.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const="json")
    form.add_argument("--csv", dest="form", action="store_const", const="csv")
    usage.set_defaults(run=_usage)
    return parser


def _usage(paths: list[Path], form: str | None) -> int:
    from .saved import ledger_of

    ledger = ledger_of(paths)
    if form == "json":
        sys.stdout.write(json.dumps(ledger.records(), indent=2) + "\n")
    elif form == "csv":
        columns = [*ledger.names, *(one.name for one in fields(Sum))]
        writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ledger.records())
    else:
        sys.stdout.write(f"{ledger!r}\n")
    return 0


def _ask(prompt: str, **given: Any) -> int:
    from .answering import Answer
    from .view.terminal import TerminalView

    reply = Answer(prompt, Options.of(given), view=lambda: TerminalView(sys.stderr)).block()
    return FAILED if reply.stop_reason == "stopped" else 0  # nobody read on


def _demo(*, no_browser: bool, folder: Path) -> int:
    if not find_spec("jupyterlab"):
        msg = "JupyterLab is not installed; run: pip install 'notebook_stream[lab]'"
        raise OptionError(msg)
    notebook = _own_copy(folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{notebook.name}")
    if no_browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    sys.stderr.write(f"Your copy of the quick start: {notebook}\n")
    os.environ["NOTEBOOK_STREAM_DEMO"] = "1"
    return _become(command)


def _become(command: list[str]) -> int:
    """Run the command in this process's place, so that Ctrl-C and signals reach it alone."""
    if os.name == "posix":
        sys.stderr.flush()
        os.execv(command[0], command)  # noqa: S606 - our own words
    return subprocess.run(command, check=False).returncode  # noqa: S603 - our own words


def _own_copy(folder: Path) -> Path:
    """The person's own quick start: made once, never overwritten."""
    shipped = _notebooks()
    folder.mkdir(parents=True, exist_ok=True)
    for source in shipped.glob("*.ipynb"):
        if not (folder / source.name).exists():
            shutil.copy(source, folder)
    return (folder / "quickstart.ipynb").resolve()


def _notebooks() -> Path:
    """The notebooks that ship with the package; in a checkout, those beside it."""
    here = Path(__file__).parent
    installed = here / "demo" / "notebooks"
    return installed if installed.is_dir() else here.parent / "notebooks"
