"""An answer in a terminal: its text as it comes, its footer on a line below."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TextIO

from ..stdio import printable
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from . import NoView
from .static import footer, has_output, sentences


class TerminalView(NoView):
    """Writes the text as it comes.

    Args:
        details: Where footer and notes go; with none, they follow the text.
    """

    shows = True

    def __init__(self, details: TextIO | None = None) -> None:
        self._details = details
        self._parts = self._taken = 0
        self._rest = ""
        self._ends = "\n"
        self._below: list[str] = []
        self._failure: OSError | None = None

    def paint(self, draft: AnswerDraft) -> bool:
        """Write what has come since."""
        parts = draft.parts[self._parts :]
        self._parts += len(parts)
        self._write("".join(parts))
        return False

    def wait(self, words: str) -> None:
        """Write what is waited for, below what is there."""
        if words:
            self._write_details([words])

    def _write(self, text: str) -> None:
        """Write some of the answer.

        Raises:
            BrokenPipeError: It cannot be written, now or before; `close` raises the reason.
        """
        self._taken += len(text)
        shown = printable(text, sys.stdout)
        if shown:
            self._print(shown)
            self._ends = shown[-1]

    def _print(self, shown: str) -> None:
        try:
            sys.stdout.write(shown)
            sys.stdout.flush()
        except OSError as error:
            self._failure = error
            raise BrokenPipeError from error

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make ready what is left and the lines below it; who raises an error tells it."""
        self._rest = reply[self._taken :]
        said = () if reply.error else sentences(reply)
        self._below = [*notes, *said, footer(reply)] if has_output(reply) else []

    def close(self) -> None:
        """End the line and write what is below the text, dim where the terminal can.

        Raises:
            OSError: Some of the text could not be written.
        """
        with suppress(BrokenPipeError):
            self._write_rest()
        if self._below:
            self._write_details(self._below)
        if self._failure:
            raise self._failure

    def _write_rest(self) -> None:
        if not self._failure:
            self._write(self._rest)
        if not self._failure and self._ends != "\n":
            self._write("\n")

    def _write_details(self, lines: list[str]) -> None:
        """Write lines that are no part of the answer: where that fails, the answer goes on."""
        out = self._details or sys.stdout
        text = "\n".join(printable(line, out) for line in lines)
        with suppress(OSError):
            out.write(f"\x1b[2m{text}\x1b[0m\n" if out.isatty() else f"{text}\n")
            out.flush()
