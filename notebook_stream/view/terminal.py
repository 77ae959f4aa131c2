"""An answer in a terminal: its text as it comes, its footer on a line below."""

from __future__ import annotations

import sys
from typing import TextIO

from ..reply import Draft, Reply
from . import NoView
from .final import footer, has_output, sentences


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

    def paint(self, draft: Draft) -> bool:
        """Write what has come since."""
        parts = draft.parts[self._parts :]
        self._parts += len(parts)
        self._write("".join(parts))
        return False

    def wait(self, words: str) -> None:
        """Write what is waited for, below what is there."""
        if words:
            self._say([words])

    def _write(self, text: str) -> None:
        if text:
            self._taken += len(text)
            sys.stdout.write(text)
            sys.stdout.flush()
            self._ends = text[-1]

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make ready what is left and the lines below it; who raises an error tells it."""
        self._rest = reply[self._taken :]
        said = () if reply.error else sentences(reply)
        self._below = [*notes, *said, footer(reply)] if has_output(reply) else []

    def close(self) -> None:
        """End the line and write what is below the text, dim where the terminal can."""
        self._write(self._rest)
        if self._ends != "\n":
            self._write("\n")
        if self._below:
            self._say(self._below)

    def _say(self, lines: list[str]) -> None:
        out = self._details or sys.stdout
        text = "\n".join(lines)
        out.write(f"\x1b[2m{text}\x1b[0m\n" if out.isatty() else f"{text}\n")
        out.flush()
