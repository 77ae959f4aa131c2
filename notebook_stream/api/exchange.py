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
    """One request, the way it is sent, and what is known of its response so far.

    Attributes:
        body: The request's JSON, without ``stream``.
        timeout: Seconds without a byte after which it is given up.
        max_retries: How often it is tried again, before the first byte alone.
        replay: The recorded round that answers the request; None to ask the API.
        on_wait: Called with a few words before each wait for another try, with "" when it is made.
        on_stopped: Called at the end of a replayed recording that was stopped, to cancel the
            task that reads.
        request_id: The API's id, once the stream has begun.
        ended: Whether the stream has said that it is complete.
        streamed: Whether events came one by one, and not one message.
        recorder: What takes the response down, where something does.
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
        """Sentences for the user: that it did not stream."""
        return () if self.streamed else (whole.NOTE,)

    def take_as_whole(self) -> None:
        """Note that one message came instead of a stream."""
        self.streamed = False

    def begin_try(self) -> None:
        """Note that the request is sent, for the first time or again."""
        self._status = None
        self._tries += 1
        self.on_wait("")

    async def take_response(self, response: httpx2.Response) -> None:
        """Note the status of a response, and have it recorded while it is read."""
        self._status = response.status_code
        if self.recorder:
            await self.recorder.tee(response)

    def announce_retry(self, seconds: float) -> None:
        """Tell why the last try failed and in how many seconds the next one is made."""
        tries = f"trying again, {self._tries + 1} of {self.max_retries + 1}"
        self.on_wait(f"{failures.name_failure(self._status)}; {tries}, in {seconds:.1f} s")


current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The exchange of the task that runs, where the hooks of a client that many share find theirs."""


async def on_request(request: httpx2.Request) -> None:
    """Hook of the HTTP client, called in the task that sends the request."""
    exchange = current.get()
    if exchange is None or exchange.replay is None:
        keys.remember(request.headers.items())  # the environment may change meanwhile
    if exchange is not None:
        exchange.begin_try()


async def on_response(response: httpx2.Response) -> None:
    """Hook of the HTTP client, called in the task that sent the request."""
    if (exchange := current.get()) is not None:
        await exchange.take_response(response)


def on_retry(seconds: float) -> None:
    """Called in the task that waits so many seconds before the SDK tries again."""
    if (exchange := current.get()) is not None:
        exchange.announce_retry(seconds)


def choose_round() -> RecordedRound:
    """Called in the task that replays: the recorded round that answers its request."""
    exchange = current.get()
    if exchange is None or exchange.replay is None:
        msg = "no recording was chosen for this task"
        raise LookupError(msg)
    return exchange.replay


def on_replay_stopped() -> None:
    """Called in the task that replays, at the end of a recording that was stopped."""
    if (exchange := current.get()) is not None:
        exchange.on_stopped()
