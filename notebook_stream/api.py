"""The Messages API: client, request, stream of events, and the SDK's errors in our words.

The one importer of `anthropic`. Events are taken from the SDK's raw stream as JSON: nothing that
the API sends is lost to a type that does not know it, at a fifth of the cost of its typed events.

Source: https://docs.claude.com/en/api/messages-streaming, https://docs.claude.com/en/api/errors
"""

from __future__ import annotations

import json
import os
import re
import typing
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2
from anthropic.resources.messages import DEPRECATED_MODELS
from anthropic.types import ModelParam

from .errors import (
    ClaudeError,
    ConnectionLostError,
    CredentialsError,
    OptionError,
    RefusedError,
    StreamError,
)
from .options import ALIASES
from .replay import Recorder, Recording, ReplayTransport
from .reply import Event

KEYS = "https://platform.claude.com/settings/keys"

SENTENCES = {
    "authentication_error": ("the key was not accepted", f"check ANTHROPIC_API_KEY ({KEYS})"),
    "billing_error": ("the account cannot pay for this", f"see {KEYS}"),
    "permission_error": ("this key may not do that", "use a key of a workspace that may"),
    "not_found_error": (
        "the model or address was not found",
        "try --model sonnet, or check ANTHROPIC_BASE_URL",
    ),
    "request_too_large": ("the prompt is too large", "send less of it"),
    "rate_limit_error": (
        "too many requests or tokens in a short time",
        "wait a minute and try again",
    ),
    "timeout_error": ("the API took too long", "try again"),
    "overloaded_error": ("the API is overloaded", "wait a minute and try again"),
    "invalid_request_error": ("the API does not take this request", "change what it names"),
}
"""What happened and what to do, by the API's type of error."""

TYPES = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error",
    403: "permission_error", 404: "not_found_error", 413: "request_too_large",
    429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
"""The type of an error that came without one, by its status."""


@dataclass
class Request:
    """What is sent, by which way, and what is known of it since.

    Attributes:
        body: The request's JSON, without ``stream``.
        record: Where to write the stream down.
        replay: Chooses the recording that answers the body; None to ask the API.
        request_id: The API's id, once the stream has begun.
        recorder: What writes the stream down, where something does.
    """

    body: dict[str, Any]
    record: Path | None = None
    replay: Callable[[dict[str, Any]], Recording] | None = None
    request_id: str | None = None
    recorder: Recorder | None = field(init=False)

    def __post_init__(self) -> None:
        """Begin the recording's clock."""
        self.recorder = Recorder(self.record, self.body) if self.record else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What else there is to say: a recording that could not be written."""
        return self.recorder.notes if self.recorder else ()


def models() -> list[str]:
    """The model ids that the installed SDK knows and does not deprecate, newest first."""
    known = next(arm for arm in typing.get_args(ModelParam) if arm is not str)
    return [name for name in typing.get_args(known) if name not in DEPRECATED_MODELS]


def model_id(name: str) -> str:
    """The id to send for what the user wrote.

    Args:
        name: An alias (the newest model of that line), an id, or the id of another server's model.

    Raises:
        OptionError: No such model is known.
    """
    if name in ALIASES:
        return max((m for m in models() if m.startswith(f"claude-{name}-")), key=_version)
    elsewhere = os.environ.get("ANTHROPIC_BASE_URL") and re.search(r"[\d:/]", name)
    if "claude" in name or elsewhere:
        return name
    msg = (
        f"there is no model {name!r}; use {', '.join(ALIASES)}, or an id such as "
        f"{model_id('sonnet')}."
    )
    raise OptionError(msg)


def _version(name: str) -> tuple[int, ...]:
    """Numbers of an id to compare by; a dated id counts as older than its undated twin."""
    numbers = tuple(int(number) for number in re.findall(r"(?<=-)\d+", name))
    return tuple(-1 if number > 10_000_000 else number for number in numbers)


def check_credentials() -> None:
    """See that the SDK finds a key, a token or a profile.

    Raises:
        CredentialsError: It finds none.
    """
    if not _has_credentials():
        msg = (
            "no API key was found; set ANTHROPIC_API_KEY, or point ANTHROPIC_BASE_URL at a local "
            "server (with any key), or run %claude_demo for the recorded replies."
        )
        raise CredentialsError(msg)


def _has_credentials() -> bool:
    idle = httpx2.AsyncClient(verify=False)
    try:
        client = anthropic.AsyncAnthropic(http_client=idle)
    except anthropic.CredentialsError:
        return False
    headers = os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").lower()
    return bool(client.api_key or client.auth_token or client.credentials) or (
        "authorization:" in headers
    )


async def events(request: Request) -> AsyncGenerator[Event, None]:
    """Send the request and give the events of the stream, as the API's JSON.

    Raises:
        RefusedError: The API answered with an error instead of a stream.
        StreamError: The stream carried an error, or is no stream.
        ConnectionLostError: No connection, or it broke.
    """
    try:
        async with _client(request) as client:
            create = client.messages.with_streaming_response.create
            async with create(**request.body, stream=True, extra_headers=_headers(request)) as got:
                request.request_id = got.request_id
                async with aclosing(_decoded(got.http_response)) as decoded:
                    async for event in decoded:
                        yield event
                        if event.get("type") == "message_stop":
                            break  # a server may keep the connection open
                if request.recorder:
                    request.recorder.whole = True
    except anthropic.APIStatusError as error:
        raise _refused(error) from error
    except httpx2.InvalidURL as error:
        msg = f"the API's address cannot be used ({error}); check ANTHROPIC_BASE_URL."
        raise ConnectionLostError(msg) from error
    except (anthropic.APIConnectionError, httpx2.HTTPError) as error:
        raise _lost(error) from error
    except (anthropic.AnthropicError, TypeError, ValueError) as error:
        msg = f"the stream could not be read ({error}); try again."
        raise StreamError(msg) from error


def _client(request: Request) -> anthropic.AsyncAnthropic:
    if request.replay:
        http = anthropic.DefaultAsyncHttpxClient(
            transport=ReplayTransport(request.replay), event_hooks=_hooks(request)
        )
        return anthropic.AsyncAnthropic(api_key="recorded", http_client=http, max_retries=0)
    http = anthropic.DefaultAsyncHttpxClient(event_hooks=_hooks(request))
    return anthropic.AsyncAnthropic(http_client=http)


def _hooks(request: Request) -> dict[str, list[Callable[..., Any]]]:
    return {"response": [request.recorder.tee]} if request.recorder else {}


def _headers(request: Request) -> dict[str, str]:
    """A recording holds the body as text, so it must come uncompressed."""
    return {"accept-encoding": "identity"} if request.record else {}


async def _decoded(response: httpx2.Response) -> AsyncGenerator[Event, None]:
    heard = False
    async for sse in anthropic.AsyncStream.raw_events(response):
        # Gateways end with "data: [DONE]", as OpenAI's API does.
        if not sse.data or sse.data == "[DONE]":
            continue
        event = _object(sse.data)
        if event.get("type") == "error" or sse.event == "error":
            raise _broken(event, response)
        heard = True
        yield event
    if not heard:
        kind = response.headers.get("content-type", "nothing")
        msg = f"{response.url.host} sent no stream but {kind}; check ANTHROPIC_BASE_URL."
        raise StreamError(msg)


def _object(data: str) -> Event:
    event = json.loads(data)
    if not isinstance(event, dict):
        msg = f"an event is {data[:40]!r}"
        raise TypeError(msg)
    return event


def _refused(error: anthropic.APIStatusError) -> ClaudeError:
    status = error.status_code
    kind = error.type or TYPES.get(status, "api_error" if status >= 500 else "")
    refused = RefusedError(_sentence(kind, error.api_message, str(status), error.request_id))
    refused.status, refused.request_id = status, error.request_id
    return refused


def _broken(event: Event, response: httpx2.Response) -> ClaudeError:
    told = event.get("error")
    told = told if isinstance(told, dict) else {"message": str(told)}
    request_id = event.get("request_id") or response.headers.get("request-id")
    broken = StreamError(
        _sentence(told.get("type"), told.get("message"), "in the stream", request_id)
    )
    broken.request_id = request_id
    return broken


def _sentence(kind: str | None, message: str | None, where: str, request_id: str | None) -> str:
    """What happened, what the API said of it, and what to do."""
    what, remedy = SENTENCES.get(kind or "", ("the API failed on its side", "try again"))
    said = " ".join(str(message or "no message").split()).rstrip(".")
    details = ", ".join(filter(None, [where, f"{kind or 'error'}: {said}", request_id]))
    return f"{what} ({details}); {remedy}."


def _lost(error: Exception) -> ClaudeError:
    cause = error.__cause__ if isinstance(error, anthropic.APIConnectionError) else error
    if isinstance(cause, httpx2.LocalProtocolError):
        # Its text quotes the header, and so the key.
        msg = "the key cannot be sent as it is; see that it has no space or line end in it."
        return CredentialsError(msg)
    why = str(cause or "") or type(cause or error).__name__
    never_made = isinstance(error, anthropic.APIConnectionError)
    elsewhere = never_made and os.environ.get("ANTHROPIC_BASE_URL")
    checked = "ANTHROPIC_BASE_URL" if elsewhere else "the network"
    msg = f"the connection was lost ({why.rstrip('.')}); check {checked} and try again."
    return ConnectionLostError(msg)
