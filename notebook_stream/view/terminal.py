"""Show an answer in a terminal: its text as it comes, its footer on a line below."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TextIO

from ..stdio import to_printable
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from . import NoView
from .static import footer, has_output, sentences


class TerminalView(NoView):
    """Writes the text as it comes.

    Args:
        details: The stream for footer and notes; None writes them after the text.
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
        """Write what has come since the last call."""
        parts = draft.parts[self._parts :]
        self._parts += len(parts)
        self._write("".join(parts))
        return False

    def wait(self, words: str) -> None:
        """Write what the answer waits for, on a line of its own."""
        if words:
            self._write_details([words])

    def _write(self, text: str) -> None:
        """Write some of the answer.

        Raises:
            BrokenPipeError: It cannot be written; `close` raises the reason.
        """
        self._taken += len(text)
        shown = to_printable(text, sys.stdout)
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
        """Prepare the rest of the text and the lines below it."""
        self._rest = reply[self._taken :]
        self._below = [*notes, *sentences(reply), footer(reply)] if has_output(reply) else []

    def close(self) -> None:
        """Write the rest, end its line, and write the lines below it, dim in a terminal.

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
        """Write lines that are no part of the answer; an error of the stream is ignored."""
        out = self._details or sys.stdout
        text = "\n".join(to_printable(line, out) for line in lines)
        with suppress(OSError):
            out.write(f"\x1b[2m{text}\x1b[0m\n" if out.isatty() else f"{text}\n")
            out.flush()
