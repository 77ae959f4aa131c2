"""The text file that holds a recorded stream: how it is written, read, compared and replaced.

A recording can be read and edited. First what was asked and how the server answered, a line each
(`name: JSON`), then the body, chunk by chunk, each under the second at which it came::

    notebook_stream recording 1
    model: "claude-sonnet-5-5"
    max_tokens: 16000
    messages: [{"role": "user", "content": "Say hello"}]
    status: 200
    content-type: "text/event-stream; charset=utf-8"
    request-id: "req_011"
    @ 0.412
    event: message_start
    data: {"type":"message_start", …}

    @ 1.730 end

The last line says how the body ended: ``end``; ``stopped`` where it was stopped or interrupted, and
so ends as stopped when it is replayed; ``lost`` where the connection broke. A ``+`` after the time
means that the line above has no line end; body lines that begin with ``@`` carry one more. Lines
end with a line feed alone, which JSON never holds as it is. What editors add is no part of it: a
byte order mark, carriage returns, and spaces at the end of a line with a time.

The body is written decoded, whatever its content encoding was. Long base64 data of images and
documents is shortened to its start, its length and a digest; text is written as it was sent. No
request header is in it, and each known key is redacted.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OptionError

MAGIC = "notebook_stream recording 1"
HEADERS = ("content-type", "request-id")
"""The headers of the response that are written."""

LONGEST_DATA = 1_000
"""Characters of base64 data that are written as they are."""

LOCK_SECONDS = 1.0
"""How long another program that holds the folder's lock is waited for."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARK = re.compile(
    rb"^@ (?P<time>\d+(?:\.\d+)?)(?P<joined>\+?)(?:[ \t]+(?P<ending>end|lost|stopped))?"
    rb"[ \t]*(?P<return>\r?)$"
)


@dataclass
class Recording:
    """A stream on disk.

    Attributes:
        request: What was asked: the request's body, as `shorten` leaves it.
        status: HTTP status code.
        headers: The response's content type and request id.
        chunks: The body (list of (seconds since the request was sent, bytes)).
        ending: "end", "stopped", or "lost" where the connection broke.
        seconds: From sending the request to the end.
    """

    request: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    ending: str = "lost"
    seconds: float = 0.0

    @property
    def body(self) -> bytes:
        """The response's body, decoded."""
        return b"".join(chunk for _, chunk in self.chunks)

    def dump(self) -> bytes:
        """The text of the file; half a surrogate pair becomes its JSON escape."""
        facts = {**self.request, "status": self.status, **self.headers}
        head = [f"{name}: {json.dumps(fact, ensure_ascii=False)}" for name, fact in facts.items()]
        lines = "\n".join([MAGIC, *head, ""])
        return lines.encode(errors="backslashreplace") + b"".join(self._body())

    def _body(self) -> Iterator[bytes]:
        whole = True
        for seconds, chunk in self.chunks:
            yield _mark(seconds, whole=whole)
            yield re.sub(rb"^@", b"@@", chunk, flags=re.MULTILINE)
            whole = chunk.endswith(b"\n")
        yield _mark(self.seconds, whole=whole, ending=f" {self.ending}")


def _mark(seconds: float, *, whole: bool, ending: str = "") -> bytes:
    start, plus = ("", "") if whole else ("\n", "+")
    return f"{start}@ {seconds:.3f}{plus}{ending}\n".encode()


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
    return _parse(data.removeprefix(_BYTE_ORDER_MARK), str(path))


def _parse(data: bytes, name: str) -> Recording:
    head, *body = re.split(rb"^(?=@ \d)", data, flags=re.MULTILINE)
    first, _, facts = head.decode(errors="replace").partition("\n")
    if first.rstrip() != MAGIC:
        msg = f"{name!r} is not a recording; make one with --record FILE."
        raise OptionError(msg)
    recording = _recording(facts, body)
    if recording is None:
        msg = (
            f"the recording {name!r} is cut or damaged (its last line should be like "
            "'@ 1.730 end'); record it again with --record."
        )
        raise OptionError(msg)
    return recording


def _recording(head: str, body: list[bytes]) -> Recording | None:
    facts = _facts(head)
    marks = [part.partition(b"\n") for part in body]
    matches = [_MARK.match(mark) for mark, _, _ in marks]
    last = matches[-1] if matches else None
    if facts is None or not _is_status(facts.get("status")) or not last or not last["ending"]:
        return None
    recording = Recording(facts, status=facts.pop("status"))
    recording.headers = {name: str(facts.pop(name)) for name in HEADERS if name in facts}
    for match, (_, _, text), following in zip(matches, marks, [*matches[1:], None], strict=True):
        if match is None:
            return None
        recording.chunks.append((float(match["time"]), _chunk(text, following)))
    recording.seconds, _ = recording.chunks.pop()
    recording.ending = last["ending"].decode()
    return recording


def _chunk(text: bytes, following: re.Match[bytes] | None) -> bytes:
    """The bytes of a chunk; before a ``+`` its last line end belongs to the file."""
    chunk = re.sub(rb"^@@", b"@", text, flags=re.MULTILINE)
    if following is None or not following["joined"]:
        return chunk
    return chunk.removesuffix(following["return"] + b"\n")


def _is_status(status: Any) -> bool:
    return type(status) is int and 100 <= status <= 599


def _facts(head: str) -> dict[str, Any] | None:
    # Not `splitlines`, which also splits at U+2028, U+2029 and U+0085 inside a prompt.
    pairs = [line.partition(":") for line in head.split("\n") if line.strip()]
    try:
        return {name.strip(): json.loads(fact) for name, _, fact in pairs}
    except (ValueError, RecursionError):
        return None


def shorten(value: Any) -> Any:
    """The value with the base64 data of images and documents shortened, and all else as it is."""
    if isinstance(value, list):
        return [shorten(part) for part in value]
    if not isinstance(value, dict):
        return value
    data = value.get("data")
    if value.get("type") == "base64" and isinstance(data, str) and len(data) > LONGEST_DATA:
        value = {**value, "data": _digest(data)}
    return {name: shorten(part) for name, part in value.items()}


def _digest(data: str) -> str:
    digest = hashlib.sha256(data.encode(errors="backslashreplace")).hexdigest()
    return f"{data[:40]}… ({len(data):,} characters, sha256 {digest[:16]})"


def prompt_of(request: dict[str, Any]) -> str | None:
    """The last message of a request as one text, white space folded; None where there is none."""
    try:
        content = request["messages"][-1]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    parts = content if isinstance(content, list) else [content]
    return " ".join(" ".join(map(_part, parts)).split())


def _part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else json.dumps(part, sort_keys=True)


LONGEST_PROMPT = 60
"""Characters of a recorded prompt that are quoted."""


def difference(recording: Recording, request: dict[str, Any]) -> str:
    """A sentence on what another prompt or model the recording was made with; "" for the same.

    Args:
        recording: What answers.
        request: What is asked, as a recording would hold it.
    """
    others = []
    prompt = prompt_of(recording.request)
    if prompt is not None and prompt != prompt_of(request):
        cut = prompt if len(prompt) <= LONGEST_PROMPT else f"{prompt[:LONGEST_PROMPT]}…"
        others.append(f"another prompt ({cut!r})")
    model = recording.request.get("model")
    if model is not None and model != request.get("model"):
        others.append(f"another model ({str(model)[:LONGEST_PROMPT]!r})")
    return f"This recording was made with {' and '.join(others)}." if others else ""


FAILED, PART, WHOLE = range(3)
"""How whole the answer in a recording is."""

WORDS = ("a request that failed", "a part of an answer", "a whole answer")
"""The same in words."""


def wholeness(recording: Recording) -> int:
    """How whole its answer is: FAILED < PART < WHOLE.

    A page or an empty body that came with the status of a success is a failure too; an answer is
    whole where its stream says so (``message_stop``, or a gateway's ``[DONE]``), or where it came
    as one JSON message.
    """
    kinds = set(_kinds(recording.body)) if 200 <= recording.status < 300 else set()
    if not kinds or kinds == {"error"}:
        return FAILED
    if recording.ending == "end" and kinds & {"message_stop", "message", "[DONE]"}:
        return WHOLE
    return PART


def _kinds(body: bytes) -> Iterator[str]:
    """The types of the events, or of the one JSON object, in a body."""
    texts = [line[5:] for line in body.split(b"\n") if line.startswith(b"data:")]
    for text in texts or [body]:
        try:
            event = json.loads(text)
        except (ValueError, RecursionError):
            event = {"type": "[DONE]"} if text.strip() == b"[DONE]" else None
        if isinstance(event, dict):
            yield str(event.get("type"))


def occupant(path: Path) -> Recording | None:
    """The recording at a path; None where there is no file or an empty one, as mktemp makes it.

    Raises:
        OptionError: There is a file that is no recording, or a damaged one.
        OSError: It cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return _parse(data.removeprefix(_BYTE_ORDER_MARK), str(path)) if data.strip() else None


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
