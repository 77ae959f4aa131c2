"""Record responses as they pass by, and replay them through the real SDK at their pace."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import httpx2

from .format import HEADERS, RecordedRound


class ReplayTransport(httpx2.AsyncBaseTransport):
    """Answers every request from a recording, at its pace.

    Args:
        choose: Gives the round that answers the request of the task that runs.
        on_stopped: Called where a round ends that was stopped; to cancel the task that reads.
    """

    def __init__(self, choose: Callable[[], RecordedRound], on_stopped: Callable[[], None]) -> None:
        self._choose = choose
        self._on_stopped = on_stopped

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer with the round chosen."""
        await request.aread()
        recorded = self._choose()
        body = _Replayed(recorded, request, self._on_stopped)
        # As bytes: a redacted value is not ASCII, which is all that httpx2 takes as text.
        headers = [(name.encode(), _encoded(value)) for name, value in recorded.headers.items()]
        return httpx2.Response(recorded.status, headers=headers, stream=body)


def _encoded(value: str) -> bytes:
    return value.encode(errors="replace")


class _Replayed(httpx2.AsyncByteStream):
    def __init__(
        self, recorded: RecordedRound, request: httpx2.Request, on_stopped: Callable[[], None]
    ) -> None:
        self._recorded = recorded
        self._request = request
        self._on_stopped = on_stopped

    async def __aiter__(self) -> AsyncIterator[bytes]:
        start = time.monotonic()
        for seconds, chunk in self._recorded.chunks:
            await asyncio.sleep(start + seconds - time.monotonic())
            yield chunk
        await asyncio.sleep(start + self._recorded.seconds - time.monotonic())
        if self._recorded.ending == "stopped":
            self._on_stopped()
            await asyncio.sleep(0)  # here the cancellation arrives
        if self._recorded.ending != "end":
            msg = "the recording ends here"
            raise httpx2.RemoteProtocolError(msg, request=self._request)


class RoundRecorder:
    """Takes down a request and the response that passes by, in memory.

    Give `tee` to the HTTP client as a response hook: proxies, retries and pooling stay as they are.
    Of several tries the last one's response is left.

    Args:
        request: The request's body.

    Attributes:
        request: The request's body.
        is_whole: Set by the reader once it has all it wants of the body.
        recorded: The round, complete once the response is closed; None where none came.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.is_whole = False
        self.recorded: RecordedRound | None = None
        self.start = time.monotonic()
        self.request = request
        self._encoding = ""

    async def tee(self, response: httpx2.Response) -> None:
        """Let ``response`` be taken down while it is read, and be read decoded from here on."""
        headers = {name: response.headers[name] for name in HEADERS if name in response.headers}
        self.recorded = RecordedRound(self.request, response.status_code, headers)
        self._encoding = response.headers.get("content-encoding", "").strip()
        response.stream = _Tee(response, self.recorded, self)
        response.headers.pop("content-encoding", None)

    @property
    def problem(self) -> str:
        """Why the round cannot be replayed; "" where it can be.

        A body in an encoding that nothing here decodes is no text, but for its last character,
        which may be cut.
        """
        body = self.recorded.body if self.recorded and self._encoding else b""
        try:
            codecs.getincrementaldecoder("utf-8")().decode(body)
        except UnicodeDecodeError:
            return f"its content encoding {self._encoding[:40]!r} cannot be decoded"
        return ""


class _Tee(httpx2.AsyncByteStream):
    """A response's body, decoded by a response of its own and taken down as it passes."""

    def __init__(
        self, response: httpx2.Response, recorded: RecordedRound, recorder: RoundRecorder
    ) -> None:
        self._response = httpx2.Response(
            response.status_code, headers=response.headers, stream=response.stream
        )
        self._recorded = recorded
        self._recorder = recorder
        self._line = b""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async with aclosing(self._response.aiter_bytes()) as chunks:
                async for chunk in chunks:
                    self._take(chunk)
                    yield chunk
        except asyncio.CancelledError:
            self._recorded.ending = "stopped"
            raise
        self._recorded.ending = "end"

    def _take(self, chunk: bytes) -> None:
        """Note what the chunk completed: whole lines only, so that the file stays readable."""
        lines, line_end, self._line = (self._line + chunk).rpartition(b"\n")
        if line_end:
            self._recorded.chunks.append((self._now(), lines + line_end))

    def _now(self) -> float:
        return round(time.monotonic() - self._recorder.start, 3)

    async def aclose(self) -> None:
        await self._response.aclose()
        if self._line:
            self._recorded.chunks.append((self._now(), self._line))
            self._line = b""
        if self._recorder.is_whole:
            self._recorded.ending = "end"
        self._recorded.seconds = self._now()
