"""What answers a request: the API, or a recording instead of it."""

from __future__ import annotations

from typing import Any

from ..demo import recorded_reply
from ..recording.files import load
from ..recording.format import Recording
from ..request.options import Options


def recording_for(options: Options, body: dict[str, Any]) -> Recording | None:
    """Return what answers instead of the API; None where the API does.

    Raises:
        OptionError: The file to replay is missing, or no recording.
    """
    if options.replay:
        return load(options.replay)
    return recorded_reply(body) if options.demo else None
