"""The area of a widget in which answers are shown, one after the other, in any layout.

The messages to the page are those of `Feed`, with the number of the answer as ``answer``. A page
that shows the area says ``{"kind": "hello", "answer": n, "have": 0}`` and is sent all of the n-th
answer, whenever it was opened.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from ..values.draft import AnswerDraft
from ..values.reply import Reply
from .display import bundle_of
from .feed import Feed
from .header import Header
from .live import SCRIPT, STYLE
from .static import describe_end, describe_refusal


class AreaWidget(anywidget.AnyWidget):
    """The widget's model: which answer it shows, and what is known of it before its first event."""

    _esm = SCRIPT
    _css = STYLE

    shown = traitlets.Int(0).tag(sync=True)
    """The number of the answer that is shown, from 1; 0 for none."""

    model = traitlets.Unicode().tag(sync=True)
    recorded = traitlets.Bool().tag(sync=True)

    def _ipython_display_(self) -> None:
        """Display the widget in an output that can be replaced later, as its id is the model's."""
        from IPython.display import publish_display_data

        data, metadata = bundle_of(self)
        publish_display_data(  # type: ignore[no-untyped-call] # IPython's
            data, metadata, transient={"display_id": self.model_id}
        )


class AreaView:
    """Shows one answer in the pages of an area, and reports how it grows.

    Args:
        send: Sends a message with its buffers to the pages.
        number: The number of the answer.
        report: Called at each paint with the text and the phase so far.
        recorded: Whether the reply comes from a recording, which the header says.
        budget: The US dollars of this session, of which the header shows how many are spent.
        alone: Whether nobody else shows the sentence of an error.
    """

    widget: Any = None  # The area receives the messages of pages, for one answer after the other.
    shows = True
    stays = True

    def __init__(
        self,
        send: Callable[[dict[str, Any], list[bytes]], None],
        number: int,
        report: Callable[[str, str], None],
        *,
        recorded: bool,
        budget: float | None,
        alone: bool = True,
    ) -> None:
        self._is_alone = alone
        self._send_to_pages = send
        self._number = number
        self._report = report
        self._feed = Feed(self._send_numbered, Header(recorded=recorded, budget=budget))
        self._ending: dict[str, Any] = {}
        self._is_shown = False

    def _send_numbered(self, message: dict[str, Any], packets: list[bytes]) -> None:
        self._send_to_pages({**message, "answer": self._number}, packets)

    def open(self) -> None:
        """Appear: the area has changed to this answer already."""

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message of a page: "hello" (it has ``have`` packets), or "copy"."""
        if message.get("kind") == "copy":
            self._send_numbered({"kind": "markdown", "text": self._feed.text}, [])
        elif message.get("kind") == "hello":
            with self._feed.lock:
                self._is_shown = True
                self._feed.packets.rewind(int(message.get("have", 0)))
                if self._feed.has_begun or self._ending:
                    self._send()

    def wait(self, words: str) -> None:
        """Show in the header what the answer waits for."""
        self._feed.header.wait(words)

    def paint(self, draft: AnswerDraft) -> bool:
        """Send the blocks that were finished since the last call, and the open one."""
        has_more = self._feed.render(draft)
        with self._feed.lock:
            if not self._is_shown:
                self._feed.packets.resend_to_silent_page(self._feed.header.seconds)
            self._send()
        self._report(draft.text, draft.phase)
        return has_more

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Render the rest, and end the view in the pages that show it, whatever fails."""
        try:
            self._feed.complete(reply)
        finally:
            self._end(describe_end(reply, notes, self._is_alone))

    def refuse(self, sentence: str) -> None:
        """End the view of an answer that was not sent."""
        self._end(describe_refusal(sentence))

    def close(self) -> None:
        """Stay as it is."""

    def _end(self, ending: dict[str, Any]) -> None:
        with self._feed.lock:
            self._ending = ending
            self._send()

    def _send(self) -> None:
        """Send what is new, with the lock held."""
        self._feed.send(self._ending)


class OutputView(AreaView):
    """Shows an answer in an Output widget, where no update of an output is shown: its widget stays.

    Args:
        comm_id: The id of the widget's comm.
        model: The model that was asked for, shown until the API names its own.
        recorded: Whether the reply comes from a recording, which the header says.
        budget: The US dollars of this session, of which the header shows how many are spent.
        alone: Whether nobody else shows the sentence of an error.
    """

    def __init__(
        self,
        comm_id: str,
        model: str,
        *,
        recorded: bool,
        budget: float | None,
        alone: bool = False,
    ) -> None:
        self.widget = AreaWidget(model_id=comm_id, shown=1, model=model, recorded=recorded)
        self._is_open = False
        super().__init__(
            self.widget.send,
            1,
            lambda text, phase: None,
            recorded=recorded,
            budget=budget,
            alone=alone,
        )

    def open(self) -> None:
        """Display the widget, once."""
        if not self._is_open:
            self._is_open = True
            self.widget._ipython_display_()
