"""What went wrong, in one sentence: what happened, what was said of it, and what to do."""

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
"""What happened and what to do, by the API's type of error."""

TYPES = {
    401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 407: "proxy", 408: "timeout_error", 413: "request_too_large",
    429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}  # fmt: skip
"""The type of an error that came without one, by its status."""

REASONS: dict[type[BaseException], str] = {
    httpx2.ConnectTimeout: "the server did not answer",
    httpx2.ReadTimeout: "nothing came for too long",
    httpx2.WriteTimeout: "nothing could be sent for too long",
    httpx2.ReadError: "the other side closed it",
    httpx2.WriteError: "the other side closed it",
}
"""Why a connection was lost, where the error itself does not say."""

LONGEST = 300
"""Characters of what a server says that are shown."""

LARGEST = 100_000
"""Characters of what a server says that are looked at."""


def refused(error: anthropic.APIStatusError) -> ClaudeError:
    """The API answered with an error instead of a stream."""
    status = error.status_code
    said = error.api_message or _body(error)
    if where := error.response.headers.get("location"):
        said = f"it says {where}"
    request_id = words(error.request_id) or None
    made = RefusedError(_sentence(_kind(error.type, status), said, str(status), request_id))
    made.status, made.request_id = status, request_id
    return made


def _kind(told: Any, status: int) -> str:
    if isinstance(told, str) and told in SENTENCES:
        return told
    if status in TYPES:
        return TYPES[status]
    if 300 <= status < 400:
        return "redirect"
    return "api_error" if status >= 500 else "invalid_request_error"


def what_happened(status: int | None) -> str:
    """A few words for a try that failed: with that status, or with no answer at all."""
    if status is None:
        return "no connection"
    return f"{SENTENCES[_kind(None, status)][0]} ({status})"


def _body(error: anthropic.APIStatusError) -> str:
    """What a body says that is not the API's: a gateway's page, or another one's JSON."""
    told = error.body
    if isinstance(told, dict):
        told = told.get("error") or told.get("message") or told.get("detail")
    if not isinstance(told, str):
        return ""
    return re.sub(r"(?s)<(style|script)\b.*?(?:</\1>|\Z)|<[^<>]*>", " ", _beginning(told))


def _beginning(text: str) -> str:
    """As much of a text as is looked at, without its last word, which may be half of a key."""
    if len(text) <= LARGEST:
        return text
    whole, *cut = text[:LARGEST].rsplit(maxsplit=1) or [""]
    return whole if cut else ""


def broken(event: Event, request_id: str | None, where: str = "in the stream") -> ClaudeError:
    """The body of an answer carried an error.

    Args:
        event: The error, as the API's JSON.
        request_id: Of the answer, where the error names none.
        where: In which part of the answer it came, to be said.
    """
    told = event.get("error")
    told = told if isinstance(told, dict) else {"message": told or event.get("message")}
    named = event.get("request_id")
    request_id = words(named) or request_id
    kind = told.get("type") if isinstance(told.get("type"), str) else "api_error"
    made = StreamError(_sentence(kind, told.get("message"), where, request_id))
    made.request_id = request_id
    return made


def _sentence(kind: str | None, message: Any, where: str, request_id: str | None) -> str:
    what, remedy = SENTENCES.get(kind or "", SENTENCES["api_error"])
    remedy = remedy.replace(proxies.ANY, proxies.variable())
    said = words(message) or "no message"
    quoted = f"{words(kind) or 'error'}: {said}"
    details = ", ".join(filter(None, [where, quoted, words(request_id)]))
    return f"{what} ({details}); {remedy}."


def words(told: Any) -> str:
    """What a server or an error says, short, on one line, without control characters and keys."""
    if isinstance(told, Exception):
        told = str(told) or type(told).__name__
    if not isinstance(told, str):
        return ""
    said = redact_message(_beginning(told))  # before a cut or a change breaks a key in two
    said = " ".join(re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\r\n]", " ", said).split())
    said = repair_surrogates(strip_controls(said).rstrip("."))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def lost(error: Exception) -> ClaudeError:
    """No connection was made, or it broke."""
    cause = _innermost(error)
    if isinstance(cause, httpx2.LocalProtocolError):
        # Its text quotes the header, and so the key.
        msg = "a header cannot be sent as it is; check the key and ANTHROPIC_CUSTOM_HEADERS."
        return CredentialsError(msg)
    why = REASONS.get(type(cause)) or words(cause)
    return ConnectionLostError(f"the connection was lost ({why}); check {_where(error, cause)}.")


def _where(error: Exception, cause: BaseException) -> str:
    """What to check."""
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
    """The error that began it, out of the SDK's and out of groups."""
    if isinstance(error, anthropic.APIConnectionError) and error.__cause__:
        return _innermost(error.__cause__)
    inside = getattr(error, "exceptions", ())
    return _innermost(inside[0]) if inside else error


def unusable(error: Exception) -> ClaudeError:
    """No client can be made: an address, a proxy or a certificate that is none.

    The error's own text may quote an address with its password.
    """
    name = f"ANTHROPIC_BASE_URL, {proxies.variable()} and SSL_CERT_FILE"
    return ConnectionLostError(
        f"the client for the API cannot be made ({type(error).__name__}); check {name}."
    )
