"""The live view: one widget to which each finished Markdown block is sent once.

Messages to the browser are ``{"kind": "paint", "at": n, "open": true, ...}`` with packets: deflated
JSON. First the finished blocks from the n-th packet on, each packet a list of HTML (one that begins
with ``+`` is more of the block before it); last, where it has changed, the open block, which is
``[inside, after]``: more of the block before it, and what follows that. A page that lacks packets
before the n-th says ``{"kind": "hello", "have": m}``, and the next paint begins at m.

It ends by taking the place of its own output with the static one, so that no widget is left behind;
only a page that was loaded meanwhile keeps the widget, as no update of an output reaches it.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import publish_display_data, update_display

from ..ledger.usage import dollars, estimate_tokens, price, session
from ..values.reply import Draft, Reply
from .static import Output, build_output, footer, sentences, timeline_of
from .timeline import Timeline

HERE = Path(__file__).parent
PATIENCE_SECONDS = 1.9
"""For how long a page may be silent before it is taken for one that cannot show the view."""


class LiveWidget(anywidget.AnyWidget):
    """The widget's model: what is known before the first event."""

    # Not the paths: anywidget 0.11 watches those, and then holds every widget for ever.
    _esm = (HERE / "live.js").read_text(encoding="utf-8")
    _css = (HERE / "live.css").read_text(encoding="utf-8")

    model = traitlets.Unicode().tag(sync=True)
    recorded = traitlets.Bool().tag(sync=True)


def packed(html: Sequence[str]) -> bytes:
    """HTML on its way to a page, at a fifth of its size."""
    return zlib.compress(json.dumps(html, ensure_ascii=False).encode(errors="replace"), 1)


class LiveView:
    """Shows an answer while it grows, in a front end that shows widgets.

    Args:
        comm_id: Of the widget to make; the output has the same.
        name: The variable that will hold the reply.
        model: What the user asked for, until the API says its own name.
        recorded: Whether the reply comes from a recording, which the view then says.
        budget: US dollars for this session, of which the header shows what is spent; None for any.
    """

    shows = True

    def __init__(
        self, comm_id: str, name: str, model: str, *, recorded: bool, budget: float | None = None
    ) -> None:
        self._name = name
        self._budget = budget
        self.widget = LiveWidget(model_id=comm_id, model=model, recorded=recorded)
        self._timeline = Timeline()
        self._wait = ""
        self._packets: list[bytes] = []
        self._open = packed([])
        self._open_sent = False
        self._last: dict[str, Any] = {}
        self._output: Output | None = None
        self._draft: Draft | None = None
        self._intact = True
        self._first: float | None = None
        self._priced = 0.0
        self._so_far: str | None = None
        self._sent = 0
        self._is_shown = False
        self._has_fallback = False
        self._resend = time.monotonic() + 0.1
        self._opened = time.monotonic()
        self.stays = False

    def open(self) -> None:
        """Display the widget, with a static part for front ends that cannot show it."""
        publish_display_data(  # type: ignore[no-untyped-call] # IPython's
            self._live(), transient={"display_id": self.widget.model_id}
        )

    def _live(self) -> dict[str, Any]:
        view = self.widget._repr_mimebundle_()
        data = view[0] if isinstance(view, tuple) else view
        return {**(data or {}), **self._fallback("Claude is answering")}

    def _fallback(self, what: str) -> dict[str, Any]:
        where = f" Its text will be in `{self._name}`." if self._name else ""
        text = f"{what}; ■ (interrupt the kernel) stops it.{where}"
        return {"text/markdown": f"*{text}*", "text/plain": text.replace("`", "")}

    def receive(self, message: dict[str, Any]) -> None:
        """A page shows the view now, and has so many blocks; or it cannot; or it was loaded."""
        if message.get("kind") == "loaded":
            self.stays = True
        elif message.get("kind") == "unshown":
            self._show_fallback()
        elif message.get("kind") == "copy":
            self.widget.send({"kind": "markdown", "text": self._text()})
        elif message.get("kind") == "hello":
            self._catch_up(message)

    def wait(self, words: str) -> None:
        """Say it in the header."""
        self._wait = words[:1].upper() + words[1:]

    def _text(self) -> str:
        draft = self._draft
        if draft is None:
            return self._output.reply if self._output else ""
        return draft.text

    def _catch_up(self, message: dict[str, Any]) -> None:
        self._is_shown = True
        self._sent = min(self._sent, int(message.get("have", 0)))
        self._open_sent = False
        if self._has_fallback:
            self._has_fallback = False
            self._update(self._live())
        if self._output:
            self._send()

    def paint(self, draft: Draft) -> bool:
        """Send the blocks that were finished since, and the open one."""
        self._draft = draft
        self._take(draft, whole=False)
        counted = draft.usage.tokens("output_tokens") if draft.counted else None
        tokens = estimate_tokens(draft.written) if counted is None else counted
        now = time.monotonic()
        self._last = {
            "phase": draft.phase,
            "wait": self._wait if draft.phase == "waiting" else "",
            "model": draft.model,
            "tokens": tokens,
            "exact": draft.counted,
            "seconds": now - self._opened,
            "rate": self._rate(tokens, now),
            "cost": self._cost(draft, tokens, now),
        }
        if not self._is_shown:
            self._do_without_a_page()
        self._send()
        return self._timeline.has_more

    def _rate(self, tokens: int, now: float) -> int | None:
        """Tokens a second since the first one, once there is enough of both to say so."""
        if tokens and self._first is None:
            self._first = now
        took = now - self._first if self._first is not None else 0.0
        return round(tokens / took) if took > 0.5 else None

    def _cost(self, draft: Draft, tokens: int, now: float) -> str | None:
        """What it costs so far, looked up once a second."""
        if now >= self._priced + 1:
            self._priced = now
            cost = price(draft.model, {**draft.usage, "output_tokens": tokens})
            about = "" if draft.counted else "≈ "
            self._so_far = None if cost is None else f"{about}${dollars(cost)}"
            if self._budget is not None:
                spent = session.total.cost + (0 if self.widget.recorded else cost or 0)
                of = f"${dollars(spent)} of ${dollars(self._budget)} spent"
                self._so_far = f"{self._so_far} · {of}" if self._so_far else of
        return self._so_far

    def _take(self, draft: Draft, *, whole: bool) -> None:
        self._intact = False
        if self._timeline.take(draft.blocks, whole=whole):
            if finished := self._timeline.take_finished():
                self._packets.append(packed(finished))
            self._open = packed(self._timeline.render_open_block())
            self._open_sent = False
        self._intact = True

    def _send(self) -> None:
        at, self._sent = self._sent, len(self._packets)
        changed = [] if self._open_sent else [self._open]
        self._open_sent = True
        message = {"kind": "paint", "at": at, "open": bool(changed), **self._last}
        self.widget.send(message, [*self._packets[at:], *changed])

    def _do_without_a_page(self) -> None:
        """While no page has said that it shows the view.

        What was sent before a page opened is lost to it, so all is sent again, ever more seldom; a
        front end that fails to load the view gets the static part alone.
        """
        now = time.monotonic()
        if now >= self._resend:
            self._resend = now + (now - self._opened)
            self._sent = 0
            self._open_sent = False
        if now >= self._opened + PATIENCE_SECONDS:
            self._show_fallback()

    def _show_fallback(self) -> None:
        if not self._has_fallback and not self._output:
            self._has_fallback = True
            self._update(self._fallback("Claude is answering, and this page cannot show it live"))

    def _update(self, data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        update_display(  # type: ignore[no-untyped-call] # IPython's
            data, raw=True, display_id=self.widget.model_id, metadata=metadata
        )

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make the static output."""
        self._last |= {"phase": "done", "footer": [*notes, *sentences(reply), footer(reply)]}
        self._output = build_output(reply, notes, self._name, lambda: self._whole_timeline(reply))
        self._draft = None  # of short deltas it is many times the text

    def _whole_timeline(self, reply: Reply) -> Timeline:
        if not self._intact or self._draft is None:
            return timeline_of(reply.blocks)
        while self._timeline.has_more:
            self._take(self._draft, whole=False)
        self._take(self._draft, whole=True)
        return self._timeline

    def close(self) -> None:
        """Put the static output in the widget's place."""
        data, facts = (self._output.data(), self._output.metadata()) if self._output else ({}, {})
        self._update(data, facts)
        if self.stays:
            self._open_sent = False
            self._send()
            return
        self.widget.layout.close()  # ipywidgets gives each widget one, and leaves it open
        self.widget.close()
