"""Explain failures of the API and the network in one sentence each.

The sentence says what happened, quotes the server or the network, and ends with a remedy.
"""

from __future__ import annotations

import os
import re
import ssl
from typing import Any

import anthropic
import httpx2

from ..errors import ClaudeError, ConnectionLostError, CredentialsError, RefusedError, StreamError
from ..text.controls import strip_controls
from ..text.keys import redact_message
from ..text.surrogates import repair_surrogates
from ..values.round import Event
from . import proxies

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
    "proxy": ("the proxy wants a password", f"check {proxies.ANY}"),
    "redirect": ("the address sends elsewhere", "set ANTHROPIC_BASE_URL to where the API is"),
    "api_error": ("the API failed on its side", "try again"),
}
"""What happened and what to do, by the API's type of error, or by a type of this package."""

TYPES = {
    401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 407: "proxy", 408: "timeout_error", 413: "request_too_large",
    429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
"""The type of an error whose body names none, by the HTTP status."""

REASONS: dict[type[BaseException], str] = {
    httpx2.ConnectTimeout: "the server did not answer",
    httpx2.ReadTimeout: "nothing came for too long",
    httpx2.WriteTimeout: "nothing could be sent for too long",
    httpx2.ReadError: "the other side closed it",
    httpx2.WriteError: "the other side closed it",
}
"""The reason of a lost connection, by the exceptions whose own text does not give it."""

LONGEST = 300
"""The characters of a server's message that are shown."""

LARGEST = 100_000
"""The characters of a server's message that are read, to find what to show."""


def explain_refusal(error: anthropic.APIStatusError) -> ClaudeError:
    """Explain an error that the API answered with instead of a stream."""
    status = error.status_code
    message = error.api_message or _body(error)
    if where := error.response.headers.get("location"):
        message = f"it says {where}"
    request_id = quote(error.request_id) or None
    made = RefusedError(_sentence(_kind(error.type, status), message, str(status), request_id))
    made.status, made.request_id = status, request_id
    return made


def _kind(value: Any, status: int) -> str:
    """Return the API's type of an error: its own, else that of the status."""
    if isinstance(value, str) and value in SENTENCES:
        return value
    if status in TYPES:
        return TYPES[status]
    if 300 <= status < 400:
        return "redirect"
    return "api_error" if status >= 500 else "invalid_request_error"


def name_failure(status: int | None) -> str:
    """Name in a few words why a try failed; ``status`` is None where no response came."""
    if status is None:
        return "no connection"
    return f"{SENTENCES[_kind(None, status)][0]} ({status})"


def _body(error: anthropic.APIStatusError) -> str:
    """Return the text of a body in another form than the API's: a gateway's page or JSON."""
    value = error.body
    if isinstance(value, dict):
        value = value.get("error") or value.get("message") or value.get("detail")
    if not isinstance(value, str):
        return ""
    return re.sub(r"(?s)<(style|script)\b.*?(?:</\1>|\Z)|<[^<>]*>", " ", _beginning(value))


def _beginning(text: str) -> str:
    """Return the first `LARGEST` characters, without a last word that may be a part of a key."""
    if len(text) <= LARGEST:
        return text
    whole, *cut = text[:LARGEST].rsplit(maxsplit=1) or [""]
    return whole if cut else ""


def explain_error_event(
    event: Event, request_id: str | None, where: str = "in the stream"
) -> ClaudeError:
    """Explain an error that the body of an answer carried.

    Args:
        event: The error, as the API's JSON.
        request_id: The id of the request, for an error that names none.
        where: Where in the answer it came, as part of a sentence.
    """
    value = event.get("error")
    value = value if isinstance(value, dict) else {"message": value or event.get("message")}
    named = event.get("request_id")
    request_id = quote(named) or request_id
    kind = value.get("type") if isinstance(value.get("type"), str) else "api_error"
    made = StreamError(_sentence(kind, value.get("message"), where, request_id))
    made.request_id = request_id
    return made


def _sentence(kind: str | None, message: Any, where: str, request_id: str | None) -> str:
    """Return the sentence for an error of a type, with the server's message in brackets."""
    what, remedy = SENTENCES.get(kind or "", SENTENCES["api_error"])
    remedy = remedy.replace(proxies.ANY, proxies.variable())
    message = quote(message) or "no message"
    quoted = f"{quote(kind) or 'error'}: {message}"
    details = ", ".join(filter(None, [where, quoted, quote(request_id)]))
    return f"{what} ({details}); {remedy}."


def quote(value: Any) -> str:
    """Return text of a server or an exception on one short line, without controls and keys."""
    if isinstance(value, Exception):
        value = str(value) or type(value).__name__
    if not isinstance(value, str):
        return ""
    message = redact_message(
        _beginning(value)
    )  # First, as a key that is cut or changed is not found.
    message = " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\r\n]", " ", message).split())
    message = repair_surrogates(strip_controls(message).rstrip("."))
    return message if len(message) <= LONGEST else f"{message[:LONGEST]}…"


def explain_loss(error: Exception) -> ClaudeError:
    """Explain why no connection was made, or why it broke."""
    cause = _innermost(error)
    if isinstance(cause, httpx2.LocalProtocolError):
        # The text of the exception quotes the header, and so the key.
        msg = "a header cannot be sent as it is; check the key and ANTHROPIC_CUSTOM_HEADERS."
        return CredentialsError(msg)
    why = REASONS.get(type(cause)) or quote(cause)
    return ConnectionLostError(f"the connection was lost ({why}); check {_where(error, cause)}.")


def _where(error: Exception, cause: BaseException) -> str:
    """Name what the user should check."""
    if isinstance(cause, httpx2.ProxyError):
        return proxies.variable()
    if "CERTIFICATE_VERIFY_FAILED" in str(cause):
        return "the address, or set SSL_CERT_FILE to the certificate of who signed the server's"
    never_made = isinstance(error, anthropic.APIConnectionError)
    if never_made and proxies.applies() and not isinstance(cause, ssl.SSLError):
        return f"{proxies.variable()} and try again"
    elsewhere = never_made and os.environ.get("ANTHROPIC_BASE_URL")
    return f"{'ANTHROPIC_BASE_URL' if elsewhere else 'the network'} and try again"


def _innermost(error: BaseException) -> BaseException:
    """Return the first cause of an error of the SDK, or of a group of exceptions."""
    if isinstance(error, anthropic.APIConnectionError) and error.__cause__:
        return _innermost(error.__cause__)
    inside = getattr(error, "exceptions", ())
    return _innermost(inside[0]) if inside else error


def explain_unusable_client(error: Exception) -> ClaudeError:
    """Explain that no client can be made, as an address, a proxy or a certificate is not valid.

    The text of the exception is not quoted, as it may hold an address with its password.
    """
    name = f"ANTHROPIC_BASE_URL, {proxies.variable()} and SSL_CERT_FILE"
    return ConnectionLostError(
        f"the client for the API cannot be made ({type(error).__name__}); check {name}."
    )
