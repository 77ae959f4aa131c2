"""The live view: one widget to which each finished Markdown block is sent once.

Messages to the browser are ``{"kind": "paint", "at": n, "blocks": [...], "open": html, ...}``: the
finished blocks from the n-th on, and the open one. A page that lacks blocks before the n-th says
``{"kind": "hello", "have": m}``, and the next paint begins at m. It ends by taking the place of
its own output with the static one, so that no widget is left behind.
"""

from __future__ import annotations

import time
from pathlib import Path

import anywidget
import traitlets
from IPython.display import publish_display_data, update_display

from ..markdown import Growing
from ..reply import Draft, Reply
from ..usage import estimate_tokens
from .final import Output, output

HERE = Path(__file__).parent


class LiveWidget(anywidget.AnyWidget):
    """The widget's model: what is known before the first event."""

    _esm = HERE / "live.js"
    _css = HERE / "live.css"

    model = traitlets.Unicode().tag(sync=True)
    recorded = traitlets.Bool().tag(sync=True)


class LiveView:
    """Shows an answer while it grows, in a front end that shows widgets.

    Args:
        comm_id: Of the widget to make; the output has the same.
        name: The variable that will hold the reply.
        model: What the user asked for, until the API says its own name.
        recorded: Whether the reply comes from a recording, which the view then says.
    """

    shows = True

    def __init__(self, comm_id: str, name: str, model: str, *, recorded: bool) -> None:
        self._name = name
        self.widget = LiveWidget(model_id=comm_id, model=model, recorded=recorded)
        self._growing = Growing()
        self._blocks: list[str] = []
        self._output = Output({}, {})
        self._parts = 0
        self._sent = 0
        self._heard = False
        self._resend = time.monotonic() + 0.1
        self._opened = time.monotonic()

    def open(self) -> None:
        """Display the widget, with a static part for front ends that cannot show it."""
        where = f" Its text will be in `{self._name}`." if self._name else ""
        waiting = f"Claude is answering; ■ interrupts it.{where}"
        view = self.widget._repr_mimebundle_()
        data = view[0] if isinstance(view, tuple) else view
        publish_display_data(  # type: ignore[no-untyped-call] # IPython's
            {
                **(data or {}),
                "text/markdown": f"*{waiting}*",
                "text/plain": waiting.replace("`", ""),
            },
            transient={"display_id": self.widget.model_id},
        )

    def hear(self, have: int) -> None:
        """A page shows the view now, and has so many blocks."""
        self._heard = True
        self._sent = min(self._sent, have)

    def paint(self, draft: Draft) -> None:
        """Send the blocks that were finished since, and the open one."""
        parts = draft.parts[self._parts :]
        self._parts += len(parts)
        self._blocks += self._growing.grow("".join(parts))
        self._begin_anew()
        at, self._sent = self._sent, len(self._blocks)
        counted = draft.usage.tokens("output_tokens") if draft.counted else None
        self.widget.send(
            {
                "kind": "paint",
                "at": at,
                "blocks": self._blocks[at:],
                "open": self._growing.open_block(),
                "phase": draft.phase,
                "model": draft.model,
                "tokens": estimate_tokens(draft.written) if counted is None else counted,
                "exact": draft.counted,
                "seconds": time.monotonic() - self._opened,
            }
        )

    def _begin_anew(self) -> None:
        """Where no page has been heard, send all again, ever more seldom.

        A click cannot arrive in every kernel while a call blocks; a page that opened after the
        first message would miss it for good.
        """
        now = time.monotonic()
        if not self._heard and now >= self._resend:
            self._resend = now + (now - self._opened)
            self._sent = 0

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make the static output."""
        self._output = output(reply, notes, self._name)

    def close(self) -> None:
        """Put the static output in the widget's place."""
        update_display(  # type: ignore[no-untyped-call] # IPython's
            self._output.data,
            raw=True,
            display_id=self.widget.model_id,
            metadata=self._output.metadata,
        )
        self.widget.layout.close()  # ipywidgets gives each widget one, and leaves it open
        self.widget.close()
