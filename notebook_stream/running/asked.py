"""What an answer is asked for with, once nothing is wrong with the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..conversation.place import Place
from ..recording.format import Recording
from ..request.body import Beginning, request_body
from ..request.options import Options
from ..values.message import ConversationDigest
from .sources import recording_for


@dataclass(frozen=True)
class Asked:
    """A prompt with its options and its place, as the body of a request.

    Attributes:
        prompt: What is sent; or what came of an answer, to go on from it.
        options: Of the call.
        place: Where in a chat it is asked.
        turn: Which turn of the chat it is, from 1; None outside of any.
        body: The request's JSON, without ``stream``.
        choose: Gives the recording that answers a body; None to ask the API.
    """

    prompt: str | Beginning
    options: Options
    place: Place
    turn: int | None
    body: dict[str, Any]
    choose: Callable[[dict[str, Any]], Recording] | None

    @classmethod
    def of(cls, prompt: str | Beginning, options: Options, place: Place) -> Asked:
        """Put it together.

        Raises:
            OptionError: The prompt or an option cannot be used.
            CredentialsError: The key cannot be sent as it is.
        """
        turn = prompt.reply.turn if isinstance(prompt, Beginning) else place.number()
        body = request_body(prompt, options, place)
        return cls(prompt, options, place, turn, body, recording_for(options))

    @property
    def begun(self) -> str:
        """The text that the answer goes on from; "" where it begins."""
        return self.prompt.reply.rstrip() if isinstance(self.prompt, Beginning) else ""

    @property
    def written_after(self) -> str:
        """The digest of the conversation that the answer's thinking is bound to.

        A recording may answer another conversation than the one that it was made in.
        """
        return "" if self.options.recorded else ConversationDigest.of(self.body)
