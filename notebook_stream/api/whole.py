"""Turn an answer that came as one JSON message into the events of a stream.

Gateways that ignore ``stream`` send such a message; it costs as much as a stream.

Source: https://docs.claude.com/en/api/messages (the response's body).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from ..errors import ClaudeError, ConnectionLostError, StreamError
from ..values.round import Event
from . import failures

NOTE = "The server did not stream: the answer came whole."

LARGEST = 256_000_000
"""The most bytes of a message; a larger body is taken for an error."""

PIECE = 10_000
"""The characters of text in one event."""

GROWING = {"text": "text_delta", "thinking": "thinking_delta"}
"""The types of the deltas of blocks whose text is split, by the type of the block.

The type of such a block is also the name of the field that holds its text.
"""


async def read(begun: bytes, chunks: AsyncIterator[bytes]) -> bytes:
    """Return the whole body.

    Args:
        begun: The bytes that were read already.
        chunks: The rest of the body.

    Raises:
        StreamError: It is larger than `LARGEST`.
    """
    parts, size = [begun], len(begun)
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > LARGEST:
            msg = f"the server sent more than {LARGEST:,} bytes as one message; try again."
            raise StreamError(msg)
    return b"".join(parts)


def parse(body: bytes, response: httpx2.Response, request_id: str | None) -> Event:
    """Return the message that a body holds as JSON.

    Raises:
        ConnectionLostError: The body ends before the JSON does.
        StreamError: The body is an error, the answer of another API, or not a message.
    """
    text = body.decode().rstrip()
    try:
        message: Event = json.loads(text, parse_constant=lambda name: None)
    except ValueError as error:
        raise _unreadable(text, error, response) from None
    if message.get("type") != "error" and isinstance(message.get("content"), list | str):
        return message
    raise _no_message(message, response, request_id)


def _unreadable(text: str, error: ValueError, response: httpx2.Response) -> ClaudeError:
    """Make the error for a body that is not valid JSON, or that was cut."""
    ends_early = getattr(error, "pos", 0) >= len(text)
    if ends_early or not text.endswith("}"):
        return ConnectionLostError("the answer's one message ended too early; try again.")
    why = failures.quote(error)
    return StreamError(f"{response.url.host} sent JSON that cannot be read ({why}); try again.")


def _no_message(body: Event, response: httpx2.Response, request_id: str | None) -> ClaudeError:
    """Make the error for JSON that is not a message."""
    if "error" in body or body.get("type") == "error":
        return failures.explain_error_event(body, request_id, "in the answer")
    host = response.url.host
    if "choices" in body:
        msg = f"{host} answers as OpenAI's API does, not as Anthropic's; check ANTHROPIC_BASE_URL."
        return StreamError(msg)
    quoted = failures.quote(body.get("message") or body.get("detail")) or "no message in it"
    return StreamError(f"{host} sent JSON that is no answer ({quoted}); check ANTHROPIC_BASE_URL.")


def events(message: Event) -> Iterator[Event]:
    """Yield the events that the API would have sent if it had streamed the message."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    ended = {name: message.get(name) for name in ("stop_reason", "stop_sequence")}
    begun = {**message, **dict.fromkeys(ended), "content": []}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(blocks):
        for event in _of_block(block):
            yield {**event, "index": index}
    yield {"type": "message_delta", "delta": ended, "usage": message.get("usage")}
    yield {"type": "message_stop"}


def _of_block(block: Any) -> Iterator[Event]:
    """Yield the events of one content block, without its index."""
    kind = str(block.get("type")) if isinstance(block, dict) else ""
    text = block.get(kind) if kind in GROWING else None
    if not isinstance(text, str):
        yield {"type": "content_block_start", "content_block": block}
    else:
        yield {"type": "content_block_start", "content_block": {**block, kind: ""}}
        for start in range(0, len(text), PIECE):
            delta = {"type": GROWING[kind], kind: text[start : start + PIECE]}
            yield {"type": "content_block_delta", "delta": delta}
    yield {"type": "content_block_stop"}
