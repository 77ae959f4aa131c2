"""One request and its events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2

from .. import host
from ..errors import ClaudeError, ConnectionLostError, StreamError
from ..recording import Recording
from ..replay import Recorder, ReplayTransport
from ..reply import Event
from . import failures

FAULTS = (
    *(ClaudeError, anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL),
    *(RecursionError, TypeError, ValueError),
)
"""What the SDK, its transport and the reading of JSON raise."""

CONNECT_SECONDS = 5.0
"""As the SDK itself."""


@dataclass
class Request:
    """What is sent, by which way, and what is known of it since.

    Attributes:
        body: The request's JSON, without ``stream``.
        timeout: Seconds without a byte after which it is given up.
        max_retries: How often it is tried again, before the first byte alone.
        record: Where to write the stream down.
        replay: Chooses the recording that answers the body; None to ask the API.
        on_wait: Called with a few words before each wait for another try, with "" when it is made.
        on_stopped: Called at the end of a replayed recording that was stopped, to cancel the
            task that reads.
        request_id: The API's id, once the stream has begun.
        ended: Whether the stream said that it is whole.
        recorder: What writes the stream down, where something does.
    """

    body: dict[str, Any]
    timeout: float
    max_retries: int
    record: Path | None = None
    replay: Callable[[dict[str, Any]], Recording] | None = None
    on_wait: Callable[[str], None] = lambda words: None
    on_stopped: Callable[[], None] = lambda: None
    request_id: str | None = None
    ended: bool = False
    recorder: Recorder | None = field(init=False)

    def __post_init__(self) -> None:
        """Begin the recording's clock."""
        self.recorder = Recorder(self.record, self.body) if self.record else None
        self._status: int | None = None
        self._tries = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What else there is to say: a recording that could not be written."""
        return self.recorder.notes if self.recorder else ()

    async def _sent(self, request: httpx2.Request) -> None:
        self._status = None
        self._tries += 1
        self.on_wait("")

    async def _answered(self, response: httpx2.Response) -> None:
        self._status = response.status_code
        if self.recorder:
            await self.recorder.tee(response)

    def _waiting(self, seconds: float) -> None:
        tries = f"trying again, {self._tries + 1} of {self.max_retries + 1}"
        self.on_wait(f"{failures.what_happened(self._status)}; {tries}, in {seconds:.1f} s")

    def client(self) -> anthropic.AsyncAnthropic:
        """A client for this request alone.

        Raises:
            ConnectionLostError: The settings of the environment make none.
        """
        hooks: dict[str, list[Callable[..., Any]]]
        hooks = {"request": [self._sent], "response": [self._answered]}
        transport = ReplayTransport(self.replay, self.on_stopped) if self.replay else None
        try:
            http = anthropic.DefaultAsyncHttpxClient(
                transport=transport, event_hooks=hooks, follow_redirects=False
            )
            made = anthropic.AsyncAnthropic(
                api_key="recorded" if self.replay else None,
                http_client=http,
                max_retries=0 if self.replay else self.max_retries,
                timeout=httpx2.Timeout(self.timeout, connect=CONNECT_SECONDS),
            )
        except (ValueError, ImportError, OSError, httpx2.InvalidURL) as error:
            raise failures.unusable(error) from None
        host.before_retry(made, self._waiting)
        return made


async def events(request: Request) -> AsyncGenerator[Event, None]:
    """Send the request and give the events of the stream, as the API's JSON.

    Raises:
        RefusedError: The API answered with an error instead of a stream.
        StreamError: The stream carried an error, or is no stream.
        ConnectionLostError: No connection, or it broke.
    """
    try:
        async with request.client() as client:
            create = client.messages.with_streaming_response.create
            async with create(**request.body, stream=True, extra_headers=_headers(request)) as got:
                request.request_id = got.request_id
                async with aclosing(decoded(got.http_response)) as items:
                    async for event in items:
                        request.ended = event.get("type") in {"message_stop", DONE}
                        if event.get("type") != DONE:
                            yield event
                        if request.ended:
                            break  # a server may keep the connection open
                if request.recorder:
                    request.recorder.whole = True
    except FAULTS as error:
        # The SDK's own errors quote headers and bodies, and so perhaps a key.
        raise in_our_words(error) from None


COUNT_SECONDS = 5.0


async def count_tokens(body: dict[str, Any]) -> int | None:
    """The tokens of a request's input, by the API's own count; None where it gives none.

    Source: https://docs.claude.com/en/api/messages-count-tokens
    """
    told = {name: body[name] for name in ("model", "messages", "system") if name in body}
    try:
        async with Request(body, timeout=COUNT_SECONDS, max_retries=0).client() as client:
            return (await client.messages.count_tokens(**told)).input_tokens
    except Exception:  # noqa: BLE001 - a guess does as well
        return None


def in_our_words(error: Exception) -> ClaudeError:
    """Any failure of the SDK or of its transport, as ours."""
    match error:
        case ClaudeError():
            return error
        case anthropic.APIStatusError():
            return failures.refused(error)
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return ConnectionLostError(
                f"the API's address cannot be used ({failures.words(error)}); "
                "check ANTHROPIC_BASE_URL."
            )
        case anthropic.APIConnectionError() | httpx2.HTTPError():
            return failures.lost(error)
        case UnicodeDecodeError(reason="unexpected end of data"):
            return ConnectionLostError("the stream ended in the middle of a character; try again.")
    return StreamError(f"the stream could not be read ({failures.words(error)}); try again.")


def _headers(request: Request) -> dict[str, str]:
    """A recording is made of chunks as they come, so they are best sent uncompressed."""
    return {"accept-encoding": "identity"} if request.record else {}


DONE = "[DONE]"
"""How gateways end, as OpenAI's API does."""


async def decoded(response: httpx2.Response) -> AsyncGenerator[Event, None]:
    """The events of a body."""
    heard = False
    request_id = response.headers.get("request-id")
    async for sse in anthropic.AsyncStream.raw_events(response):
        if not sse.data:
            continue
        event = _object(sse.data, is_error=sse.event == "error")
        if sse.event == "error" or event.get("type") == "error" or _is_untyped_error(event):
            raise failures.broken(event, request_id)
        heard = True
        yield event
    if heard:
        return
    kind = response.headers.get("content-type", "nothing")
    if kind.startswith("text/event-stream"):
        msg = "the stream ended before it began; try again."
        raise ConnectionLostError(msg)
    msg = f"{response.url.host} sent no stream but {kind}; check ANTHROPIC_BASE_URL."
    raise StreamError(msg)


def _is_untyped_error(event: Event) -> bool:
    return "type" not in event and "error" in event


def _object(data: str, *, is_error: bool) -> Event:
    if data == DONE:
        return {"type": DONE}
    try:
        event = json.loads(data, parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        if is_error:
            return {"error": {"message": data}}
        raise
    if isinstance(event, dict):
        return event
    msg = f"an event is {data[:40]!r}"
    raise TypeError(msg)
