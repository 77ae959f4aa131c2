"""One request and its events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, aclosing, suppress
from typing import Any, TypeVar, cast

import anthropic
import httpx2

from ..errors import ClaudeError, ConnectionLostError, StreamError
from ..text import keys
from ..values.round import Event
from . import failures, whole
from .client import client_for
from .exchange import Exchange

Item = TypeVar("Item")

FAULTS = (
    *(ClaudeError, anthropic.AnthropicError, httpx2.HTTPError, httpx2.InvalidURL),
    *(RecursionError, TypeError, ValueError),
)
"""What the SDK, its transport and the reading of JSON raise."""


async def events(exchange: Exchange) -> AsyncGenerator[Event, None]:
    """Send the request and give the events of the stream, as the API's JSON.

    Raises:
        RefusedError: The API answered with an error instead of a stream.
        StreamError: The stream carried an error, or is no stream.
        ConnectionLostError: No connection, or it broke.
    """
    failure: ClaudeError | None = None
    try:
        async with AsyncExitStack() as stack:
            items = await _begin(exchange, stack)
            async for event in items:
                exchange.ended = event.get("type") in {"message_stop", DONE}
                if event.get("type") != DONE:
                    yield event
                if exchange.ended:
                    break  # a server may keep the connection open
            if exchange.recorder:
                exchange.recorder.is_whole = True  # its connection is closed at once
            elif exchange.ended:
                _finish_later(items, stack.pop_all())
    except FAULTS as error:
        failure = explain(error)
    if failure:
        # Raised here, apart from the SDK's error, which holds headers and bodies, and so keys.
        failure.__cause__ = failure.__context__ = None
        raise failure


async def _begin(exchange: Exchange, stack: AsyncExitStack) -> AsyncGenerator[Event, None]:
    """Send the request; closing the stack closes the response, and its connection if need be."""
    client = await stack.enter_async_context(client_for(exchange))
    create = client.messages.with_streaming_response.create
    sending = create(**exchange.body, stream=True, extra_headers=_headers(exchange))
    got = await stack.enter_async_context(sending)
    exchange.request_id = failures.quote(got.request_id) or None
    return await stack.enter_async_context(
        aclosing(decoded(got.http_response, exchange.take_as_whole))
    )


LAST_BYTES_SECONDS = 1.0
"""How long a server may take to end a response that is complete; a connection that is read to its
end can be used again, any other is closed."""

_finishing: set[asyncio.Task[None]] = set()
"""Tasks that read the last bytes of responses; the loop itself holds them weakly."""


def _finish_later(items: AsyncGenerator[Event, None], stack: AsyncExitStack) -> None:
    task = asyncio.create_task(_finish(items, stack))
    _finishing.add(task)
    task.add_done_callback(_finishing.discard)


async def _finish(items: AsyncGenerator[Event, None], stack: AsyncExitStack) -> None:
    with suppress(*FAULTS, asyncio.TimeoutError):
        async with stack:
            await asyncio.wait_for(_exhaust(items), LAST_BYTES_SECONDS)


async def _exhaust(items: AsyncGenerator[Event, None]) -> None:
    async for _ in items:
        pass


COUNT_SECONDS = 5.0


async def count_tokens(body: dict[str, Any]) -> int | None:
    """The tokens of a request's input, by the API's own count; None where it gives none.

    Source: https://docs.claude.com/en/api/messages-count-tokens
    """
    counted = {name: body[name] for name in ("model", "messages", "system") if name in body}
    try:
        async with client_for(Exchange(body, COUNT_SECONDS, max_retries=0)) as client:
            return (await client.messages.count_tokens(**counted)).input_tokens
    except Exception:  # noqa: BLE001 - a guess does as well
        return None


def explain(error: Exception) -> ClaudeError:
    """Return a failure of the SDK or of its transport as one of our errors."""
    match error:
        case ClaudeError():
            return error
        case anthropic.APIStatusError():
            return failures.explain_refusal(error)
        case httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return ConnectionLostError(
                f"the API's address cannot be used ({failures.quote(error)}); "
                "check ANTHROPIC_BASE_URL."
            )
        case anthropic.APIConnectionError() | httpx2.HTTPError():
            return failures.explain_loss(error)
        case UnicodeDecodeError(reason="unexpected end of data"):
            return ConnectionLostError("the stream ended in the middle of a character; try again.")
    return StreamError(f"the stream could not be read ({failures.quote(error)}); try again.")


def _headers(exchange: Exchange) -> dict[str, str]:
    """A recording is made of chunks as they come, so they are best sent uncompressed."""
    return {"accept-encoding": "identity"} if exchange.recorder else {}


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
    async with aclosing(response.aiter_bytes()) as chunks:
        begun = await _first_chunk(chunks)
        if begun.startswith(b"{"):
            read = _read_whole(begun, chunks, response, came_whole)
        else:
            read = _read_stream(begun, chunks, response)
        async with aclosing(read) as items:
            async for event in items:
                yield event


async def _read_whole(
    begun: bytes,
    chunks: AsyncIterator[bytes],
    response: httpx2.Response,
    came_whole: Callable[[], None],
) -> AsyncGenerator[Event, None]:
    message = whole.parse(await whole.read(begun, chunks), response, _request_id(response))
    came_whole()
    for event in whole.events(message):
        yield _redact_envelope(event)


async def _read_stream(
    begun: bytes, chunks: AsyncIterator[bytes], response: httpx2.Response
) -> AsyncGenerator[Event, None]:
    any_came = False
    request_id = _request_id(response)
    async with (
        aclosing(_join(begun, chunks)) as body,
        _closing(anthropic.AsyncStream.raw_events(_Body(body))) as items,
    ):
        async for sse in items:
            if sse.data:
                any_came = True
                yield _event(sse.data, request_id, is_error=sse.event == "error")
    if not any_came:
        raise _no_stream(response)


def _closing(items: AsyncIterator[Item]) -> aclosing[AsyncGenerator[Item, None]]:
    """Close an async generator of the SDK, whose types do not say that it is one.

    Generators that are closed by each other and are left to the garbage collector may be closed
    on two threads at once: "ValueError: async generator already executing" on stderr.
    """
    return aclosing(cast("AsyncGenerator[Item, None]", items))


def _request_id(response: httpx2.Response) -> str | None:
    return failures.quote(response.headers.get("request-id")) or None


BLANK = b" \t\r\n\xef\xbb\xbf"
"""Bytes before a body that say nothing: white space to keep a connection open, UTF-8's BOM."""


async def _first_chunk(chunks: AsyncIterator[bytes]) -> bytes:
    """The first chunk that is not blank, from the byte where it is not; empty where none comes."""
    async for chunk in chunks:
        if begun := chunk.lstrip(BLANK):
            return begun
    return b""


async def _join(begun: bytes, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield begun
    async for chunk in chunks:
        yield chunk


class _Body(httpx2.Response):
    """A response whose bytes are read elsewhere, as the SDK's reader of events takes responses."""

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        super().__init__(200)
        self._chunks = chunks

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        """Give the chunks as they come, whatever size is asked for."""
        return self._chunks


def _no_stream(response: httpx2.Response) -> ClaudeError:
    """What to say of a body without any event."""
    kind = response.headers.get("content-type", "nothing")
    if kind.startswith("text/event-stream"):
        return ConnectionLostError("the stream ended before it began; try again.")
    sent = f"{response.url.host} sent no stream but {failures.quote(kind)}"
    return StreamError(f"{sent}; check ANTHROPIC_BASE_URL.")


def _event(data: str, request_id: str | None, *, is_error: bool) -> Event:
    event = _object(data, is_error=is_error)
    if is_error or event.get("type") == "error" or _is_untyped_error(event):
        raise failures.explain_error_event(event, request_id)
    return _redact_envelope(event)


def _is_content(event: Event) -> bool:
    """Whether it holds what the model wrote, and so is left as it is."""
    start = event.get("content_block")
    hands_over = isinstance(start, dict) and start.get("type") == "fallback"  # it names models
    return str(event.get("type")).startswith("content_block_") and not hands_over


def _redact_envelope(event: Event) -> Event:
    """Redact what a server says about an answer: its model, its id, its counts.

    Hardly any event holds a secret, so all strings of one are searched together first, a line each:
    a pattern that matches in one of them matches there too.
    """
    if _is_content(event):
        return event
    places = list(_strings(event))
    together = "\n".join(part[name] for part, name in places)
    if keys.redact_message(together) != together:
        for part, name in places:
            part[name] = keys.redact_message(part[name])
    return event


def _strings(event: Event) -> Iterator[tuple[Any, Any]]:
    """Yield each object or list with a string in it, and the name or index of the string there."""
    left: list[Any] = [event]
    while left:
        part = left.pop()
        for name, value in part.items() if isinstance(part, dict) else enumerate(part):
            if isinstance(value, str):
                yield part, name
            elif isinstance(value, dict | list) and name != "content":
                left.append(value)


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
