"""The files of recordings: read, compared by how whole they are, and put in their place.

A recording is replaced only by one that is at least as whole; any other file never.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import OptionError
from .format import RecordedRound, Recording, parse

LOCK_SECONDS = 1.0
"""How long another program that holds the folder's lock is waited for."""


def load(path: Path) -> Recording:
    """Read a recording.

    Raises:
        OptionError: The file is missing, empty, cut, or no recording.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        msg = f"cannot read the recording {str(path)!r} ({error.strerror}); check the path."
        raise OptionError(msg) from None
    if not data.strip():
        msg = f"the recording {str(path)!r} is empty; record it again with --record."
        raise OptionError(msg)
    return parse(data, str(path))


FAILED, PART, WHOLE = range(3)
"""How whole the answer in a recording is."""

WORDS = ("a request that failed", "a part of an answer", "a whole answer")
"""The same in words."""


def wholeness(recording: Recording) -> int:
    """Return how whole its answer is: FAILED < PART < WHOLE; of rounds that differ it is a part."""
    each = {_wholeness(one) for one in recording.rounds}
    return each.pop() if len(each) == 1 else PART


def _wholeness(recorded: RecordedRound) -> int:
    """Return how whole a response is.

    A page or an empty body that came with the status of a success is a failure too; a response is
    whole where its stream says so (``message_stop``, or a gateway's ``[DONE]``), or where it came
    as one JSON message.
    """
    kinds = set(_kinds(recorded.body)) if 200 <= recorded.status < 300 else set()
    if not kinds or kinds == {"error"}:
        return FAILED
    if recorded.ending == "end" and kinds & {"message_stop", "message", "[DONE]"}:
        return WHOLE
    return PART


def _kinds(body: bytes) -> Iterator[str]:
    """Yield the types of the events, or of the one JSON object, in a body."""
    texts = [line[5:] for line in body.split(b"\n") if line.startswith(b"data:")]
    for text in texts or [body]:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            event = {"type": "[DONE]"} if text.strip() == b"[DONE]" else None
        if isinstance(event, dict):
            yield str(event.get("type"))


def occupant(path: Path) -> Recording | None:
    """Return the recording at a path; None where there is no file, or an empty one.

    Raises:
        OptionError: There is a file that is no recording, or a damaged one.
        OSError: It cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return parse(data, str(path)) if data.strip() else None


def put(recording: Recording, path: Path) -> str:
    """Put a recording in its place, at once and as a whole, unless that would lose something.

    A recording is replaced by one that is at least as whole; any other file never, as its
    contents would be lost. Between this check and the change the folder is locked against other
    processes that record there.

    Returns:
        Why it was not put there; "" where it was.

    Raises:
        OSError: It cannot be read or written.
    """
    with _locked(path.parent):
        why = _would_lose(path, wholeness(recording))
        if not why:
            write_atomically(path, recording.dump())
    return why


def _would_lose(path: Path, new: int) -> str:
    try:
        there = occupant(path)
    except OptionError:
        return "another file is there now, which is not a recording"
    if there is None or (old := wholeness(there)) <= new:
        return ""
    return f"it holds {WORDS[old]}, and this is {WORDS[new]}"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, where the system and its file system have one.

    The lock is on the folder, not on the file: a file that is replaced takes its lock with it.
    """
    handle = _open_folder(folder)
    try:
        if handle is not None:
            _wait_for_lock(handle)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _open_folder(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY)
    except PermissionError:  # also what Windows says, which opens no folders
        return None


def _wait_for_lock(handle: int) -> None:
    """Take the lock, which closing the handle gives back; go on without it where others keep it."""
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        try:
            _lock(handle)
        except BlockingIOError:
            time.sleep(0.005)
        except OSError:
            return
        else:
            return


if sys.platform == "win32":

    def _lock(handle: int) -> None:
        """Windows locks no folders, and opens none."""
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, readable by its owner alone: it holds the prompt.

    Raises:
        OSError: It cannot be written; nothing is left behind.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
