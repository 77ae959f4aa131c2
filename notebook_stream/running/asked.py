"""What an answer is asked for with, once nothing is wrong with the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..conversation.place import Place
from ..recording.format import RecordedRound, Recording, difference
from ..recording.redaction import as_recorded
from ..request.body import Beginning, request_body
from ..request.options import Options
from .accountant import Accountant
from .observers import Observer
from .recorder import Recorder
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
        recording: What answers instead of the API; None to ask the API.
    """

    prompt: str | Beginning
    options: Options
    place: Place
    turn: int | None
    body: dict[str, Any]
    recording: Recording | None

    @classmethod
    def of(cls, prompt: str | Beginning, options: Options, place: Place) -> Asked:
        """Put it together.

        Raises:
            OptionError: The prompt or an option cannot be used.
            CredentialsError: The key cannot be sent as it is.
        """
        turn = prompt.reply.turn if isinstance(prompt, Beginning) else place.number()
        body = request_body(prompt, options, place)
        return cls(prompt, options, place, turn, body, recording_for(options, body))

    @property
    def begun(self) -> str:
        """The text that the answer goes on from; "" where it begins."""
        return self.prompt.reply.rstrip() if isinstance(self.prompt, Beginning) else ""

    def resolve(self) -> dict[str, Any]:
        """Return the body with the id of the model that its alias stands for."""
        from .. import api

        return {**self.body, "model": api.model_id(self.options.model)}

    def replay_notes(self, body: dict[str, Any]) -> tuple[str, ...]:
        """Return sentences on what else than ``body`` the recording was made with.

        Demo mode chooses a recording by the prompt, for any model.
        """
        if self.recording is None or not self.options.replay:
            return ()
        note = difference(self.recording, as_recorded(body))
        return (note,) if note else ()

    def has_round(self, number: int) -> bool:
        """Return whether there is a response to the request of a round, counted from 0."""
        return self.recording is None or number < len(self.recording.rounds)

    def recorded_round(self, number: int) -> RecordedRound | None:
        """Return the recorded response to the request of a round; None to ask the API."""
        return None if self.recording is None else self.recording.rounds[number]

    def observers(self) -> list[Observer]:
        """Make who enters it in the ledger, and who writes it to a file where that is asked."""
        path = self.options.record
        return [Accountant(self.place.chat or ""), *([Recorder(path)] if path else [])]
