"""Six hundred small answers, twenty at once: `aask` beside one client of the bare SDK.

The API is a process of its own that keeps connections alive, so that its CPU time is counted for
neither. Both loops run in one process, in turns; the lowest of five runs counts.
"""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..loopback import delta, end, start

ANSWERS, AT_ONCE, RUNS = 600, 20, 5
BODY = start() + b"".join(delta(f"word {n} ") for n in range(10)) + end()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nrequest-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKS = HEAD + f"{len(BODY):x}\r\n".encode() + BODY + b"\r\n0\r\n\r\n"

Asked = Callable[[], Awaitable[object]]


class Connection(asyncio.Protocol):
    """Answers each request of one connection with the same short answer."""

    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Connection.made += 1
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # of a stream
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if not blank or len(body) < length:
            return
        self._received = body[length:]
        if head.startswith(b"GET"):
            count = str(Connection.made).encode()
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(count) + count
            )
        else:
            self._transport.write(CHUNKS)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.pool", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()  # else a failure would wait for the server, which never ends


async def all_of(ask: Asked) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            await ask()

    await asyncio.gather(*(one() for _ in range(ANSWERS)))


@dataclass
class Cost:
    """Of all answers: seconds, milliseconds of CPU an answer, connections made."""

    wall: float = math.inf
    cpu: float = math.inf
    connections: int = 0

    async def measure(self, ask: Asked, connections: Callable[[], Awaitable[int]]) -> None:
        """Measure once more; the lowest figure counts, but for connections their sum."""
        before, wall, cpu = await connections(), time.perf_counter(), time.process_time()
        await all_of(ask)
        self.wall = min(self.wall, time.perf_counter() - wall)
        self.cpu = min(self.cpu, 1000 * (time.process_time() - cpu) / ANSWERS)
        self.connections += await connections() - before - 1


async def main(url: str) -> None:
    import anthropic
    import httpx2

    import notebook_stream

    os.environ |= {"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": url, "NO_PROXY": "127.0.0.1"}
    messages = [{"role": "user", "content": "hi"}]
    client = anthropic.AsyncAnthropic()

    async def sdk() -> None:
        async with client.messages.stream(
            model="claude-sonnet-5-5",
            max_tokens=100,
            messages=messages,  # type: ignore[arg-type] # of the SDK's own shape
        ) as stream:
            "".join([text async for text in stream.text_stream])

    async def connections() -> int:
        async with httpx2.AsyncClient() as asking:
            return int((await asking.get(url)).text)

    async def ours() -> None:
        await notebook_stream.aask("hi", model="claude-sonnet-5-5")

    await sdk()
    await ours()
    theirs, mine = Cost(), Cost()
    for _ in range(RUNS):
        await theirs.measure(sdk, connections)
        await mine.measure(ours, connections)
    print(f"| {ANSWERS} answers, {AT_ONCE} at once | seconds | CPU, ms an answer | connections |")
    print("|---|--:|--:|--:|")
    for name, cost in {"the SDK, one client": theirs, "`aask`": mine}.items():
        print(f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.connections} |")
    print(f"| ratio | {mine.wall / theirs.wall:.2f} | {mine.cpu / theirs.cpu:.2f} | |")
    await client.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        asyncio.run(serve())
    else:
        with serving() as url:
            asyncio.run(main(url))
