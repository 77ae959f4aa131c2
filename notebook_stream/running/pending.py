"""An answer on its way that nobody waits for: it may be awaited, or left alone."""

from __future__ import annotations

import concurrent.futures
import weakref
from collections.abc import Callable, Generator
from typing import Any, Literal

from .. import background, host
from ..conversation.queue import Ticket
from ..errors import ClaudeError
from ..text.keys import logger
from ..values.draft import AnswerDraft
from ..values.reply import Reply
from .answer import Answer
from .as_text import AsText, NotDoneError
from .endings import explain_unforeseen
from .observers import Observer

log = logger(__name__)

State = Literal["waiting", "thinking", "writing", "stopping", "done", "failed"]

_pending: weakref.WeakSet[PendingAnswer] = weakref.WeakSet()
_listing = background.ForkSafeLock()
"""Held while `_pending` is changed or read, as any thread may ask."""


def list_pending() -> list[PendingAnswer]:
    """Return the answers of this process that nobody waits for and that have not ended."""
    with _listing:
        return [one for one in _pending if not one.done]


class Progress(Observer):
    """An observer that knows how far an answer has come; any thread may read it."""

    def __init__(self) -> None:
        self._draft: AnswerDraft | None = None
        self._reply: Reply | None = None
        self._last: State = "waiting"

    def begin(self, draft: AnswerDraft) -> None:
        """Take the draft, which grows."""
        self._draft = draft

    def end(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Let go of the draft, which takes many times the memory of the text.

        The end is shown only after this, which may take seconds for a long answer.
        """
        self._last, self._reply = self.phase, reply
        self._draft = None

    @property
    def text(self) -> str:
        """The text so far; all of it once the last event has come."""
        draft = self._draft  # Read first: where it is gone, the reply is there.
        return draft.text if draft is not None else str(self._reply or "")

    @property
    def phase(self) -> State:
        """Whether the answer waits, thinks or is written."""
        draft = self._draft
        return draft.phase if draft is not None else self._last


class PendingAnswer(AsText):
    """An answer that a thread of its own starts and delivers, so that the caller goes on at once.

    Await it to have the Reply, or `wait` for that; an await that is cancelled leaves the answer as
    it is. Once it has ended it can be used as the Reply itself; to use it as text before that is a
    `ClaudeError`.

    Args:
        ticket: The place of its prompt in the queue of its chat.
        make: Makes the answer once its turn has come.
        progress: One of the observers of the answer that ``make`` returns.
        fail: Called with the error where it failed, before anyone who awaits gets it.
    """

    def __init__(
        self,
        ticket: Ticket,
        make: Callable[[Ticket], Answer],
        progress: Progress,
        fail: Callable[[ClaudeError], None] = lambda error: None,
    ) -> None:
        self._ticket = ticket
        self._ticket.thread = None
        self._make = make
        self._progress = progress
        self._fail = fail
        self._answer: Answer | None = None
        self._stopped = False
        self._outcome: concurrent.futures.Future[Reply] = concurrent.futures.Future()
        self._outcome.set_running_or_notify_cancel()  # An await that is cancelled cancels it not.
        with _listing:
            _pending.add(self)

    def begin(self) -> None:
        """Start it, on a thread of its own where there can be one."""
        if background.run_on_thread(self._work, "notebook_stream_answer") is None:
            self._work()

    @property
    def done(self) -> bool:
        """Whether it has ended, and is shown."""
        return self._outcome.done()

    @property
    def state(self) -> State:
        """How far it has come: "waiting", "thinking", "writing", "stopping", "done" or "failed"."""
        if self.done:
            return "failed" if self._outcome.exception() else "done"
        is_stopping = self._stopped or (self._answer is not None and self._answer.is_stopped)
        return "stopping" if is_stopping else self._progress.phase

    @property
    def text(self) -> str:
        """The text so far; of an answer that failed, what had come."""
        if not self.done:
            return self._progress.text
        error = self._outcome.exception()
        reply = error.reply if isinstance(error, ClaudeError) else self._outcome.result()
        return str(reply or "")

    def stop(self) -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        self._stopped = True
        self._ticket.call()
        if self._answer is not None:
            self._answer.stop()

    def result(self) -> Reply:
        """Return the reply of an answer that has ended.

        Raises:
            ClaudeError: It has not ended, or it failed.
        """
        if not self.done:
            msg = f"the answer is on its way ({self.state}); await it first, or read its .text."
            raise NotDoneError(msg)
        return self._outcome.result()

    def __repr__(self) -> str:
        return f"<answer on its way: {self.state}, {len(self.text):,} characters>"

    def wait(self) -> Reply:
        """Block until the end, and return the reply.

        Raises:
            ClaudeError: It failed; ``.reply`` holds the part that came.
            KeyboardInterrupt: The wait was interrupted; the answer goes on.
        """
        host.block_until_done(self._outcome)
        return self._outcome.result()

    def __await__(self) -> Generator[Any, None, Reply]:
        """Wait for the end.

        Returns:
            The reply.

        Raises:
            ClaudeError: It failed; ``.reply`` holds the part that came.
        """
        return self._wait().__await__()

    async def _wait(self) -> Reply:
        await host.wait_until_done(self._outcome)
        return self._outcome.result()

    # On its thread

    def _work(self) -> None:
        try:
            with self._ticket:
                self._outcome.set_result(self._run())
        except ClaudeError as error:
            self._end(error)
        except BaseException as error:  # Whoever awaits would wait for good.
            log.exception("an answer that nobody waits for could not be taken in")
            self._end(explain_unforeseen(error))

    def _end(self, error: ClaudeError) -> None:
        try:
            self._fail(error)
        finally:
            self._outcome.set_exception(error)

    def _run(self) -> Reply:
        self._ticket.wait()
        self._answer = answer = self._make(self._ticket)
        if self._stopped:
            answer.stop()
        answer.start()
        return answer.outcome()
