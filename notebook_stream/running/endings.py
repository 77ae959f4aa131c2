"""How an answer ended: why it failed, if it did, and the word for it."""

from __future__ import annotations

import asyncio

from ..errors import ClaudeError, ConnectionLostError, StreamError
from ..text.keys import logger, redact_message
from ..values.draft import AnswerDraft
from ..values.reply import Ending

log = logger(__name__)


def find_failure(
    reader: asyncio.Task[None] | None, draft: AnswerDraft, go_on: str
) -> ClaudeError | None:
    """Return why an answer failed; None where it was stopped, or came to its end.

    Args:
        reader: The task that took it in, done; None where it was never sent.
        draft: What came.
        go_on: What to type to go on from that; "" where nothing can be.
    """
    if reader is None or reader.cancelled():
        return None
    error = reader.exception()
    lost_at_the_end = isinstance(error, ConnectionLostError) and draft.stop_reason
    if error is None or lost_at_the_end:
        return None
    if isinstance(error, ClaudeError):
        return _offer(error, go_on if draft.text.strip() else "")
    log.error("the stream could not be taken in", exc_info=error)
    return explain_unforeseen(error)


def _offer(error: ClaudeError, go_on: str) -> ClaudeError:
    """Add the way to go on from what came, where there is one."""
    if go_on and error.args:
        sentence = str(error).removesuffix("try again.").removesuffix(" and ").rstrip("; .")
        error.args = (f"{sentence}, try again, or go on from what came with {go_on}.",)
    return error


def explain_unforeseen(error: BaseException) -> StreamError:
    """Return a failure that no part of this package foresees, as one sentence without keys."""
    why = redact_message(f"{type(error).__name__}: {' '.join(str(error).split())}")
    return StreamError(f"the stream could not be taken in ({why}); try again.")


def name_ending(
    draft: AnswerDraft, error: ClaudeError | None, stopped: Ending | None
) -> Ending | None:
    """Return why an answer ended, where the API did not get to say it."""
    if draft.stop_reason and not error:
        return None
    if isinstance(error, ConnectionLostError):
        return "connection_lost"
    return "error" if error else stopped
