"""An answer on its way that nobody waits for: it may be awaited, or left alone."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Generator
from typing import Any

from .. import background, host
from ..conversation.queue import Ticket
from ..errors import ClaudeError
from ..text.keys import logger
from ..values.reply import Reply
from .answer import Answer
from .endings import explain_unforeseen

log = logger(__name__)


class PendingAnswer:
    """An answer that a thread of its own starts and delivers, so that the caller goes on at once.

    Await it to have the Reply; an await that is cancelled leaves the answer as it is.

    Args:
        ticket: The place of its prompt in the queue of its chat.
        make: Makes the answer once its turn has come.
        fail: Called with the error where it failed, before anyone who awaits gets it.
    """

    def __init__(
        self,
        ticket: Ticket,
        make: Callable[[Ticket], Answer],
        fail: Callable[[ClaudeError], None] = lambda error: None,
    ) -> None:
        self._ticket = ticket
        self._make = make
        self._fail = fail
        self._answer: Answer | None = None
        self._stopped = False
        self._outcome: concurrent.futures.Future[Reply] = concurrent.futures.Future()
        self._outcome.set_running_or_notify_cancel()  # An await that is cancelled cancels it not.
        if background.run_on_thread(self._work, "notebook_stream_answer") is None:
            self._work()

    @property
    def done(self) -> bool:
        """Whether it has ended, and is shown."""
        return self._outcome.done()

    def stop(self) -> None:
        """Close the connection; what came stays. Any number of times, also after the end."""
        self._stopped = True
        self._ticket.call()
        if self._answer is not None:
            self._answer.stop()

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
