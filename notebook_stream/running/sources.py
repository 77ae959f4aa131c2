"""What answers a request: the API, or a recording instead of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..demo import recorded_reply
from ..recording.format import Recording, difference, load
from ..recording.redaction import as_recorded
from ..request.options import Options


def recording_for(options: Options) -> Callable[[dict[str, Any]], Recording] | None:
    """What answers instead of the API, if anything does."""
    if options.replay:
        recording = load(options.replay)
        return lambda body: recording
    if options.demo:
        return recorded_reply
    return None


def replay_notes(recording: Recording, body: dict[str, Any]) -> tuple[str, ...]:
    """Sentences on what else than the request's body the recording that answers was made with."""
    note = difference(recording, as_recorded(body))
    return (note,) if note else ()
