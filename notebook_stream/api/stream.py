"""One request and its events."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2

from .. import host, keys
from ..errors import ClaudeError, ConnectionLostError, StreamError
from ..recording import Recording
from ..replay import Recorder, ReplayTransport
from ..reply import Event
from . import failures, whole

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
        streamed: Whether it is a stream that came, and no whole message.
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
    streamed: bool = True
    recorder: Recorder | None = field(init=False)

    def __post_init__(self) -> None:
        """Begin the recording's clock."""
        self.recorder = Recorder(self.record, self.body) if self.record else None
        self._status: int | None = None
        self._tries = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What else there is to say: it did not stream, or could not be recorded."""
        notes = self.recorder.notes if self.recorder else ()
        return notes if self.streamed else (whole.NOTE, *notes)

    def came_whole(self) -> None:
        """Note that a whole message came instead of a stream."""
        self.streamed = False

    async def _sent(self, request: httpx2.Request) -> None:
        self._status = None
        self._tries += 1
        if not self.replay:
            keys.remember(request.headers.items())  # the environment may change meanwhile
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
        keys.remember()
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
    failure: ClaudeError | None = None
    try:
        async with request.client() as client:
            create = client.messages.with_streaming_response.create
            async with create(**request.body, stream=True, extra_headers=_headers(request)) as got:
                request.request_id = failures.words(got.request_id) or None
                async with aclosing(decoded(got.http_response, request.came_whole)) as items:
                    async for event in items:
                        request.ended = event.get("type") in {"message_stop", DONE}
                        if event.get("type") != DONE:
                            yield event
                        if request.ended:
                            break  # a server may keep the connection open
                if request.recorder:
                    request.recorder.whole = True
    except FAULTS as error:
        failure = in_our_words(error)
    if failure:
        # Raised here, apart from the SDK's error, which holds headers and bodies, and so keys.
        failure.__cause__ = failure.__context__ = None
        raise failure


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


async def decoded(
    response: httpx2.Response, came_whole: Callable[[], None] = lambda: None
) -> AsyncGenerator[Event, None]:
    """The events of a body: a stream's, or those that stand for a message that came whole.

    Args:
        response: Of the API, not read yet.
        came_whole: Called where the body is one message.
    """
    request_id = failures.words(response.headers.get("request-id")) or None
    chunks = response.aiter_bytes()
    begun = await _first_chunk(chunks)
    if begun.startswith(b"{"):
        message = whole.parse(await whole.read(begun, chunks), response, request_id)
        came_whole()
        for event in whole.events(message):
            yield _redact_envelope(event)
        return
    any_came = False
    body = httpx2.Response(response.status_code, content=_joined(begun, chunks))
    async for sse in anthropic.AsyncStream.raw_events(body):
        if sse.data:
            any_came = True
            yield _event(sse.data, request_id, is_error=sse.event == "error")
    if not any_came:
        raise _no_stream(response)


BLANK = b" \t\r\n\xef\xbb\xbf"
"""Bytes before a body that say nothing: white space to keep a connection open, UTF-8's BOM."""


async def _first_chunk(chunks: AsyncIterator[bytes]) -> bytes:
    """The first chunk that is not blank, from the byte where it is not; empty where none comes."""
    async for chunk in chunks:
        if begun := chunk.lstrip(BLANK):
            return begun
    return b""


async def _joined(begun: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begun
    async for chunk in chunks:
        yield chunk


def _no_stream(response: httpx2.Response) -> ClaudeError:
    """What to say of a body without any event."""
    kind = response.headers.get("content-type", "nothing")
    if kind.startswith("text/event-stream"):
        return ConnectionLostError("the stream ended before it began; try again.")
    sent = f"{response.url.host} sent no stream but {failures.words(kind)}"
    return StreamError(f"{sent}; check ANTHROPIC_BASE_URL.")


def _event(data: str, request_id: str | None, *, is_error: bool) -> Event:
    event = _object(data, is_error=is_error)
    if is_error or event.get("type") == "error" or _is_untyped_error(event):
        raise failures.broken(event, request_id)
    return _redact_envelope(event)


def _is_content(event: Event) -> bool:
    """Whether it holds what the model wrote, and so is left as it is."""
    start = event.get("content_block")
    hands_over = isinstance(start, dict) and start.get("type") == "fallback"  # it names models
    return str(event.get("type")).startswith("content_block_") and not hands_over


def _redact_envelope(event: Event) -> Event:
    """Take keys out of what a server says about an answer: its model, its id, its counts."""
    left: list[Any] = [] if _is_content(event) else [event]
    while left:
        part = left.pop()
        for name, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, str):
                part[name] = keys.redact_message(value)
            elif isinstance(value, dict | list) and name != "content":
                left.append(value)
    return event


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
