"""Answers that come as one JSON message, from a gateway that ignores ``stream``."""

from __future__ import annotations

import asyncio
import json
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest
from anthropic.lib.streaming import _beta_messages, _messages

import notebook_stream as ns
from notebook_stream.api import whole
from notebook_stream.api.stream import decoded, explain
from notebook_stream.running.waiting import block
from notebook_stream.view import NoView
from notebook_stream.view.terminal import TerminalView

from .. import streams
from ..answers import new_answer
from ..loopback import Drop, Hold, Pause, Script, Server, Step, answer, delta, end, start
from ..unit.test_streams import bare, by_sdk

LONG = streams.stream(streams.text(*["word " * 1000] * 21))
CUT = "tool cut by max_tokens"
"""Its input is half of its JSON, which no whole message holds."""

STREAMED = {name: body for name, body in streams.STREAMS.items() if name != CUT} | {"long": LONG}
HELLO = STREAMED["text"]
HELLO_TEXT = "Hello **wörld** 🌊.\n\n潮汐"


def in_one(body: bytes, module: ModuleType = _messages) -> dict[str, Any]:
    """The message that the API gives where it does not stream, as the SDK puts it together."""
    message: dict[str, Any] = bare(by_sdk(body, module))
    return message


JSON = {"content-type": "application/json"}


def playing(message: Any, **headers: str) -> Script:
    return Script([json.dumps(message).encode()], 200, headers or JSON)


class Noting(NoView):
    """A view that holds on to the notes at the end."""

    shows = True

    def __init__(self) -> None:
        self.notes: tuple[str, ...] = ()

    def finish(self, reply: ns.Reply, notes: tuple[str, ...]) -> None:
        self.notes = notes


def asked(**options: Any) -> tuple[ns.Reply, tuple[str, ...]]:
    view = Noting()
    return block(new_answer("hi", **options, view=lambda: view)), view.notes


def facts(reply: ns.Reply) -> dict[str, Any]:
    """All that a reply knows, but for times."""
    names = [name for name in vars(reply) if not name.startswith("_") and "seconds" not in name]
    derived = {
        name: getattr(reply, name) for name in ("blocks", "message", "tool_calls", "citations")
    }
    known: dict[str, Any] = bare({**{name: vars(reply)[name] for name in names}, **derived})
    return {"text": str(reply), **known}


pytestmark = pytest.mark.usefixtures("api")


@pytest.mark.parametrize("name", [*STREAMED, *streams.BETA])
def test_a_whole_message_is_the_same_answer_as_its_stream(name: str, server: Server) -> None:
    body = (STREAMED | streams.BETA)[name]
    message = in_one(body, _beta_messages if name in streams.BETA else _messages)
    rest = [answer("The rest.")] if message["stop_reason"] == "pause_turn" else []
    server.play(Script([body]), *rest, playing(message), *rest)
    by_stream, none = asked()
    at_once, notes = asked()
    assert facts(at_once) == facts(by_stream)
    assert at_once.usage
    assert at_once.cost
    assert (none, notes) == ((), (whole.NOTE,))
    again = pickle.loads(pickle.dumps(at_once))  # noqa: S301 - just made
    assert (again, again.message) == (at_once, at_once.message)


@pytest.mark.parametrize(
    "headers",
    [
        JSON,
        {"content-type": "text/event-stream"},
        {"content-type": ""},
        {"content-type": "text/plain"},
    ],
    ids=str,
)
def test_the_body_says_whether_it_is_a_stream(headers: dict[str, str], server: Server) -> None:
    hello = answer("Hello", ", world.")
    server.play(playing(in_one(HELLO), **headers), Script(hello.steps, 200, headers))
    assert asked() == (HELLO_TEXT, (whole.NOTE,))
    assert asked() == ("Hello, world.", ())


@pytest.mark.parametrize("before", ["\ufeff", " \r\n", "\n" * 9, "\ufeff\n"], ids=repr)
def test_what_comes_before_a_body_changes_nothing(before: str, server: Server) -> None:
    body = json.dumps(in_one(HELLO)).encode()
    pieces = [bytes([one]) for one in before.encode()]
    bytewise: list[Step] = [*pieces, *(body[n : n + 7] for n in range(0, len(body), 7))]
    server.play(Script(bytewise, 200, JSON), Script([*pieces, *answer("ok").steps]))
    assert asked() == (HELLO_TEXT, (whole.NOTE,))
    assert asked() == ("ok", ())


def test_a_text_without_its_block_is_taken(server: Server) -> None:
    server.play(
        playing({**in_one(HELLO), "content": "Hello"}), playing({"content": ["x", 1, None]})
    )
    assert asked()[0] == "Hello"
    reply, _ = asked()
    assert (reply, reply.stop_reason, reply.cost) == ("", None, None)


def test_a_terminal_and_a_script_report_that_it_did_not_stream(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.play(playing(in_one(HELLO)), playing(in_one(HELLO)))
    block(new_answer("hi", view=TerminalView))
    assert whole.NOTE in capsys.readouterr().out
    with pytest.warns(RuntimeWarning, match="did not stream"):
        assert ns.ask("hi") == HELLO_TEXT


def test_its_events_are_those_of_a_stream(server: Server) -> None:
    server.play(playing(in_one(STREAMED["thinking"])))
    with pytest.warns(RuntimeWarning, match="did not stream"), ns.stream("hi") as s:
        kinds = [event["type"].removeprefix("content_") for event in s.events()]
    block = ["block_start", "block_delta", "block_stop"]
    assert kinds == ["message_start", *block, *block, "message_delta", "message_stop"]


def test_a_whole_message_is_recorded_and_replayed(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "whole.txt"
    server.play(playing(in_one(STREAMED["tool"])))
    reply, _ = asked(record=file)
    again, notes = asked(replay=file)
    assert (again, again.message, again.usage) == (reply, reply.message, reply.usage)
    assert again.recorded
    assert notes == (whole.NOTE,)
    assert len(server.requests) == 1


def from_body(body: bytes) -> Exception | str:
    """What the decoder makes of a body that ends so, without a socket's word on it."""

    async def read() -> str:
        request = httpx2.Request("POST", "http://gateway.test")
        response = httpx2.Response(200, content=body, headers=JSON, request=request)
        return "".join([event["type"] async for event in decoded(response)])

    try:
        return asyncio.run(read())
    except Exception as error:  # noqa: BLE001 - as the reader's only caller does
        return explain(error)


def test_a_message_that_is_cut_anywhere_is_a_lost_connection() -> None:
    body = json.dumps(in_one(STREAMED["tool"]), ensure_ascii=False).encode()
    kinds = {type(from_body(body[:n])) for n in range(1, len(body))}
    assert kinds == {ns.ConnectionLostError}
    assert str(from_body(body)).startswith("message_start")


def test_a_message_whose_connection_drops_is_a_lost_connection(server: Server) -> None:
    server.play(Script([json.dumps(in_one(HELLO)).encode()[:90], Drop], 200, JSON))
    with pytest.raises(ns.ConnectionLostError) as caught:
        asked()
    assert caught.value.reply == ""


ERROR = {"type": "overloaded_error", "message": "Overloaded"}
NO_MESSAGE: dict[str, tuple[bytes, list[str]]] = {
    "an error": (json.dumps({"type": "error", "error": ERROR}).encode(), ["overloaded", "wait a minute"]),
    "another's error": (b'{"error": {"message": "no quota", "type": "x"}}', ["no quota"]),
    "a bare error": (b'{"error": "no quota"}', ["no quota"]),
    "OpenAI's answer": (b'{"object": "chat.completion", "choices": []}', ["OpenAI", "ANTHROPIC_BASE_URL"]),
    "an error with content": (b'{"type": "error", "content": [], "message": "no quota"}', ["no quota"]),
    "a detail": (b'{"detail": "not loaded"}', ["not loaded", "ANTHROPIC_BASE_URL"]),
    "nothing": (b"{}", ["no answer", "ANTHROPIC_BASE_URL"]),
    "no content": (b'{"type": "message", "content": null}', ["no answer"]),
    "a list": (b"[1]", ["sent no stream but application/json"]),
    "a word": (b'"ok"', ["sent no stream but application/json"]),
    "no JSON": (b"{oops}", ["cannot be read"]),
    "two": (b'{"content": "a"}\n{"content": "b"}', ["cannot be read"]),
    "too deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ["could not be read"]),
    "no text": (b'{"content": "\xff\xfe"}', ["could not be read"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_MESSAGE)
def test_what_is_no_message_is_named(name: str, server: Server) -> None:
    body, words = NO_MESSAGE[name]
    server.play(Script([body], 200, JSON))
    with pytest.raises(ns.StreamError) as caught:
        asked()
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert message.endswith(".")
    assert message.isprintable()
    assert caught.value.request_id == "req_loopback"


def test_a_stop_ends_the_wait_for_a_whole_message(server: Server) -> None:
    body = json.dumps(in_one(HELLO)).encode()
    server.play(Script([body[:50], Pause(0.01), body[50:90], Hold()], 200, JSON))
    with ns.stream("hi") as s:
        server.wait_for_request()
        s.stop()
        assert not list(s)
    assert (s.reply, s.reply.stop_reason) == ("", "stopped")
    assert server.requests[0].has_closed()


def test_a_hundred_megabytes_come_whole_in_one(server: Server) -> None:
    piece = b"abcdefghij" * 100_000
    head, tail = json.dumps({**in_one(HELLO), "content": "|"}).encode().split(b"|")
    server.play(Script([head, *[piece] * 100, tail], 200, JSON))
    reply, _ = asked()
    assert (len(reply), reply.complete) == (100_000_000, True)
    as_sent = reply == piece.decode() * 100
    assert as_sent  # pytest would take minutes to show where two such texts differ


def test_a_message_without_an_end_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "LARGEST", 5_000_000)
    server.play(Script([b'{"content": "', *[b"x" * 100_000] * 60, Hold()], 200, JSON))
    with pytest.raises(ns.StreamError, match="more than 5,000,000 bytes"):
        asked()
    assert server.requests[0].has_closed()


def test_a_stream_after_a_comment_is_a_stream(server: Server) -> None:
    server.play(Script([b": waiting\n\n", start(), delta("ok"), end()], 200, JSON))
    assert asked() == ("ok", ())
