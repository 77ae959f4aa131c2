"""The recorded replies that ship with the package, which the demo mode plays."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..recording.files import load
from ..recording.format import Recording, prompt_of
from ..recording.redaction import as_recorded

HERE = Path(__file__).parent
UNKNOWN = "no_recording"
"""The name of the recording for a prompt that has none; its text says that there is none."""


def recorded_reply(body: dict[str, Any]) -> Recording:
    """Return the recording for the last prompt of a request, given as the request's JSON."""
    recordings = _recordings()
    return recordings.get(prompt_of(as_recorded(body))) or load(HERE / f"{UNKNOWN}.txt")


@cache
def _recordings() -> dict[str | None, Recording]:
    """Return all recordings of this folder by their prompts; they are read once."""
    loaded = [load(path) for path in sorted(HERE.glob("*.txt"))]
    return {prompt_of(recording.request): recording for recording in loaded}
