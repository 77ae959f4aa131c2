"""The recorded replies that ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..recording.files import load
from ..recording.format import Recording, prompt_of
from ..recording.redaction import as_recorded

HERE = Path(__file__).parent
UNKNOWN = "no_recording"
"""The reply to a prompt that has no recording; it says just that."""


def recorded_reply(body: dict[str, Any]) -> Recording:
    """The recording of the request's last prompt."""
    recordings = _recordings()
    return recordings.get(prompt_of(as_recorded(body))) or load(HERE / f"{UNKNOWN}.txt")


@cache
def _recordings() -> dict[str | None, Recording]:
    loaded = [load(path) for path in sorted(HERE.glob("*.txt"))]
    return {prompt_of(recording.request): recording for recording in loaded}
