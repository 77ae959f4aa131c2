"""Show an answer: live while it grows, and as a static output at the end."""

from __future__ import annotations

from typing import Any, Protocol

from ..values.draft import AnswerDraft
from ..values.reply import Reply


class View(Protocol):
    """Shows one answer.

    `open` and `close` are called where the cell runs, the others on other threads, `paint` at most
    25 times a second. `receive` may be called at any time after `open`, also during the others.

    Attributes:
        widget: The widget that receives the messages of pages; None where there is none.
        shows: Whether a person sees the answer.
        stays: Whether a page goes on to show the widget after the end; final once `close` returns.
    """

    widget: Any
    shows: bool
    stays: bool

    def open(self) -> None:
        """Appear, before anything is sent; a second call does nothing."""

    def paint(self, draft: AnswerDraft) -> bool:
        """Show what has come since the last call.

        Returns:
            Whether some of it is left for the next call.

        Raises:
            BrokenPipeError: Nothing can be shown any more, so that no more need come.
        """

    def wait(self, words: str) -> None:
        """Show what the answer waits for before its first event; "" for that event itself."""

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message of a page: that it shows the view, or that it was loaded."""

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Prepare the end, which may take seconds.

        Args:
            reply: The answer.
            notes: Sentences to show under it.
        """

    def close(self) -> None:
        """Show the end."""

    def refuse(self, sentence: str) -> None:
        """Show why the answer was not sent, and close; of a view that is open at that time."""


class NoView:
    """Shows nothing; a script reads the reply itself."""

    widget: Any = None
    shows = False
    stays = False

    def open(self) -> None:
        """Show nothing."""

    def paint(self, draft: AnswerDraft) -> bool:
        """Show nothing."""
        return False

    def wait(self, words: str) -> None:
        """Show nothing."""

    def receive(self, message: dict[str, Any]) -> None:
        """Ignore the message: no page shows this view."""

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Prepare nothing."""

    def close(self) -> None:
        """Show nothing."""

    def refuse(self, sentence: str) -> None:
        """Show nothing."""
