"""The recorded replies that ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..replay import Recording, load

HERE = Path(__file__).parent
UNKNOWN = "no_recording"
"""The reply to a prompt that has no recording; it says just that."""


def recorded_reply(body: dict[str, Any]) -> Recording:
    """The recording of the request's last prompt."""
    recordings = _recordings()
    return recordings.get(_prompt(body)) or load(HERE / f"{UNKNOWN}.txt")


@cache
def _recordings() -> dict[str, Recording]:
    loaded = [load(path) for path in sorted(HERE.glob("*.txt"))]
    return {_prompt(recording.request): recording for recording in loaded}


def _prompt(body: dict[str, Any]) -> str:
    """The text of the last message, white space folded."""
    content = body["messages"][-1]["content"]
    texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return " ".join(" ".join(texts).split())
