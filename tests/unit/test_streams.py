"""Every stream: as the SDK reads it, and fit to be sent back."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import httpx2
import pytest
from anthropic.lib.streaming import _beta_messages, _messages

from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.reply import Reply

from ..loopback import event
from ..streams import BEGUN, BETA, CORPUS, STREAMS, call, events, refused, stream, text

OWN = {**STREAMS, **BETA, "begun": BEGUN}
ALL = {**OWN, **{path.stem: path.read_bytes() for path in CORPUS}}
ONE_BODY = [path for path in CORPUS if path.read_bytes().count(b'"message_start"') == 1]
"""The others are several bodies glued together: no one message."""

KNOWN = ("message_start", "message_delta", "message_stop")


def folded(body: bytes) -> Reply:
    draft = AnswerDraft()
    for one in events(body):
        draft.add(one)
    return draft.freeze()


def by_sdk(body: bytes, module: ModuleType) -> dict[str, Any]:
    """The message that the SDK's own accumulator makes."""
    snapshot, buffers = None, dict[int, bytes]()
    beta = {"request_headers": httpx2.Headers()} if module is _beta_messages else {}
    for one in events(body):
        if one["type"] in KNOWN or one["type"].startswith("content_block"):
            snapshot = module.accumulate_event(
                event=one, current_snapshot=snapshot, json_bufs=buffers, **beta
            )
    assert snapshot is not None
    text = snapshot.model_dump_json(exclude_unset=True, by_alias=True, warnings=False)
    message: dict[str, Any] = json.loads(text)
    return message


def bare(value: Any) -> Any:
    """Without nulls and the SDK's own additions."""
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if v is not None and k != "parsed_output"}
    return [bare(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", [*STREAMS, "begun"])
def test_blocks_text_and_usage_are_what_the_sdk_makes_of_them(name: str) -> None:
    reply, message = folded(OWN[name]), by_sdk(OWN[name], _messages)
    cut = name == "tool cut by max_tokens"  # the SDK guesses the rest of the JSON
    assert bare(reply.blocks[: 1 if cut else None]) == bare(
        message["content"][: 1 if cut else None]
    )
    assert reply == "".join(b["text"] for b in message["content"] if b["type"] == "text")
    assert bare(dict(reply.usage)) == bare(message["usage"])
    assert reply.stop_reason == message["stop_reason"]


@pytest.mark.parametrize("name", BETA)
def test_beta_blocks_are_what_the_sdk_makes_of_them(name: str) -> None:
    assert bare(folded(BETA[name]).blocks) == bare(by_sdk(BETA[name], _beta_messages)["content"])


@pytest.mark.skipif(not CORPUS, reason="NOTEBOOK_STREAM_RECORDINGS names no recordings")
@pytest.mark.parametrize("path", ONE_BODY, ids=lambda path: path.stem)
def test_real_streams_are_what_the_sdk_makes_of_them(path: Any) -> None:
    body = path.read_bytes()
    message = by_sdk(body, _beta_messages)
    reply = folded(body)
    assert reply == "".join(b["text"] for b in message["content"] if b["type"] == "text")
    assert bare(dict(reply.usage)) == bare(message["usage"])
    whole = [b for b in reply.blocks if not isinstance(b.get("input"), str)]
    assert bare(whole) == bare([b for b, ours in zip(message["content"], reply.blocks, strict=True)
                                if ours in whole])  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_every_message_can_be_sent_back(name: str) -> None:
    message = folded(ALL[name]).message
    assert message is not None
    answered = message.get("stop_reason") in {"tool_use", "pause_turn"}
    assert not refused(message["content"], calls_answered=answered)


def test_a_whole_answer_is_sent_back_whole() -> None:
    reply = folded(STREAMS["search"])
    assert reply.message is not None
    assert reply.message["content"] == reply.blocks


def test_unknown_events_are_preserved() -> None:
    strange = {"type": "text_delta", "text": "b", "mood": "calm"}
    body = stream(({"type": "hologram", "depth": 3}, [{"type": "depth_delta", "voxels": [1]}]))
    reply = folded(
        body
        + event("content_block_start", index=5, content_block={"type": "text", "text": "a"})
        + event("content_block_delta", index=5, delta=strange)
        + event("weather", sky="clear")
        + event("message_delta", delta={}, context_management={"applied_edits": []})
    )
    message = reply.message or {}
    assert message["content"][0] == {"type": "hologram", "depth": 3, "voxels": [1]}
    assert message["content"][1] == {"type": "text", "text": "ab", "mood": "calm"}
    assert message["events"] == [{"type": "weather", "sky": "clear"}]
    assert message["context_management"] == {"applied_edits": []}


def test_a_model_that_takes_over_is_the_model() -> None:
    handed = {"type": "fallback", "from": {"model": "claude-a"}, "to": {"model": "claude-b"}}
    assert folded(stream((handed, []), text("Hi."))).model == "claude-b"


def test_an_emoji_in_two_halves_is_one() -> None:
    reply = folded(stream(text("a\ud83c", "\udf0a", "b\ud83c"), call("tool_use", "f", '"\ud83c')))
    assert reply == "a🌊b"
    reply.encode()


SHAPES: list[Any] = [None, 1, -1, 1.5, True, [], [1], {}, {"a": 1}, "", "\ud83d", 10**30]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: repr(shape)[:12])
def test_any_shape_in_any_place_leaves_a_reply(shape: Any) -> None:
    draft = AnswerDraft()
    draft.add({"type": shape})
    for kind, *names in (
        ("message_start", "message"), ("content_block_start", "content_block", "index"),
        ("content_block_delta", "delta", "index"), ("message_delta", "delta", "usage"),
    ):  # fmt: skip
        for name in names:
            draft.add({"type": kind, name: shape})
    for name in ("id", "model", "content", "stop_reason", "usage"):
        draft.add({"type": "message_start", "message": {name: shape}})
        draft.add({"type": "message_delta", "delta": {name: shape}})
    for name in ("type", "text", "thinking", "citations", "input", "id", "tool_use_id", "to"):
        draft.add({"type": "content_block_start", "index": 1, "content_block": {name: shape}})
        for kind in ("text", "fallback", "tool_use", "thinking"):
            start = {"type": kind, name: shape}
            draft.add({"type": "content_block_start", "index": 1, "content_block": start})
        for delta in ("text", "thinking", "partial_json", "citation", "signature", "type"):
            draft.add({"type": "content_block_delta", "index": 1, "delta": {delta: shape}})
    draft.add({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "kept"}})
    reply = draft.freeze()
    assert reply.endswith("kept")
    assert reply.message is not None
    assert (reply.tool_calls, reply.citations) is not None
    reply.encode()


def test_json_of_any_depth_is_preserved_as_text() -> None:
    deep = "[" * 100_000
    reply = folded(stream(call("tool_use", "f", deep)))
    assert reply.blocks[0]["input"] == deep
