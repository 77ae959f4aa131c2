"""Widgets for layouts of one's own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import traitlets

from . import host
from .conversation.conversation import Conversation
from .errors import ClaudeError, OptionError
from .request.options import Options
from .running.answer import Stage
from .running.call import Call
from .running.pending import PendingAnswer
from .values.reply import Reply
from .view.area import AreaView, AreaWidget
from .view.display import WidgetDisplay
from .view.static import build_output, timeline_of

_GOING_ON = ("waiting", "thinking", "writing", "stopping")

STATES = ("idle", *_GOING_ON, "done", "failed")


class AnswerWidget(AreaWidget):
    """A widget that shows answers of Claude in any layout, one after the other.

    It is an ordinary ipywidget, for ``VBox``, ``Tab``, ``AppLayout`` and the like. Its traits can
    be observed and linked. While an answer grows they change up to 25 times a second, on a thread
    of the answer, where observers are called too. The copy of ``text`` in the page, for ``jslink``,
    changes at the end of the answer.

    Example:
        ```python
        area = AnswerWidget()
        display(VBox([button, area]))
        button.on_click(lambda _: area.ask("Name three primes"))
        ```

    Attributes:
        text: The text so far.
        state: "idle", "waiting", "thinking", "writing", "stopping", "done" or "failed".
        reply: The Reply, once the answer has ended; None before.
        error: The ClaudeError with which the answer failed; None where it did not.
        usage: The counts of tokens by name, once the answer has ended.
        cost: What the answer cost in US dollars, once it has ended; None where that is unknown.
    """

    text = traitlets.Unicode().tag(sync=True)
    state = traitlets.Enum(STATES, "idle").tag(sync=True)
    reply = traitlets.Instance(Reply, allow_none=True)
    error = traitlets.Instance(ClaudeError, allow_none=True)
    usage = traitlets.Dict().tag(sync=True)
    cost = traitlets.Float(None, allow_none=True).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        # An answer and the next one may both report at a time; who observes may ask again.
        self._changing = threading.RLock()
        self._count = 0
        self._pending: PendingAnswer | None = None
        self._view: AreaView | None = None
        self._is_displayed = False
        self._unlisten: Callable[[], object] = lambda: (
            None
        )  # A widget that fails to open is closed.
        super().__init__(**{"model_id": host.new_comm_id(), **traits})
        self._unlisten = host.listen(self, self._receive)

    def ask(
        self, prompt: str, *, chat: Conversation | None = None, **options: Any
    ) -> PendingAnswer:
        """Ask Claude, and return at once; an answer that still comes is stopped before.

        Args:
            prompt: What to ask, sent as it is (``raw=False`` fills in ``{{ expressions }}``).
            chat: The chat of which the prompt becomes the next turn; None for a prompt on its own.
            options: The options that `%%claude?` lists, such as ``model``, ``system``.

        Returns:
            The answer on its way: await it to have the Reply, or leave it alone.

        Raises:
            OptionError: The prompt or an option cannot be used; nothing changes.
            CredentialsError: The key cannot be sent as it is.
        """
        call = Call(prompt, chat, options)
        with self._changing:
            number, chosen = self._count + 1, call.choose()
            view = AreaView(
                self.send,
                number,
                partial(self._report, number),
                recorded=chosen.recorded,
                budget=chosen.budget,
            )
            stage = Stage(view=lambda: view, bind=partial(self._end, number))
            call.make(stage=stage)  # Mistakes are raised here, before anything changes.
            self.stop()
            self._begin(number, view, chosen)
            self._pending = PendingAnswer(
                call.join(),
                lambda ticket: call.make(ticket.leave, stage),
                partial(self._fail, number, view),
            )
            return self._pending

    def stop(self) -> None:
        """Stop the answer on its way, if there is one; what came stays."""
        with self._changing:
            if self._pending is not None and self.state in _GOING_ON:
                self._pending.stop()
                self.state = "stopping"

    def clear(self) -> None:
        """Stop the answer on its way, and show nothing."""
        with self._changing:
            self.stop()
            self._count += 1  # What comes of an earlier answer changes nothing any more.
            self._pending = self._view = None
            self.shown = 0
            self._set(text="", state="idle", reply=None, error=None, usage={}, cost=None)

    def freeze(self) -> None:
        """Put the static output of the answer in the place of the widget, and close the widget.

        Raises:
            OptionError: There is no answer yet, or the widget is a part of another one.
        """
        if self.reply is None:
            msg = "there is no answer to freeze yet; await the answer of .ask() first."
            raise OptionError(msg)
        if not self._is_displayed:
            msg = "the widget is not displayed by itself; freeze one that display() has shown."
            raise OptionError(msg)
        output = build_output(self.reply, (), "", partial(timeline_of, self.reply.blocks))
        WidgetDisplay(self, "").replace(output.data(), output.metadata())
        self.close()

    def close(self) -> None:
        """Stop the answer on its way, and take the widget out of the pages."""
        self.stop()
        self._unlisten()
        super().close()

    def notify_change(self, change: Any) -> None:
        """Call observers; to the page the text goes at the end, as it has the answer's blocks."""
        if change["name"] == "text" and self.state in _GOING_ON:
            traitlets.HasTraits.notify_change(self, change)
        else:
            super().notify_change(change)

    def _ipython_display_(self) -> None:
        self._is_displayed = True
        super()._ipython_display_()

    def _receive(self, message: dict[str, Any]) -> None:
        """Handle a message of a page, for the answer that is shown."""
        view = self._view
        if view is None or message.get("answer") != self._count:
            return
        if message.get("kind") == "stop":
            self.stop()
        else:
            view.receive(message)

    def _begin(self, number: int, view: AreaView, chosen: Options) -> None:
        self._count, self._view = number, view
        self._set(text="", reply=None, error=None, usage={}, cost=None)
        self._set(model=chosen.model, recorded=chosen.recorded, state="waiting", shown=number)

    def _report(self, number: int, text: str, phase: str) -> None:
        """Take how far an answer has come; called on its thread."""
        with self._changing:
            if number == self._count and self.state in _GOING_ON:
                state = self.state if self.state == "stopping" else phase
                self._set(text=text, state=state)

    def _end(self, number: int, reply: Reply) -> None:
        """Take the reply of an answer; called on its thread."""
        with self._changing:
            if number == self._count:
                self._set(text=str(reply), reply=reply, usage=dict(reply.usage), cost=reply.cost)
                if not reply.error:  # Else `_fail` is called next, with the error.
                    self.state = "done"
                self.send_state("text")

    def _fail(self, number: int, view: AreaView, error: ClaudeError) -> None:
        """Take why an answer failed, or was not sent; called on its thread."""
        if error.reply is None:
            view.refuse(str(error))
        with self._changing:
            if number == self._count:
                self._set(error=error, state="failed")

    def _set(self, **traits: Any) -> None:
        """Change traits together: observers see all of the changes."""
        with self.hold_trait_notifications():
            for name, value in traits.items():
                setattr(self, name, value)
