"""`astream` in a web route, with a real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from notebook_stream import astream

from ..loopback import DEADLINE_SECONDS, Hold, Script, Server, answer, delta, start

app = FastAPI()


@app.get("/ask")
async def ask(prompt: str) -> StreamingResponse:
    async def text() -> AsyncIterator[str]:
        async with astream(prompt) as s:
            async for piece in s:
                yield piece

    return StreamingResponse(text(), media_type="text/plain")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> Iterator[str]:
    """The address of the app, served by uvicorn on a thread."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, env[name])
    listening = socket.create_server(("127.0.0.1", 0))
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join(DEADLINE_SECONDS)
    listening.close()


def test_a_route_streams_the_answer(site: str, server: Server) -> None:
    server.play(answer("Hel", "lo", pause=0.05))
    with httpx2.stream("GET", f"{site}/ask", params={"prompt": "hi"}) as response:
        pieces = list(response.iter_text())
    assert pieces == ["Hel", "lo"]


def test_a_client_that_leaves_closes_the_connection_to_the_api(site: str, server: Server) -> None:
    server.play(Script([start(), delta("one"), Hold()]))
    with httpx2.stream("GET", f"{site}/ask", params={"prompt": "hi"}) as response:
        assert next(response.iter_text()) == "one"
        assert not server.requests[0].closed.is_set()
    assert server.requests[0].has_closed()
    assert server.requests[0].client_left
