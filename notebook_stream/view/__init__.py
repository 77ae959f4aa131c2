"""What is on the screen: a live view while the answer grows, a static output at the end."""

from __future__ import annotations

from typing import Any, Protocol

from ..values.draft import AnswerDraft
from ..values.reply import Reply


class View(Protocol):
    """Shows one answer.

    `open` and `close` are called where the cell runs, the others on the background thread, `paint`
    at most 25 times a second.

    Attributes:
        widget: What pages send messages to; None where there is none.
        shows: Whether a person sees it.
        kept: Whether a page goes on to show it after the end.
    """

    widget: Any
    shows: bool
    kept: bool

    def open(self) -> None:
        """Appear: before anything is sent."""

    def paint(self, draft: AnswerDraft) -> bool:
        """Show what has come since the last call; True where some is left for the next.

        Raises:
            BrokenPipeError: Nothing can be shown any more, so that no more need come.
        """

    def wait(self, words: str) -> None:
        """Say what is waited for before the first event; "" for the first event itself."""

    def hear(self, message: dict[str, Any]) -> None:
        """A page says something: that it shows the view, or that it was loaded."""

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make the end ready: the reply, and what else there is to say. It may take its time."""

    def close(self) -> None:
        """Show the end."""


class NoView:
    """Shows nothing: a script reads the reply itself."""

    widget: Any = None
    shows = False
    kept = False

    def hear(self, message: dict[str, Any]) -> None:
        """No page shows it."""

    def wait(self, words: str) -> None:
        """Show nothing."""

    def open(self) -> None:
        """Show nothing."""

    def paint(self, draft: AnswerDraft) -> bool:
        """Show nothing."""
        return False

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make nothing ready."""

    def close(self) -> None:
        """Show nothing."""
