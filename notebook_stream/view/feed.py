"""The messages of one answer to the pages that show it.

They are ``{"kind": "paint", "at": n, "open": true, ...}`` with packets (deflated JSON) as buffers:
first the finished blocks from the n-th packet on, each packet a list of HTML (HTML that begins with
``+`` belongs inside of the block before it); last, where it has changed, the open block as
``[inside, after]``: the HTML inside of the last finished block, and that after it. A page that
lacks packets before the n-th answers ``{"kind": "hello", "have": m}``, and the next message begins
at m.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ..values.block import Block
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from .header import Header
from .packets import Packets
from .rendering import Rendering, Step
from .static import timeline_of
from .timeline import Timeline


class Feed:
    """Renders an answer on its way, and sends what is new of it.

    The lock protects all that is sent. It is never held while Markdown is rendered.

    Args:
        send: Sends a message with its buffers to the pages.
        header: Computes the figures.
    """

    def __init__(self, send: Callable[[dict[str, Any], list[bytes]], None], header: Header) -> None:
        self.lock = threading.Lock()
        self.packets = Packets()
        self.header = header
        self._send = send
        self._rendering = Rendering()
        self._draft: AnswerDraft | None = None
        self._reply: Reply | None = None
        self._fields: dict[str, Any] = {}

    @property
    def text(self) -> str:
        """The text of the answer so far."""
        draft = self._draft
        if self._reply is not None:
            return self._reply
        return draft.text if draft is not None else ""

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._fields)

    def render(self, draft: AnswerDraft) -> bool:
        """Render what has come since the last call; returns whether some of it is left.

        Where it cannot be rendered, only the figures are new, and the next call tries again with
        all that has come since the last that succeeded.
        """
        self._draft = draft
        self._add(self._rendering.advance(draft.blocks))
        fields = self.header.describe(draft)
        with self.lock:
            self._fields = fields
        return self._rendering.timeline.has_more

    def complete(self, reply: Reply) -> Timeline:
        """Render the rest; returns the timeline of the whole answer, anew where that failed.

        An answer that has ended before the first paint is rendered as a whole.
        """
        self._reply = reply
        blocks = self._draft.blocks if self._draft else list(map(Block, reply.blocks))
        for step in self._rendering.complete(blocks):
            self._add(step)
        self._draft = None  # Of short deltas it takes many times the memory of the text.
        return timeline_of(reply.blocks) if self._rendering.failed else self._rendering.timeline

    def _add(self, step: Step | None) -> None:
        if step:
            with self.lock:
                self.packets.add(step)

    def send(self, more: dict[str, Any]) -> None:
        """Send what the pages have not been sent, with further fields; with the lock held."""
        fields, packets = self.packets.pending()
        self._send({**fields, **self._fields, **more}, packets)
        self.packets.confirm()
