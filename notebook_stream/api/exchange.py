"""One request to the Messages API and what is known of its response."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ..recording.format import RecordedRound
from ..recording.transport import RoundRecorder
from ..text import keys
from . import failures, whole


@dataclass
class Exchange:
    """One request, the settings for sending it, and the facts about its response so far.

    Attributes:
        body: The request's JSON, without ``stream``.
        timeout: The seconds without a byte after which the request fails.
        max_retries: How often the SDK tries again, which it does before the first byte alone.
        replay: The recorded round that answers the request; None to ask the API.
        on_wait: The function that is called with a few words before each wait for another try, and
            with "" when that try begins.
        on_stopped: The function that is called at the end of a replayed recording of a stopped
            answer, to cancel the task that reads it.
        request_id: The API's id of the request, once the response has begun; None before.
        ended: Whether the last event of a complete stream has come.
        streamed: Whether the response is a stream of events; False where it is one JSON message.
        recorder: The recorder of the response; None where it is not recorded.
    """

    body: dict[str, Any]
    timeout: float
    max_retries: int
    replay: RecordedRound | None = None
    on_wait: Callable[[str], None] = lambda words: None
    on_stopped: Callable[[], None] = lambda: None
    request_id: str | None = None
    ended: bool = False
    streamed: bool = True
    recorder: RoundRecorder | None = None
    _status: int | None = field(default=None, init=False)
    _tries: int = field(default=0, init=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user: that the server did not stream."""
        return () if self.streamed else (whole.NOTE,)

    def take_as_whole(self) -> None:
        """Store that one message came instead of a stream."""
        self.streamed = False

    def begin_try(self) -> None:
        """Count a try, the first one or another, and end the wait for it."""
        self._status = None
        self._tries += 1
        self.on_wait("")

    async def take_response(self, response: httpx2.Response) -> None:
        """Store the status of a response, and let the recorder, if any, copy what is read of it."""
        self._status = response.status_code
        if self.recorder:
            await self.recorder.tee(response)

    def announce_retry(self, seconds: float) -> None:
        """Call `on_wait` with the reason of the last failure and the seconds until the next try."""
        tries = f"trying again, {self._tries + 1} of {self.max_retries + 1}"
        self.on_wait(f"{failures.name_failure(self._status)}; {tries}, in {seconds:.1f} s")


current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The exchange of the task that runs: the hooks of a shared client find it here."""


async def on_request(request: httpx2.Request) -> None:
    """Count a try of the current exchange: a hook of the HTTP client, called in the task.

    The keys that the request carries are remembered, so that they can be redacted when the
    environment has changed meanwhile.
    """
    exchange = current.get()
    if exchange is None or exchange.replay is None:
        keys.remember(request.headers.items())
    if exchange is not None:
        exchange.begin_try()


async def on_response(response: httpx2.Response) -> None:
    """Give the response to the current exchange: a hook of the HTTP client, called in the task."""
    if (exchange := current.get()) is not None:
        await exchange.take_response(response)


def on_retry(seconds: float) -> None:
    """Announce that the SDK tries again after so many seconds: a hook, called in the task."""
    if (exchange := current.get()) is not None:
        exchange.announce_retry(seconds)


def choose_round() -> RecordedRound:
    """Return the recorded round that answers the request: a hook of `ReplayTransport`.

    Raises:
        LookupError: The task that runs has no exchange, or it replays nothing.
    """
    exchange = current.get()
    if exchange is None or exchange.replay is None:
        msg = "no recording was chosen for this task"
        raise LookupError(msg)
    return exchange.replay


def on_replay_stopped() -> None:
    """Cancel the task that reads the recording of a stopped answer: a hook of `ReplayTransport`."""
    if (exchange := current.get()) is not None:
        exchange.on_stopped()
