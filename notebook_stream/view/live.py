"""The live view under a cell: a widget to which each finished Markdown block is sent once (`Feed`).

At the end the static output takes the place of the widget's output, so that no widget is left. Only
for a page that was loaded meanwhile the widget stays, as no update of an output reaches that page.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..values.draft import AnswerDraft
from ..values.reply import Reply
from .display import WidgetDisplay
from .feed import Feed
from .header import Header
from .static import Output, build_output, describe_end, describe_refusal, refusal

HERE = Path(__file__).parent

# Not the paths: anywidget 0.11 watches those files, and never frees a widget that does so.
SCRIPT = (HERE / "live.js").read_text(encoding="utf-8")
STYLE = (HERE / "live.css").read_text(encoding="utf-8")

PATIENCE_SECONDS = 1.9
"""The seconds that a page has to report that it shows the view, before the fallback is shown."""


class LiveWidget(anywidget.AnyWidget):
    """The widget's model: what is known before the first event."""

    _esm = SCRIPT
    _css = STYLE

    model = traitlets.Unicode().tag(sync=True)
    recorded = traitlets.Bool().tag(sync=True)


class LiveView:
    """Shows an answer while it grows, in a front end that shows widgets.

    One thread at a time calls `open`, `paint`, `finish` and `close`; `receive` may run in another
    at any time. The lock of the feed protects all that the page sees: also output and `stays`.

    Args:
        comm_id: The id of the widget's comm and of the output that shows it.
        name: The variable that will hold the reply; "" for none.
        model: The model that was asked for, shown until the API names its own.
        recorded: Whether the reply comes from a recording, which the header says.
        budget: The US dollars of this session, of which the header shows how many are spent.
        alone: Whether nobody else shows the sentence of an error.
    """

    shows = True

    def __init__(
        self,
        comm_id: str,
        name: str,
        model: str,
        *,
        recorded: bool,
        budget: float | None = None,
        alone: bool = False,
    ) -> None:
        self._name = name
        self._is_alone = alone
        self._is_open = False
        self.widget = LiveWidget(model_id=comm_id, model=model, recorded=recorded)
        self._display = WidgetDisplay(self.widget, name)
        self._feed = Feed(self._send_to_pages, Header(recorded=recorded, budget=budget))
        self._describe_end: Callable[[bool], dict[str, Any]] = lambda _stays: {}
        self._output: Output | None = None
        self._is_shown = False
        self._is_closed = False
        self.stays = False

    def _send_to_pages(self, message: dict[str, Any], packets: list[bytes]) -> None:
        self.widget.send(message, packets)

    def open(self) -> None:
        """Display the widget once, with a fallback for front ends that cannot show it."""
        if not self._is_open:
            self._is_open = True
            self._display.show()

    def receive(self, message: dict[str, Any]) -> None:
        """Handle a message of a page.

        Args:
            message: Its ``kind`` is "hello" (the page shows the view and has ``have`` packets),
                "loaded" (the page was loaded), "unshown" (it cannot show the view) or "copy" (it
                asks for the Markdown).
        """
        kind = message.get("kind")
        if kind == "copy":
            self.widget.send({"kind": "markdown", "text": self._feed.text})
            return
        with self._feed.lock:
            if self._is_closed:
                return
            if kind == "loaded":
                self.stays = True
            elif kind == "unshown" and not self._output:
                self._display.show_fallback()
            elif kind == "hello":
                self._catch_up(int(message.get("have", 0)))

    def wait(self, words: str) -> None:
        """Show in the header what the answer waits for."""
        self._feed.header.wait(words)

    def paint(self, draft: AnswerDraft) -> bool:
        """Send the blocks that were finished since the last call, and the open one.

        Where they cannot be rendered, the header is sent alone, and the next call tries again with
        all that has come since the last that succeeded.
        """
        has_more = self._feed.render(draft)
        with self._feed.lock:
            if not self._is_shown:
                self._resend_or_fall_back()
            self._send()
        return has_more

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Build the static output, and end the view in the pages that show it."""
        shown = (*notes, *filter(None, [reply.error] * self._is_alone))
        output = build_output(reply, shown, self._name, lambda: self._feed.complete(reply))
        with self._feed.lock:
            self._output = output
            self._describe_end = partial(describe_end, reply, notes)
            self._send()

    def close(self) -> None:
        """Put the static output in the widget's place, and close the widget unless it stays."""
        data, facts = (self._output.data(), self._output.metadata()) if self._output else ({}, {})
        self._leave(data, facts)
        if self._output:
            self._output.encoded.clear()  # The view may live on, in a page that was loaded.

    def refuse(self, sentence: str) -> None:
        """Put the sentence in the widget's place, for an answer that was not sent."""
        self._describe_end = lambda _stays: describe_refusal(sentence)
        self._leave(refusal(sentence), {})

    def _leave(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        """Put an output in the widget's place, and close the widget unless it stays."""
        self._display.replace(data, metadata)
        with self._feed.lock:
            self._is_closed = not self.stays
            if self.stays:
                self._feed.packets.resend_open()
                self._send()
        if self._is_closed:
            self.widget.layout.close()  # ipywidgets makes one for each widget, and never closes it.
            self.widget.close()

    # With the lock held

    def _catch_up(self, have: int) -> None:
        """Send again what a page lacks that has the first ``have`` packets."""
        self._is_shown = True
        self._feed.packets.rewind(have)
        if self._output:
            self._send()
        else:
            self._display.drop_fallback()

    def _send(self) -> None:
        self._feed.send(self._describe_end(self.stays or self._is_alone))

    def _resend_or_fall_back(self) -> None:
        """Send all again while no page has reported the view; then show the fallback."""
        seconds = self._feed.header.seconds
        self._feed.packets.resend_to_silent_page(seconds)
        if seconds >= PATIENCE_SECONDS:
            self._display.show_fallback()
