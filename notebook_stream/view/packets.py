"""The HTML of a live view on its way to the pages that show it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from ..text.slices import split_slices
from .rendering import Step

RESEND_SECONDS = 0.1
"""The seconds after which all is sent again to a page that is silent; doubled each time."""


def deflate(html: Sequence[str]) -> bytes:
    """Return HTML as deflated JSON, about a fifth of its size."""
    deflating = zlib.compressobj(1)
    parts = [deflating.compress(part.encode(errors="replace")) for part in _write_json(html)]
    return b"".join([*parts, deflating.flush()])


def _write_json(texts: Sequence[str]) -> Iterator[str]:
    """Yield the JSON of a list of texts in parts: the encoder holds the interpreter lock."""
    yield "["
    for n, text in enumerate(texts):
        yield ', "' if n else '"'
        yield from (json.dumps(part, ensure_ascii=False)[1:-1] for part in split_slices(text))
        yield '"'
    yield "]"


class Packets:
    """The packets of one view, and how many of them its pages have been sent.

    A packet is a deflated list of the HTML of finished blocks; packets are numbered from 0 and
    never change. The open block is a packet of its own, which is replaced each time.
    """

    def __init__(self) -> None:
        self._finished: list[bytes] = []
        self._sent = 0
        self._open = deflate([])
        self._open_is_sent = False
        self._resend_at = RESEND_SECONDS

    def add(self, step: Step) -> None:
        """Add the HTML of the blocks that were finished, and replace that of the open one."""
        if step.finished:
            self._finished.append(deflate(step.finished))
        self._open = deflate(step.open_block)
        self._open_is_sent = False

    def rewind(self, have: int) -> None:
        """Begin again after the first ``have`` packets, which the page has that has the fewest."""
        self._sent = max(0, min(self._sent, have))
        self.resend_open()

    def resend_to_silent_page(self, seconds: float) -> None:
        """Send everything again, while no page has reported the view, at intervals that double.

        A page that opens after a message was sent does not get it.

        Args:
            seconds: Since the view was made.
        """
        if seconds >= self._resend_at:
            self._resend_at = 2 * seconds
            self.rewind(0)

    def resend_open(self) -> None:
        """Send the open block again, though it has not changed."""
        self._open_is_sent = False

    def pending(self) -> tuple[dict[str, Any], list[bytes]]:
        """Return what to send: the fields of the message that describe it, and the packets."""
        changed = [] if self._open_is_sent else [self._open]
        fields = {"kind": "paint", "at": self._sent, "open": bool(changed)}
        return fields, [*self._finished[self._sent :], *changed]

    def confirm(self) -> None:
        """Count all packets as sent."""
        self._sent = len(self._finished)
        self._open_is_sent = True
