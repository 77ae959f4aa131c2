"""An answer on its way, as the code that asked sees it: start it, stop it, have its outcome."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .. import background, host
from ..conversation.place import Place
from ..request.body import Beginning
from ..request.options import Options
from ..values.reply import Ending, Reply
from ..view import NoView, View
from .admission import Admission
from .asked import Asked
from .delivery import Delivery
from .observers import Observer, Observers
from .painter import Painter
from .run import Run


@dataclass(frozen=True)
class Stage:
    """Where an answer appears.

    Attributes:
        view: Makes the view by the options of the call, once the answer is admitted; shown nowhere
            by default.
        bind: Called with the reply as soon as there is one, however it ended.
        on_start: Called once the answer is admitted.
        notes: Sentences to show under the answer.
        go_on: What to type to go on from a partial; "" where nothing can be.
    """

    view: Callable[[Options], View] = lambda options: NoView()
    bind: Callable[[Reply], None] = lambda reply: None
    on_start: Callable[[], object] = lambda: None
    notes: tuple[str, ...] = ()
    go_on: str = ""


NOWHERE = Stage()


class Answer:
    """One answer on its way.

    `start` it, and have its `outcome` when it is `done`; `stop` it from anywhere. `waiting` has the
    ways to wait meanwhile. Before it starts it is admitted, on the background loop: until then
    nothing is shown or sent.

    Args:
        prompt: What is sent; or what came of an answer, to go on from it.
        options: Of the call.
        place: Where in a chat it is asked, and becomes a turn as soon as it has ended; in none by
            default.
        stage: Where it appears; nowhere by default.
        observers: Who else watches it.

    Attributes:
        options: Of the call.
        started: Whether it was admitted, and is sent.
        done: Has the reply, once it has ended and its view is ready.

    Raises:
        OptionError: The prompt or an option cannot be used.
        CredentialsError: The key cannot be sent as it is.
    """

    def __init__(
        self,
        prompt: str | Beginning,
        options: Options,
        *,
        place: Place | None = None,
        stage: Stage = NOWHERE,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._asked = Asked.of(prompt, options, place or Place())
        self._admission = Admission(self._asked.body, options)
        self._stage = stage
        self._watching = observers
        self._delivery = Delivery(stage.bind, partial(stage.view, options))
        self._run: Run | None = None
        self.options = options
        self._stopped: Ending | None = None
        self.started = False
        self.done: concurrent.futures.Future[Reply] = concurrent.futures.Future()

    def admit(self) -> concurrent.futures.Future[None]:
        """Begin to find out whether it may be sent; what is returned is done once that is known.

        Raises:
            ClaudeError: Nothing can be sent any more.
        """
        background.loop()
        return self._admission.begin()

    def withdraw(self) -> None:
        """Send nothing: what is held for it, or will be, is free again."""
        self._admission.withdraw()

    def start(self) -> None:
        """Wait until it is admitted, show the view and send the request.

        Raises:
            OptionError: It is not admitted; nothing is sent.
            CredentialsError: There is no key and no recording.
        """
        try:
            host.block_until_done(self.admit())
            if self._admission.refusal:
                raise self._admission.refusal
            self._run = run = self._prepare()
        except BaseException:
            self.withdraw()
            raise
        self.started = True
        if self._stopped:
            self.stop(self._stopped)
        self.done = asyncio.run_coroutine_threadsafe(run.run(), background.loop())

    @property
    def is_stopped(self) -> bool:
        """Whether it was stopped, though it may not have ended yet."""
        return self._stopped is not None

    def _prepare(self) -> Run:
        """Show the view, and put together what runs on the background loop."""
        stage = self._stage
        view = self._delivery.make_view()
        painter = Painter(view, self.stop)
        self._delivery.open(partial(self._receive, painter))
        stage.on_start()
        watching: list[Observer] = [] if type(view) is NoView else [painter]
        return Run(
            self._asked,
            self._admission,
            Observers([*self._asked.observers(), *watching, *self._watching]),
            notes=stage.notes,
            go_on=stage.go_on,
        )

    def _receive(self, painter: Painter, message: dict[str, Any]) -> None:
        """Take a message of a page that shows the view."""
        if message.get("kind") == "stop":
            self.stop()
        else:
            painter.receive(message)

    def stop(self, ending: Ending = "stopped") -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        self._stopped = self._stopped or ending
        stop = self._run.stop if self._run else lambda _: self._admission.cancel()
        background.loop().call_soon_threadsafe(stop, ending)

    def outcome(self) -> Reply:
        """Return the reply, bound and shown; waits for the end.

        Raises:
            ClaudeError: It failed; ``.reply`` has what came.
        """
        reply = self.deliver()
        if self._run and self._run.error:
            raise self._run.error
        return reply

    def deliver(self) -> Reply:
        """Return the reply, bound and shown, however it ended; waits for the end."""
        reply = background.result(self.done)
        if self._run is not None:
            reply._failure = self._run.error
        self._delivery.deliver(reply, self._run.notes if self._run else ())
        return reply
