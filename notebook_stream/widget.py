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
from .running.pending import PendingAnswer, Progress
from .text.keys import logger
from .values.reply import Reply
from .view.area import AreaView, AreaWidget
from .view.display import WidgetDisplay
from .view.static import build_output, timeline_of

log = logger(__name__)

GOING_ON = ("waiting", "thinking", "writing", "stopping")

STATES = ("idle", *GOING_ON, "done", "failed")


class AnswerTraits(AreaWidget):
    """The traits of a widget that shows answers: they follow the answer that is shown.

    An answer changes them on its own thread, where observers are called too. One that fails costs
    neither the answer nor its view: its traceback is shown, as ipywidgets does with a callback.
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
        super().__init__(**traits)

    def notify_change(self, change: Any) -> None:
        """Call observers; to the page the text goes at the end, as it has the answer's blocks."""
        if change["name"] == "text" and change["new"] and self.reply is None:
            traitlets.HasTraits.notify_change(self, change)
        else:
            super().notify_change(change)

    def _begin(self, options: Options) -> int:
        """Show the next answer, of which nothing has come; returns its number."""
        with self._changing:
            self._reset()
            self._set(model=options.model, recorded=options.recorded)
            self._set(state="waiting", shown=self._count)
            return self._count

    def _reset(self) -> None:
        """Forget the answer; what comes of it later changes nothing any more."""
        self._count += 1
        self._set(reply=None, error=None, usage={}, cost=None, text="")

    def _report(self, number: int, text: str, phase: str) -> None:
        """Take how far an answer has come."""
        with self._changing:
            if number == self._count and self.state in GOING_ON:
                state = self.state if self.state == "stopping" else phase
                self._set(text=text, state=state)

    def _end(self, number: int, reply: Reply) -> None:
        """Take the reply of an answer; of one that failed, `_fail` is called next."""
        with self._changing:
            if number == self._count:
                self._set(reply=reply, usage=dict(reply.usage), cost=reply.cost, text=str(reply))
                if not reply.error:
                    self._set(state="done")

    def _fail(self, number: int, error: ClaudeError) -> None:
        """Take why an answer failed, or was not sent."""
        with self._changing:
            if number == self._count:
                self._set(error=error, state="failed")

    def _set(self, **traits: Any) -> None:
        """Change traits in their order, whatever their observers do."""
        for name, value in traits.items():
            try:
                setattr(self, name, value)
            except Exception:
                log.exception("an observer of the trait %r failed", name)
                if (here := host.shell()) is not None:
                    here.showtraceback()


class AnswerWidget(AnswerTraits):
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

    def __init__(self, **traits: Any) -> None:
        self._pending: PendingAnswer | None = None
        self._view: AreaView | None = None
        self._is_displayed = False
        # Also a widget that could not be made is closed.
        self._unlisten: Callable[[], object] = lambda: None
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
            stage = Stage(view=lambda _: view, bind=lambda reply: self._end(number, reply))
            progress = Progress()
            # Mistakes are raised here, before anything changes.
            first = call.make(stage=stage, observers=[progress])
            self.stop()
            number = self._begin(first.options)
            view = AreaView(
                self.send,
                number,
                partial(self._report, number),
                recorded=first.options.recorded,
                budget=first.options.budget,
            )
            self._view = view
            self._pending = PendingAnswer(
                call.join(),
                lambda ticket: (
                    first if chat is None else call.make(ticket.leave, stage, [progress])
                ),
                progress,
                partial(self._refuse, number, view),
            )
            self._pending.begin()
            return self._pending

    def stop(self) -> None:
        """Stop the answer on its way, if there is one; what came stays."""
        with self._changing:
            if self._pending is not None and self.state in GOING_ON:
                self._pending.stop()
                self._set(state="stopping")

    def clear(self) -> None:
        """Stop the answer on its way, and show nothing."""
        with self._changing:
            self.stop()
            self._pending = self._view = None
            self._reset()
            self._set(shown=0, state="idle")

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

    def _refuse(self, number: int, view: AreaView, error: ClaudeError) -> None:
        """Take why an answer failed; one that was not sent has a view that nothing has ended."""
        if error.reply is None:
            view.refuse(str(error))
        self._fail(number, error)
