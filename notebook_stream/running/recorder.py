"""The file of a recorded answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ..recording.files import put
from ..recording.format import RecordedRound, Recording
from ..recording.redaction import redact_recording
from ..recording.transport import RoundRecorder
from ..values.reply import Reply
from .observers import Observer

if TYPE_CHECKING:
    from .. import api

STOPPED = ("stopped", "interrupted")
"""How an answer ends that was stopped, whatever came of it."""


class Recorder(Observer):
    """Has each round of an answer recorded, and writes them to a file at the end.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rounds: list[RoundRecorder] = []

    def send(self, exchange: api.Exchange) -> None:
        """Have the response recorded while it is read."""
        exchange.recorder = RoundRecorder(exchange.body)
        self._rounds.append(exchange.recorder)

    async def save(self, reply: Reply) -> tuple[str, ...]:
        """Write the file; a sentence where that cannot be, or would lose what is there."""
        why = await asyncio.to_thread(self._write, is_stopped=reply.stop_reason in STOPPED)
        return (f"The stream could not be recorded to {self._path} ({why}).",) if why else ()

    def _write(self, *, is_stopped: bool) -> str:
        """Write what came, without keys; returns why that was not done, "" where it was."""
        came = [one.recorded for one in self._rounds if one.recorded is not None]
        if not came:
            return ""
        if is_stopped and came[-1].ending == "end":  # before anything came of another round
            came.append(RecordedRound(self._rounds[-1].request, ending="stopped"))
        problems = filter(None, (one.problem for one in self._rounds))
        return next(problems, "") or self._put(Recording(tuple(came)))

    def _put(self, recording: Recording) -> str:
        try:
            return put(redact_recording(recording), self._path)
        except OSError as error:
            return error.strerror or type(error).__name__
        except RecursionError:
            return "its JSON is nested too deep"
