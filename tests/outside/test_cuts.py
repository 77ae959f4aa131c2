"""A stream that is cut, at every byte: what came is kept, nothing is invented, no end is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from notebook_stream.api.stream import decoded, explain
from notebook_stream.errors import ClaudeError, ConnectionLostError
from notebook_stream.values.draft import AnswerDraft

from ..streams import BETA, CORPUS, STREAMS, events, refused

SMALL = sorted((p for p in CORPUS if p.stat().st_size < 6000), key=lambda p: -p.stat().st_size)[:10]
BODIES = {
    **STREAMS,
    **BETA,
    "CRLF": STREAMS["search"].replace(b"\n", b"\r\n"),
    **{path.stem: path.read_bytes() for path in SMALL},
}


class Body(httpx2.AsyncByteStream):
    def __init__(self, data: bytes, *, dropped: bool) -> None:
        self._data, self._dropped = data, dropped

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data
        if self._dropped:
            raise httpx2.RemoteProtocolError("peer closed connection")


async def read(data: bytes, *, dropped: bool) -> tuple[list[dict[str, object]], ClaudeError | None]:
    """What the API's reader makes of a body: its events, and how it failed."""
    headers = {"content-type": "text/event-stream"}
    response = httpx2.Response(200, headers=headers, stream=Body(data, dropped=dropped))
    response.request = httpx2.Request("POST", "http://api")
    came = []
    try:
        async for event in decoded(response):
            came.append(event)
    except Exception as error:  # noqa: BLE001 - as the reader's only caller does
        return came, explain(error)
    return came, None


async def cut_everywhere(body: bytes, *, dropped: bool) -> None:
    whole = list(events(body))
    for end in range(len(body)):
        came, error = await read(body[:end], dropped=dropped)
        assert came == whole[: len(came)], end
        complete = body[:end].count(b"\n\n") + body[:end].count(b"\r\n\r\n")
        assert complete <= len(came) + 1, end
        draft = AnswerDraft()
        text = "".join([draft.add(event) for event in came])
        reply = draft.freeze()
        assert reply == text
        # `Answer` names the ending by the same two facts.
        assert error is None or isinstance(error, ConnectionLostError), (end, error)
        deltas = [e for e in came if e["type"] == "message_delta"]
        assert (reply.stop_reason is not None) == bool(deltas), end
        assert not (dropped and error is None and not deltas), end
        assert reply.message is not None
        answered = reply.stop_reason in {"tool_use", "pause_turn"}
        assert not refused(reply.message["content"], calls_answered=answered), end


@pytest.mark.parametrize("dropped", [False, True], ids=["ended", "dropped"])
@pytest.mark.parametrize("name", BODIES)
def test_a_stream_that_is_cut_at_any_byte(name: str, dropped: bool) -> None:
    asyncio.run(cut_everywhere(BODIES[name], dropped=dropped))


@pytest.mark.skipif(not CORPUS, reason="NOTEBOOK_STREAM_RECORDINGS names no recordings")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_a_real_stream_that_is_whole_is_read_without_a_fault(path: Path) -> None:
    body = path.read_bytes()
    came, error = asyncio.run(read(body, dropped=False))
    whole = b"message_stop" in body and b"event: error" not in body
    assert error is None or not whole
    assert came
