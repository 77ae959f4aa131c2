"""What can go wrong, as a tree.

ClaudeError                 anything that went wrong with an answer; ``.reply`` holds what came
├── OptionError             a prompt, option or file that cannot be used; nothing was sent
├── CredentialsError        no key and no token; nothing was sent
├── RefusedError            the API answered with a status other than 200
├── StreamError             the stream itself carried an error, or could not be read
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
    """An answer that did not come, or not whole: one sentence, with the remedy.

    Whatever it quotes, its sentence holds no key that this process knows.

    Attributes:
        reply: What had come when it failed (a Reply, perhaps empty); None where nothing was sent.
        request_id: The API's id for the request, to give to its support; None where there is none.
    """

    reply: Reply | None = None
    request_id: str | None = None

    def __init__(self, *args: object) -> None:
        super().__init__(*(redact(arg) if isinstance(arg, str) else arg for arg in args))

    def __str__(self) -> str:
        """The sentence without control characters: it may quote what a server sent."""
        return strip_controls(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """IPython's protocol for an exception's own display: one line."""
        return [f"{type(self).__name__}: {self}"]


class OptionError(ClaudeError, ValueError):
    """A prompt, option or file that cannot be used; nothing was sent."""


class CredentialsError(ClaudeError):
    """No key and no token were found; nothing was sent."""


class RefusedError(ClaudeError):
    """The API refused the request.

    Attributes:
        status: HTTP status code, such as 401 or 529.
    """

    status: int = 0


class StreamError(ClaudeError):
    """The stream carried an error event, or bytes that are no stream."""


class ConnectionLostError(ClaudeError):
    """The connection could not be made, or ended before the answer did."""


def interruption(message: str) -> KeyboardInterrupt:
    """A KeyboardInterrupt to raise, which IPython shows in one line."""
    error = KeyboardInterrupt(message)
    error._render_traceback_ = lambda: [f"KeyboardInterrupt: {error}"]  # type: ignore[attr-defined] # IPython's protocol
    return error
