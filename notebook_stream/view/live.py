"""The live view: a widget to which each finished Markdown block is sent once.

Messages to the page are ``{"kind": "paint", "at": n, "open": true, ...}`` with packets (deflated
JSON) as buffers: first the finished blocks from the n-th packet on, each packet a list of HTML
(HTML that begins with ``+`` belongs inside of the block before it); last, where it has changed, the
open block as ``[inside, after]``: the HTML inside of the last finished block, and that after it. A
page that lacks packets before the n-th answers ``{"kind": "hello", "have": m}``, and the next
message begins at m.

At the end the static output takes the place of the widget's output, so that no widget is left. Only
for a page that was loaded meanwhile the widget stays, as no update of an output reaches that page.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from ..values.draft import AnswerDraft
from ..values.reply import Reply
from .display import WidgetDisplay
from .header import Header
from .packets import Packets
from .rendering import Rendering, Step
from .static import Output, build_output, describe_end, timeline_of
from .timeline import Timeline

HERE = Path(__file__).parent
PATIENCE_SECONDS = 1.9
"""The seconds that a page has to report that it shows the view, before the fallback is shown."""


class LiveWidget(anywidget.AnyWidget):
    """The widget's model: what is known before the first event."""

    # Not the paths: anywidget 0.11 watches those files, and never frees a widget that does so.
    _esm = (HERE / "live.js").read_text(encoding="utf-8")
    _css = (HERE / "live.css").read_text(encoding="utf-8")

    model = traitlets.Unicode().tag(sync=True)
    recorded = traitlets.Bool().tag(sync=True)


class LiveView:
    """Shows an answer while it grows, in a front end that shows widgets.

    One thread at a time calls `open`, `paint`, `finish` and `close`; `receive` may run in another
    at any time. The lock protects all that the page sees: packets, fields, output, `stays`. It is
    never held while Markdown is rendered.

    Args:
        comm_id: The id of the widget's comm and of the output that shows it.
        name: The variable that will hold the reply; "" for none.
        model: The model that was asked for, shown until the API names its own.
        recorded: Whether the reply comes from a recording, which the header says.
        budget: The US dollars of this session, of which the header shows how many are spent.
    """

    shows = True

    def __init__(
        self, comm_id: str, name: str, model: str, *, recorded: bool, budget: float | None = None
    ) -> None:
        self._name = name
        self.widget = LiveWidget(model_id=comm_id, model=model, recorded=recorded)
        self._display = WidgetDisplay(self.widget, name)
        self._header = Header(recorded=recorded, budget=budget)
        self._rendering = Rendering()
        self._draft: AnswerDraft | None = None
        self._reply: Reply | None = None
        self._lock = threading.Lock()
        self._packets = Packets()
        self._fields: dict[str, Any] = {}
        self._describe_end: Callable[[bool], dict[str, Any]] = lambda _stays: {}
        self._output: Output | None = None
        self._is_shown = False
        self._is_closed = False
        self.stays = False

    def open(self) -> None:
        """Display the widget, with a fallback for front ends that cannot show it."""
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
            self.widget.send({"kind": "markdown", "text": self._text()})
            return
        with self._lock:
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
        self._header.wait(words)

    def paint(self, draft: AnswerDraft) -> bool:
        """Send the blocks that were finished since the last call, and the open one.

        Where they cannot be rendered, the header is sent alone, and the next call tries again with
        all that has come since the last that succeeded.
        """
        self._draft = draft
        self._add(self._rendering.advance(draft.blocks))
        fields = self._header.describe(draft)
        with self._lock:
            self._fields = fields
            if not self._is_shown:
                self._resend_or_fall_back()
            self._send()
        return self._rendering.timeline.has_more

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Build the static output, and end the view in the pages that show it."""
        self._reply = reply
        output = build_output(reply, notes, self._name, lambda: self._whole_timeline(reply))
        with self._lock:
            self._output = output
            self._describe_end = partial(describe_end, reply, notes)
            self._send()

    def close(self) -> None:
        """Put the static output in the widget's place, and close the widget unless it stays."""
        data, facts = (self._output.data(), self._output.metadata()) if self._output else ({}, {})
        self._display.replace(data, facts)
        if self._output:
            self._output.encoded.clear()  # The view may live on, in a page that was loaded.
        with self._lock:
            self._is_closed = not self.stays
            if self.stays:
                self._packets.resend_open()
                self._send()
        if self._is_closed:
            self.widget.layout.close()  # ipywidgets makes one for each widget, and never closes it.
            self.widget.close()

    def _add(self, step: Step | None) -> None:
        if step:
            with self._lock:
                self._packets.add(step)

    def _whole_timeline(self, reply: Reply) -> Timeline:
        """Return the timeline of the whole answer: this view's, unless the rest cannot be added."""
        if self._draft is None:
            return timeline_of(reply.blocks)
        for step in self._rendering.complete(self._draft.blocks):
            self._add(step)
        self._draft = None  # Of short deltas it takes many times the memory of the text.
        return timeline_of(reply.blocks) if self._rendering.failed else self._rendering.timeline

    def _text(self) -> str:
        draft = self._draft
        if self._reply is not None:
            return self._reply
        return draft.text if draft is not None else ""

    # With the lock held

    def _catch_up(self, have: int) -> None:
        """Send again what a page lacks that has the first ``have`` packets."""
        self._is_shown = True
        self._packets.rewind(have)
        if self._output:
            self._send()
        else:
            self._display.drop_fallback()

    def _send(self) -> None:
        fields, packets = self._packets.pending()
        self.widget.send({**fields, **self._fields, **self._describe_end(self.stays)}, packets)
        self._packets.confirm()

    def _resend_or_fall_back(self) -> None:
        """Send all again while no page has reported the view; then show the fallback."""
        seconds = self._header.seconds
        self._packets.resend_to_silent_page(seconds)
        if seconds >= PATIENCE_SECONDS:
            self._display.show_fallback()
