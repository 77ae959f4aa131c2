"""Record a stream to a file, and replay it through the real SDK at the recorded pace."""

from __future__ import annotations

import asyncio
import codecs
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx2

from .format import HEADERS, Recording, put
from .redaction import as_recorded, redact_recording


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers every request from a recording, at its pace.

    Args:
        choose: Gives the recording that answers a request's body.
        on_stopped: Called where a recording ends that was stopped; to cancel the task that reads.
    """

    def __init__(
        self, choose: Callable[[dict[str, Any]], Recording], on_stopped: Callable[[], None]
    ) -> None:
        self._choose = choose
        self._on_stopped = on_stopped

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer with the recording chosen for the request's body."""
        recording = self._choose(json.loads(await request.aread()))
        body = _Replayed(recording, request, self._on_stopped)
        # As bytes: a redacted value is not ASCII, which is all that httpx2 takes as text.
        headers = [(name.encode(), _encoded(value)) for name, value in recording.headers.items()]
        return httpx2.Response(recording.status, headers=headers, stream=body)


def _encoded(value: str) -> bytes:
    return value.encode(errors="replace")


class _Replayed(httpx2.AsyncByteStream):
    def __init__(
        self, recording: Recording, request: httpx2.Request, on_stopped: Callable[[], None]
    ) -> None:
        self._recording = recording
        self._request = request
        self._on_stopped = on_stopped

    async def __aiter__(self) -> AsyncIterator[bytes]:
        start = time.monotonic()
        for seconds, chunk in self._recording.chunks:
            await asyncio.sleep(start + seconds - time.monotonic())
            yield chunk
        await asyncio.sleep(start + self._recording.seconds - time.monotonic())
        if self._recording.ending == "stopped":
            self._on_stopped()
            await asyncio.sleep(0)  # here the cancellation arrives
        if self._recording.ending != "end":
            msg = "the recording ends here"
            raise httpx2.RemoteProtocolError(msg, request=self._request)


class Recorder:
    """Writes the response that passes by to a file.

    Give `tee` to the HTTP client as a response hook: proxies, retries and pooling stay as they are.

    Attributes:
        whole: Set by the reader once it has all it wants of the body.
        notes: Why the file was not written; the answer goes on without its recording.
    """

    def __init__(self, path: Path, request: dict[str, Any]) -> None:
        self.whole = False
        self.notes: tuple[str, ...] = ()
        self._path = path
        self._request = as_recorded(request)
        self.start = time.monotonic()

    async def tee(self, response: httpx2.Response) -> None:
        """Let ``response`` write itself down while it is read, and be read decoded from here on."""
        headers = {name: response.headers[name] for name in HEADERS if name in response.headers}
        recording = Recording(self._request, response.status_code, headers)
        response.stream = _Tee(response, recording, self)
        response.headers.pop("content-encoding", None)

    def write(self, recording: Recording, encoding: str) -> None:
        """Put the file in its place, without keys, where it loses nothing and can be read.

        Args:
            recording: The stream.
            encoding: The content encodings of the response.
        """
        why = self._put(recording) if _is_decoded(recording, encoding) else _unknown(encoding)
        self.notes = (f"The stream could not be recorded to {self._path} ({why}).",) if why else ()

    def _put(self, recording: Recording) -> str:
        try:
            return put(redact_recording(recording), self._path)
        except OSError as error:
            return error.strerror or type(error).__name__
        except RecursionError:
            return "its JSON is nested too deep"


def _is_decoded(recording: Recording, encoding: str) -> bool:
    """Whether a body that came encoded is text now; its last character may be cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(recording.body if encoding else b"")
    except UnicodeDecodeError:
        return False
    return True


def _unknown(encoding: str) -> str:
    return f"its content encoding {encoding[:40]!r} cannot be decoded"


class _Tee(httpx2.AsyncByteStream):
    """A response's body, decoded by a response of its own and written down as it passes."""

    def __init__(self, response: httpx2.Response, recording: Recording, recorder: Recorder) -> None:
        self._response = httpx2.Response(
            response.status_code, headers=response.headers, stream=response.stream
        )
        self._recording = recording
        self._recorder = recorder
        self._line = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async with aclosing(self._response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    self._take(chunk)
                    yield chunk
        except asyncio.CancelledError:
            self._recording.ending = "stopped"
            raise
        self._recording.ending = "end"

    def _take(self, chunk: bytes) -> None:
        """Note what the chunk completed: whole lines only, so that the file stays readable."""
        lines, line_end, self._line = (self._line + chunk).rpartition(b"\n")
        if line_end:
            self._recording.chunks.append((self._now(), lines + line_end))

    def _now(self) -> float:
        return round(time.monotonic() - self._recorder.start, 3)

    async def aclose(self) -> None:
        await self._response.aclose()
        if self._line:
            self._recording.chunks.append((self._now(), self._line))
            self._line = b""
        if self._recorder.whole:
            self._recording.ending = "end"
        self._recording.seconds = self._now()
        self._recorder.write(
            self._recording, self._response.headers.get("content-encoding", "").strip()
        )
