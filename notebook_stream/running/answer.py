"""One answer: from the prompt to the Reply, on the background loop; and stop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import background, host
from ..conversation.place import Place
from ..errors import ClaudeError, ConnectionLostError, StreamError, interruption
from ..ledger import usage
from ..request.body import Beginning, request_body
from ..request.options import Options
from ..text.controls import strip_controls
from ..text.keys import logger, redact_message
from ..values.message import ConversationDigest
from ..values.reply import Draft, Ending, Event, Reply
from ..view import NoView, View
from .admission import Admission
from .gate import gate
from .imports import import_needed
from .sources import recording_for, replay_notes

if TYPE_CHECKING:
    from .. import api

PAINT_SECONDS = 0.04
BEAT_SECONDS = 1.0
"""A view hears from us at least so often, and so knows that the kernel lives."""

TICK_SECONDS = 0.05
"""ipykernel's interrupt does not wake a loop that waits: an awaiting cell has to look by itself."""

log = logger(__name__)


class Answer:
    """One answer on its way.

    `block` or `awaited` where the cell runs, or `start` and later `outcome`; `stop` from anywhere.
    Before it starts it is admitted, on the background loop: until then nothing is shown or sent.

    Args:
        prompt: What is sent; or what came of an answer, to go on from it.
        options: Of the call.
        view: Makes the view, once it is admitted; shown nowhere by default.
        place: Where in a chat it is asked, and becomes a turn as soon as it has ended; in none by
            default.
        bind: Called with the reply as soon as there is one, however it ended.
        on_event: Called on the background thread with each event and the text it adds.

    Attributes:
        go_on: What to type to go on from a partial; "" where nothing can be.
        notes: Sentences to show under the answer.
        on_start: Called once it is admitted, where the cell runs.

    Raises:
        OptionError: The prompt or an option cannot be used.
        CredentialsError: The key cannot be sent as it is.
    """

    _replay_notes: tuple[str, ...] = ()
    _untold: tuple[str, ...] = ()

    def __init__(
        self,
        prompt: str | Beginning,
        options: Options,
        *,
        view: Callable[[], View] = NoView,
        place: Place | None = None,
        bind: Callable[[Reply], None] = lambda reply: None,
        on_event: Callable[[Event, str], None] = lambda event, text: None,
    ) -> None:
        begun = prompt.reply if isinstance(prompt, Beginning) else None
        self._place = place or Place()
        self._turn = self._place.number() if begun is None else begun.turn
        self._body = request_body(prompt, options, self._place)
        self._admission = Admission(self._body, options)
        self._replay = recording_for(options)
        self._options = options
        self._new_view = view
        self._view: View = NoView()
        self._bind = bind
        self._prompt = prompt
        self._on_event = on_event
        self._draft = Draft(options.model, begun.rstrip() if begun is not None else "")
        self.go_on = ""
        self.notes: tuple[str, ...] = ()
        self.on_start: Callable[[], object] = lambda: None
        self._ending: Ending | None = None
        self._error: ClaudeError | None = None
        self._exchange: api.Exchange | None = None
        self._sent_at = 0.0
        self._first_token: float | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.started = False
        self._unlisten: Callable[[], object] = lambda: None
        self._interrupted = False
        self._delivered = False
        self._delivering = threading.Lock()
        self.done: concurrent.futures.Future[Reply] = concurrent.futures.Future()

    # Anywhere

    def start(self) -> None:
        """Wait until it is admitted, show the view and send the request.

        Raises:
            OptionError: It is not admitted; nothing is sent.
            CredentialsError: There is no key and no recording.
        """
        try:
            self._wait_for(self._admission.begin())
            if self._admission.refusal:
                raise self._admission.refusal
            self._open()
        except BaseException:
            self._admission.withdraw()
            raise
        self.started = True
        self.done = asyncio.run_coroutine_threadsafe(self._run(), background.loop())

    def _open(self) -> None:
        self._view = self._new_view()
        self._view.open()
        self.on_start()
        if self._view.widget is not None:
            self._unlisten = host.listen(self._view.widget, self._hear)

    def stop(self, ending: Ending = "stopped") -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        background.loop().call_soon_threadsafe(self._stop, ending)

    def _hear(self, message: dict[str, Any]) -> None:
        """Take a message of a page that shows the view."""
        if message.get("kind") == "stop":
            self.stop()
        else:
            background.loop().call_soon_threadsafe(self._catch_up, message)

    # Where the cell runs

    def block(self) -> Reply:
        """Start, and wait for the end.

        Raises:
            ClaudeError: It failed.
            KeyboardInterrupt: The wait was interrupted; in one line, the partial in ``.reply``.
        """
        with host.interrupts_to(self._interrupt):
            self._wait_for(self._admission.begin())
            if self._interrupted:
                self._admission.withdraw()
            else:
                self.start()
                self._wait_for(self.done)
                self._deliver()
        if self._interrupted:
            raise self.interruption()
        return self.outcome()

    def _wait_for(self, future: concurrent.futures.Future[Any]) -> None:
        while not future.done():
            concurrent.futures.wait({future}, TICK_SECONDS)
            host.deliver_clicks_while_blocked()

    async def awaited(self) -> Reply:
        """Start, wait for the end, and leave the running loop free meanwhile.

        Raises:
            ClaudeError: It failed.
            CancelledError: The waiting task was cancelled; the stream is closed then.
        """
        await self.begin()
        try:
            await self._await(self.done)
        except asyncio.CancelledError:
            await self.settled("interrupted")
            raise
        return self.outcome()

    async def begin(self) -> None:
        """The same as `start`, leaving the running loop free meanwhile.

        Raises:
            CancelledError: The waiting task was cancelled before anything was sent.
        """
        try:
            await self._await(self._admission.begin())
        except asyncio.CancelledError:
            self._admission.withdraw()
            raise
        self.start()

    async def _await(self, future: concurrent.futures.Future[Any]) -> None:
        done = asyncio.wrap_future(future)
        while not future.done():
            await asyncio.wait({done}, timeout=TICK_SECONDS)
            host.deliver_clicks()

    def _interrupt(self) -> None:
        self._interrupted = True
        self.stop("interrupted")

    def interruption(self) -> KeyboardInterrupt:
        """The exception to raise for an interrupt: it shows one line."""
        said = "what came is kept" if self.started else "nothing was sent"
        error = interruption(f"interrupted: {said}.")
        error.reply = self._deliver() if self.started else None  # type: ignore[attr-defined] # ClaudeError's name
        return error

    def settle(self, ending: Ending = "stopped") -> Reply:
        """Stop, show and bind what came; interrupts meanwhile change nothing."""
        self.stop(ending)
        with host.interrupts_to(lambda: None):
            concurrent.futures.wait({self.done})
            return self._deliver()

    async def settled(self, ending: Ending = "stopped") -> Reply:
        """The same as `settle`, leaving the running loop free meanwhile.

        Raises:
            CancelledError: The waiting task was cancelled meanwhile, which changes nothing else.
        """
        self.stop(ending)
        cancelled = await _outlast(self.done)
        with host.interrupts_to(lambda: None):
            reply = self._deliver()
        if cancelled is not None:
            raise cancelled
        return reply

    def outcome(self) -> Reply:
        """The reply, bound and shown; waits for the end.

        Raises:
            ClaudeError: It failed; ``.reply`` has what came.
        """
        reply = self._deliver()
        if self._error:
            raise self._error
        return reply

    def _deliver(self) -> Reply:
        reply = self.done.result()
        with self._delivering:  # who iterates and who leaves may be two threads
            if not self._delivered:
                self._delivered = True
                self._bind_and_show(reply)
        return reply

    def _bind_and_show(self, reply: Reply) -> None:
        try:
            self._bind(reply)
        finally:
            self._view.close()
        if not self._view.stays:
            self._unlisten()
        if self._view.shows:
            reply._shown_now = host.displayhook_probe()
        for note in self._untold:
            warnings.warn(strip_controls(note), RuntimeWarning, stacklevel=5)

    # On the background loop

    async def _run(self) -> Reply:
        try:
            return await self._answered()
        finally:
            gate.settle(self._admission.hold, None)  # nobody knows what a task that died has cost

    async def _answered(self) -> Reply:
        self._sent_at = time.monotonic()
        painter = asyncio.create_task(self._paint())
        beat = asyncio.create_task(self._beat())
        if self._ending is None:
            self._reader = asyncio.create_task(self._read())
            await asyncio.wait({self._reader})
        beat.cancel()
        painter.cancel()
        await _see_out(painter)
        reply = self._frozen()
        self._make_turn(reply)
        if self._error:
            self._error.reply = reply
            self._error.request_id = self._error.request_id or reply.request_id
        await _see_out(asyncio.create_task(self._finish(reply)))
        del self._draft  # of short deltas it is many times the text, which the reply has
        return reply

    async def _read(self) -> None:
        await import_needed()
        from .. import api

        self._sent_at = time.monotonic()
        body = {**self._body, "model": api.model_id(self._options.model)}
        self._draft.message["model"] = body["model"]
        if self._replay and self._options.replay:  # demo mode chooses by the prompt
            self._replay_notes = replay_notes(self._replay(body), body)
        self._exchange = api.Exchange(
            body,
            record=self._options.record,
            replay=self._replay,
            timeout=self._options.timeout,
            max_retries=self._options.max_retries,
            on_wait=self._wait,
            on_stopped=lambda: self._stop("stopped"),
        )
        async with contextlib.aclosing(api.events(self._exchange)) as events:
            async for event in events:
                self._take(event)
        if self._draft.stop_reason is None and not self._exchange.ended:
            msg = "the stream ended before the answer did; try again."
            raise ConnectionLostError(msg)

    def _wait(self, words: str) -> None:
        self._view.wait(words)
        self._changed.set()

    def _take(self, event: Event) -> None:
        text = self._draft.add(event)
        if self._draft.written and self._first_token is None:
            self._first_token = time.monotonic() - self._sent_at
        self._on_event(event, text)
        self._changed.set()

    async def _paint(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            began = time.monotonic()
            self._paint_once()
            took = time.monotonic() - began
            # A text that is slow to paint leaves half of the time to the network.
            await asyncio.sleep(max(PAINT_SECONDS - took, took))

    async def _beat(self) -> None:
        # Not `wait_for` in the painter: before Python 3.12 it can swallow a cancellation
        # (https://github.com/python/cpython/issues/86296).
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            self._changed.set()

    def _paint_once(self) -> None:
        try:
            if self._view.paint(self._draft):
                self._changed.set()
        except BrokenPipeError:
            self._stop("stopped")  # nobody reads on: `notebook-stream ask … | head -1`

    async def _finish(self, reply: Reply) -> None:
        """Make the end ready off this loop: a long answer's takes a while."""
        told = (*self._replay_notes, *(self._exchange.notes if self._exchange else ()))
        notes = (*self.notes, *told)
        self._untold = () if self._view.shows else notes
        await asyncio.to_thread(self._view.finish, reply, notes)

    def _stop(self, ending: Ending) -> None:
        if self._reader is None or not self._reader.done():
            self._ending = self._ending or ending
        self._admission.cancel()
        if self._reader is not None:
            self._reader.cancel()

    def _catch_up(self, message: dict[str, Any]) -> None:
        self._view.receive(message)
        self._changed.set()

    def _frozen(self) -> Reply:
        """The reply; what a server sends may be anything, and may cost no text."""
        try:
            self._error = self._failure()
            reply = self._freeze()
            usage.session.add(reply, reply.chat or "")
            gate.settle(self._admission.hold, _paid(reply))
        except Exception as error:
            log.exception("the answer could not be put together")
            self._error = _unforeseen(error)
            return Reply(self._draft.text, stop_reason="error", error=str(self._error))
        return reply

    def _make_turn(self, reply: Reply) -> None:
        """Make it a turn of its chat; what a person put among the turns may cost no reply.

        What goes on from an answer is no turn of its own.
        """
        try:
            if isinstance(self._prompt, str):
                self._place.keep(self._prompt, reply)
        except Exception:
            log.exception("the answer could not be put into its chat")

    def _freeze(self) -> Reply:
        draft = self._draft
        estimated = not draft.counted and bool(draft.usage or draft.written)
        counted = draft.usage.tokens("output_tokens")
        output = usage.estimate_tokens(draft.written) if estimated else counted
        counts = {**draft.usage, "output_tokens": output}
        return draft.freeze(
            self._how_it_ended(),
            estimated=estimated,
            output_tokens=output,
            cost=usage.price(draft.model, counts),
            request_id=self._request_id(),
            seconds=time.monotonic() - self._sent_at,
            first_token_seconds=self._first_token,
            recorded=self._options.recorded,
            chat=self._place.chat or None,
            turn=self._turn,
            error=str(self._error) if self._error else None,
            request=self._body,
            # A recording may answer another conversation than the one that it was made in.
            _written_after="" if self._options.recorded else ConversationDigest.of(self._body),
        )

    def _failure(self) -> ClaudeError | None:
        if self._reader is None or self._reader.cancelled():
            return None
        error = self._reader.exception()
        lost_at_the_end = isinstance(error, ConnectionLostError) and self._draft.stop_reason
        if error is None or lost_at_the_end:
            return None
        if isinstance(error, ClaudeError):
            return self._offering(error)
        log.error("the stream could not be taken in", exc_info=error)
        return _unforeseen(error)

    def _offering(self, error: ClaudeError) -> ClaudeError:
        """The error, with the way to go on from what came, where there is one."""
        if self.go_on and self._draft.text.strip() and error.args:
            said = str(error).removesuffix("try again.").removesuffix(" and ").rstrip("; .")
            error.args = (f"{said}, try again, or go on from what came with {self.go_on}.",)
        return error

    def _request_id(self) -> str | None:
        told = self._exchange.request_id if self._exchange else None
        return told or (self._error.request_id if self._error else None)

    def _how_it_ended(self) -> Ending | None:
        """Why it ended, where the API did not get to say it."""
        if self._draft.stop_reason and not self._error:
            return None
        if isinstance(self._error, ConnectionLostError):
            return "connection_lost"
        return "error" if self._error else self._ending


def _paid(reply: Reply) -> float | None:
    """US dollars: none where nothing was counted, None where the price of it is unknown."""
    return reply.cost if reply.cost is not None or reply.usage else 0.0


def _unforeseen(error: BaseException) -> StreamError:
    why = redact_message(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return StreamError(f"the stream could not be taken in ({why}); try again.")


async def _outlast(future: concurrent.futures.Future[Any]) -> asyncio.CancelledError | None:
    """Wait for the end, whatever cancels the waiting task meanwhile.

    Returns:
        The last cancellation that came, which is the caller's to raise; None where none did.
    """
    cancelled = None
    done = asyncio.wrap_future(future)
    while not future.done():
        try:
            await asyncio.wait({done})
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled


async def _see_out(painter: asyncio.Task[None]) -> None:
    """Wait for what still paints; no failure on the screen may cost the reply."""
    await asyncio.wait({painter})
    if not painter.cancelled() and painter.exception():
        log.error("the view could not be painted", exc_info=painter.exception())


def view_here(name: str, options: Options) -> View:
    """The view for the program around us."""
    match host.kind():
        case "live":
            from ..view.live import LiveView

            return LiveView(
                host.new_comm_id(),
                name,
                options.model,
                recorded=options.recorded,
                budget=options.budget,
            )
        case "final":
            from ..view.static import FinalView

            return FinalView(name)
        case "terminal":
            from ..view.terminal import TerminalView

            return TerminalView()
    return NoView()
