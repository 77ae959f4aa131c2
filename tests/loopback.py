"""A Messages API on a loopback socket that plays scripts: real HTTP, real server-sent events."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

MODEL = "claude-sonnet-5-5"
DEADLINE_SECONDS = 20.0


@dataclass
class Hold:
    """A step: send nothing until the client goes, or the test lets go."""

    let_go: threading.Event = field(default_factory=threading.Event)


@dataclass
class Pause:
    """A step: wait so many seconds."""

    seconds: float


class Drop:
    """A step: close the connection in the middle of the body."""


class Reset:
    """A step: reset the connection, as a machine does that has forgotten it."""


Step = type[Reset] | bytes | Callable[[], bytes] | Pause | Hold | Drop | type[Drop]
"""Bytes to write, or what makes them when their turn has come; or one of the above."""


@dataclass
class Script:
    """What the server does with one request; with status 0 it never sends a header."""

    steps: list[Step]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def event(kind: str, **fields: Any) -> bytes:
    """One server-sent event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def start(model: str = MODEL, **usage: Any) -> bytes:
    """The events before the first text."""
    counts = {"input_tokens": 25, "output_tokens": 1, **usage}
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "usage": counts,
    }
    block = {"type": "text", "text": ""}
    return event("message_start", message=message) + event(
        "content_block_start", index=0, content_block=block
    )


def delta(text: str) -> bytes:
    """One piece of text."""
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})


def end(stop_reason: str = "end_turn", output_tokens: int = 12) -> bytes:
    """The events after the last text."""
    return (
        event("content_block_stop", index=0)
        + event(
            "message_delta",
            delta={"stop_reason": stop_reason, "stop_sequence": None},
            usage={"output_tokens": output_tokens},
        )
        + event("message_stop")
    )


def answer(*texts: str, pause: float = 0.0, stop_reason: str = "end_turn") -> Script:
    """A whole answer of some pieces of text."""
    steps: list[Step] = [start()]
    for text in texts:
        steps += [Pause(pause), delta(text)] if pause else [delta(text)]
    return Script([*steps, end(stop_reason)])


def refusal(status: int, kind: str, message: str, **headers: str) -> Script:
    """An answer with an HTTP error."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    all_headers = {"content-type": "application/json", "request-id": "req_refused", **headers}
    return Script([body], status, all_headers)


@dataclass
class Request:
    """A request that came.

    Attributes:
        came_at: When (``time.time()``); the client's clock is the same.
        closed: Set once the connection is closed, by whichever side.
        closed_at: When, by the same clock.
    """

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    came_at: float = field(default_factory=time.time)
    closed: threading.Event = field(default_factory=threading.Event)
    closed_at: float = 0.0
    client_left: bool = False

    def has_closed(self) -> bool:
        """Whether the connection is closed, by the deadline."""
        return self.closed.wait(DEADLINE_SECONDS)

    @property
    def prompt(self) -> str:
        return str(self.body["messages"][-1]["content"])


class Server:
    """Plays the scripts given, one a request, then the default answer.

    Attributes:
        judge: Is given each request's JSON first; the script it returns, if any, is played instead.
        keep_alive: Whether a connection is open for another request once a script was played.
        connections: How many were made.
    """

    def __init__(self) -> None:
        self.keep_alive = False
        self.connections = 0
        self.requests: list[Request] = []
        self.scripts: list[Script] = []
        self.default = answer("Hello", ", world.")
        self.judge: Callable[[dict[str, Any]], Script | None] = lambda body: None
        self.url = ""
        self._came = threading.Condition()

    def play(self, *scripts: Script) -> None:
        self.scripts += scripts

    def wait_for_request(self, number: int = 1) -> Request:
        """The n-th request; waits for it."""
        with self._came:
            came = self._came.wait_for(lambda: len(self.requests) >= number, DEADLINE_SECONDS)
        assert came, f"request {number} did not come"
        return self.requests[number - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        begun = b""
        try:
            while (begun := await self._answer(reader, writer, begun)) and self.keep_alive:
                pass
        except asyncio.CancelledError:
            pass  # the server ends; before Python 3.12 asyncio logs a task that was cancelled
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, begun: bytes
    ) -> bytes:
        """Answer a request of which some bytes were read; returns the first one of the next."""
        try:
            request = await self._read(reader, begun)
        except asyncio.IncompleteReadError:
            return b""
        script = self.judge(request.body) or self._next()
        with self._came:
            self.requests.append(request)
            self._came.notify_all()
        gone = asyncio.ensure_future(reader.read(1))
        played = asyncio.ensure_future(self._play(script, writer))
        try:
            await asyncio.wait({gone, played}, return_when=asyncio.FIRST_COMPLETED)
            # A write that finds nobody fails; its task is done then, the script is not.
            whole = played.done() and not played.exception()
            request.client_left = gone.done() and not whole
            request.closed_at = time.time()
            request.closed.set()
            return await gone if whole and self.keep_alive else b""
        finally:
            request.closed.set()
            for task in (gone, played):
                task.cancel()
            await asyncio.gather(gone, played, return_exceptions=True)

    def _next(self) -> Script:
        return self.scripts.pop(0) if self.scripts else self.default

    async def _read(self, reader: asyncio.StreamReader, begun: bytes) -> Request:
        head = (begun + await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(first.split()[1], headers, json.loads(body or b"{}"))

    async def _play(self, script: Script, writer: asyncio.StreamWriter) -> None:
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "request-id": "req_loopback",
            **script.headers,
            "connection": "keep-alive" if self.keep_alive else "close",
            "transfer-encoding": "chunked",
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if script.status:
            writer.write(f"HTTP/1.1 {script.status} Scripted\r\n{head}\r\n".encode())
        for step in script.steps:
            if callable(step) and not isinstance(step, type):
                step = step()
            if isinstance(step, bytes):
                writer.write(f"{len(step):x}\r\n".encode() + step + b"\r\n")
                await writer.drain()
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Hold):
                while not step.let_go.is_set():
                    await asyncio.sleep(0.01)
            else:
                _close_at_once(writer, reset=step is Reset)
                return
        writer.write(b"0\r\n\r\n" if script.status else b"")
        await writer.drain()


def _close_at_once(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if not reset:
        writer.close()
    else:
        lingering = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        writer.transport.abort()


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server on its own thread, stopped at the end."""
    server = Server()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(server._serve, "127.0.0.1", 0, ssl=tls), loop
    ).result(DEADLINE_SECONDS)
    scheme = "https" if tls else "http"
    server.url = f"{scheme}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    yield server
    asyncio.run_coroutine_threadsafe(_close(listening), loop).result(DEADLINE_SECONDS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(DEADLINE_SECONDS)
    loop.close()


async def _close(listening: asyncio.Server) -> None:
    listening.close()
    await asyncio.sleep(0)  # A task that is cancelled before it begins closes no connection.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
