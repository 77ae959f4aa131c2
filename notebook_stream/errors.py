"""The exceptions of this package, all of them kinds of `ClaudeError`.

ClaudeError                 an answer failed; ``.reply`` holds the part that had come
├── OptionError             a prompt, option or file cannot be used; nothing was sent
├── CredentialsError        there is no key and no token; nothing was sent
├── RefusedError            the API answered with a status other than 200
├── StreamError             the stream carried an error, or could not be read
└── ConnectionLostError     the connection could not be made, or ended before the answer did
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .text.controls import strip_controls
from .text.keys import redact

if TYPE_CHECKING:
    from .values.reply import Reply

__all__ = [
    "ClaudeError",
    "ConnectionLostError",
    "CredentialsError",
    "OptionError",
    "RefusedError",
    "StreamError",
]


class ClaudeError(Exception):
    """An answer that failed; its message is one sentence that ends with a remedy.

    Keys and passwords that this process knows are redacted from the message, whatever it quotes.

    Attributes:
        reply: The part of the answer that had come (a Reply, which may be empty); None where
            nothing was sent.
        request_id: The API's id of the request, which its support asks for; None where there is
            none.
    """

    reply: Reply | None = None
    request_id: str | None = None

    def __init__(self, *args: object) -> None:
        super().__init__(*(redact(arg) if isinstance(arg, str) else arg for arg in args))

    def __str__(self) -> str:
        """Return the message without control characters, as it may quote a server."""
        return strip_controls(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback: the message alone."""
        return [f"{type(self).__name__}: {self}"]


class OptionError(ClaudeError, ValueError):
    """A prompt, option or file that cannot be used; nothing was sent."""


class CredentialsError(ClaudeError):
    """No key and no token were found; nothing was sent."""


class RefusedError(ClaudeError):
    """The API answered the request with an error status.

    Attributes:
        status: HTTP status code, such as 401 or 529.
    """

    status: int = 0


class StreamError(ClaudeError):
    """The stream carried an error event, or bytes that cannot be read as a stream."""


class ConnectionLostError(ClaudeError):
    """The connection could not be made, or ended before the answer did."""


def interruption(message: str) -> KeyboardInterrupt:
    """Make a KeyboardInterrupt, which the caller raises and IPython shows in one line."""
    error = KeyboardInterrupt(message)
    error._render_traceback_ = lambda: [f"KeyboardInterrupt: {error}"]  # type: ignore[attr-defined] # IPython's protocol
    return error
