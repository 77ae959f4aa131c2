"""Record a stream to a text file, and replay it through the real SDK at the recorded pace.

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

The last line says how the body ended: ``end``, or ``lost`` where it did not come whole (a dropped
connection, or a stop). A ``+`` after the time means that the line above has no line end; body
lines that begin with ``@`` carry one more. No key and no request header is ever in it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from .errors import OptionError

MAGIC = "notebook_stream recording 1"
KEPT_HEADERS = ("content-type", "request-id")
LONGEST_VALUE = 100_000
_MARK = re.compile(rb"^@ (?P<time>\d+(?:\.\d+)?)(?P<joined>\+?)(?: (?P<ending>end|lost))?$")


@dataclass
class Recording:
    """A stream on disk.

    Attributes:
        request: What was asked: the request's body, shortened (base64 data).
        status: HTTP status code.
        headers: The response's content type and request id.
        chunks: The body (list of (seconds since the request was sent, bytes)).
        ending: "end", or "lost" where the body did not come whole.
        seconds: From sending the request to the end.
    """

    request: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    ending: str = "lost"
    seconds: float = 0.0

    def dump(self) -> bytes:
        """The text of the file."""
        facts = {**self.request, "status": self.status, **self.headers}
        head = [f"{name}: {json.dumps(fact, ensure_ascii=False)}" for name, fact in facts.items()]
        return "\n".join([MAGIC, *head, ""]).encode() + b"".join(self._body())

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
    head, *body = re.split(rb"^(?=@ \d)", data, flags=re.MULTILINE)
    if not head.startswith(MAGIC.encode()):
        msg = f"{str(path)!r} is not a recording; make one with --record FILE."
        raise OptionError(msg)
    recording = _recording(head.decode(errors="replace"), body)
    if recording is None:
        msg = (
            f"the recording {str(path)!r} is cut or damaged (its last line should be like "
            "'@ 1.730 end'); record it again with --record."
        )
        raise OptionError(msg)
    return recording


def _recording(head: str, body: list[bytes]) -> Recording | None:
    facts = _facts(head)
    marks = [part.partition(b"\n") for part in body]
    matches = [_MARK.match(mark.rstrip(b"\r")) for mark, _, _ in marks]
    last = matches[-1] if matches else None
    if facts is None or not _is_status(facts.get("status")) or not last or not last["ending"]:
        return None
    recording = Recording(facts, status=facts.pop("status"))
    recording.headers = {name: str(facts.pop(name)) for name in KEPT_HEADERS if name in facts}
    for match, (_, _, text), following in zip(matches, marks, [*matches[1:], None], strict=True):
        if match is None:
            return None
        joined = following is not None and following["joined"]
        chunk = re.sub(rb"^@@", b"@", text, flags=re.MULTILINE)
        recording.chunks.append((float(match["time"]), chunk[:-1] if joined else chunk))
    recording.seconds, _ = recording.chunks.pop()
    recording.ending = last["ending"].decode()
    return recording


def _is_status(status: Any) -> bool:
    return type(status) is int and 100 <= status <= 599


def _facts(head: str) -> dict[str, Any] | None:
    pairs = [line.partition(":") for line in head.splitlines()[1:] if line.strip()]
    try:
        return {name.strip(): json.loads(fact) for name, _, fact in pairs}
    except ValueError:
        return None


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers every request from a recording, at its pace."""

    def __init__(self, choose: Callable[[dict[str, Any]], Recording]) -> None:
        self._choose = choose

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer with the recording chosen for the request's body."""
        recording = self._choose(json.loads(await request.aread()))
        body = _Replayed(recording, request)
        return httpx2.Response(recording.status, headers=recording.headers, stream=body)


class _Replayed(httpx2.AsyncByteStream):
    def __init__(self, recording: Recording, request: httpx2.Request) -> None:
        self._recording = recording
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        start = time.monotonic()
        for seconds, chunk in self._recording.chunks:
            await asyncio.sleep(start + seconds - time.monotonic())
            yield chunk
        await asyncio.sleep(start + self._recording.seconds - time.monotonic())
        if self._recording.ending == "lost":
            msg = "the recording ends here"
            raise httpx2.RemoteProtocolError(msg, request=self._request)


class Recorder:
    """Writes the response that passes by to a file.

    Give `tee` to the HTTP client as a response hook: proxies, retries and pooling stay as they are.

    Attributes:
        whole: Set by the reader once it has all it wants of the body.
        notes: What went wrong while writing; the answer goes on without its recording.
    """

    def __init__(self, path: Path, request: dict[str, Any]) -> None:
        self.whole = False
        self.notes: tuple[str, ...] = ()
        self._path = path
        self._request = {name: _short(value) for name, value in request.items()}
        self.start = time.monotonic()

    async def tee(self, response: httpx2.Response) -> None:
        """Let ``response`` write itself down while it is read."""
        headers = {
            name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
        }
        recording = Recording(self._request, response.status_code, headers)
        response.stream = _Tee(response.stream, recording, self)  # type: ignore[arg-type] # async client: async stream

    def write(self, recording: Recording) -> None:
        """Put the file in place at once, readable by its owner alone: it holds the prompt."""
        try:
            write_atomically(self._path, recording.dump())
        except OSError as error:
            why = error.strerror or type(error).__name__
            self.notes = (f"The stream could not be recorded to {self._path} ({why}).",)


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place whole or not at all, readable by its owner alone.

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


class _Tee(httpx2.AsyncByteStream):
    def __init__(
        self, stream: httpx2.AsyncByteStream, recording: Recording, recorder: Recorder
    ) -> None:
        self._stream = stream
        self._recording = recording
        self._recorder = recorder
        self._line = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._keep(chunk)
            yield chunk
        self._recording.ending = "end"

    def _keep(self, chunk: bytes) -> None:
        """Note what the chunk completed: whole lines only, so that the file stays readable."""
        lines, line_end, self._line = (self._line + chunk).rpartition(b"\n")
        if line_end:
            self._recording.chunks.append((self._now(), lines + line_end))

    def _now(self) -> float:
        return round(time.monotonic() - self._recorder.start, 3)

    async def aclose(self) -> None:
        await self._stream.aclose()
        if self._line:
            self._recording.chunks.append((self._now(), self._line))
            self._line = b""
        if self._recorder.whole:
            self._recording.ending = "end"
        self._recording.seconds = self._now()
        self._recorder.write(self._recording)


def _short(value: Any) -> Any:
    """The value without what no person would read: base64 data."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:40]}… ({len(value):,} characters)"
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items()}
    return [_short(part) for part in value] if isinstance(value, list) else value
