"""The fold of events into a Reply."""

from __future__ import annotations

import copy
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notebook_stream.values.reply import Draft, Reply, Usage

RECORDINGS = os.environ.get("NOTEBOOK_STREAM_RECORDINGS", "")
CORPUS = sorted(Path(RECORDINGS).rglob("*.sse")) if RECORDINGS else []


def events(body: str) -> Iterator[dict[str, Any]]:
    """The JSON of each whole data line; a corpus file may be cut inside one."""
    for line in body.splitlines():
        if line.startswith("data:"):
            try:
                yield json.loads(line[5:])
            except ValueError:
                return


def folded(*given: dict[str, Any]) -> Reply:
    draft = Draft()
    for event in given:
        draft.add(event)
    return draft.freeze()


def delta(kind: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def block(index: int = 0, **start: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": start}


def test_text_is_the_sum_of_its_deltas_over_all_blocks() -> None:
    reply = folded(
        block(type="text", text=""),
        delta("text_delta", text="a"),
        block(1, type="tool_use", id="t", name="f", input={}),
        delta("input_json_delta", 1, partial_json='{"x": '),
        delta("input_json_delta", 1, partial_json="1}"),
        block(2, type="text", text=""),
        delta("text_delta", 2, text="b"),
        delta("citations_delta", 2, citation={"url": "u"}),
    )
    assert reply == "ab"
    assert reply.tool_calls == [{"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}]
    assert reply.citations == [{"url": "u"}]
    assert reply.blocks[2] == {"type": "text", "text": "b", "citations": [{"url": "u"}]}


def test_thinking_is_apart_from_the_text() -> None:
    reply = folded(
        block(type="thinking", thinking="", signature=""),
        delta("thinking_delta", thinking="hm"),
        delta("thinking_delta", thinking="m"),
        delta("signature_delta", signature="sig"),
        delta("text_delta", 1, text="yes"),
    )
    assert (reply, reply.thinking) == ("yes", "hmm")
    assert reply.blocks[0] == {"type": "thinking", "thinking": "hmm", "signature": "sig"}


def test_usage_is_cumulative_and_keeps_what_is_not_repeated() -> None:
    start = {
        "input_tokens": 5,
        "output_tokens": 1,
        "cache_creation": {"ephemeral_1h_input_tokens": 3},
    }
    reply = folded(
        {"type": "message_start", "message": {"id": "m", "model": "claude-x", "usage": start}},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 9},
        },
    )
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (5, 9)
    assert reply.usage.cache_creation.ephemeral_1h_input_tokens == 3
    assert reply.usage.cache_read_input_tokens is None
    assert reply.complete
    with pytest.raises(AttributeError):
        _ = reply.usage.inputt_tokens


@pytest.mark.parametrize(
    ("reason", "complete"),
    [("end_turn", True), ("tool_use", True), ("stop_sequence", True), ("max_tokens", False),
     ("refusal", False), ("pause_turn", False), (None, False)],
)  # fmt: skip
def test_complete_says_whether_the_model_ended_it(reason: str | None, complete: bool) -> None:
    assert folded({"type": "message_delta", "delta": {"stop_reason": reason}}).complete is complete


def test_unknown_events_blocks_and_deltas_pass() -> None:
    reply = folded(
        {"type": "weather_report"},
        {},
        block(type="hologram", frames=[]),
        delta("hologram_delta", frame={"n": 1}),
        delta("hologram_delta", frame={"n": 2}),
        delta("text_delta", 7, text="late"),
    )
    assert reply == "late"
    assert reply.blocks[0] == {"type": "hologram", "frames": [], "frame": {"n": 2}}


def test_invalid_tool_input_is_kept_as_text() -> None:
    reply = folded(
        block(type="tool_use", name="f", input={}), delta("input_json_delta", partial_json='{"x')
    )
    assert reply.tool_calls[0]["input"] == '{"x'


def test_a_long_text_is_held_once_and_every_view_of_it_is_whole() -> None:
    text = "wave 🌊 " * 10_000
    reply = folded(block(type="text", text=""), delta("text_delta", text=text))
    kept = pickle.dumps(reply)
    assert len(kept) < 1.5 * len(text.encode())
    for one in (reply, pickle.loads(kept)):  # noqa: S301 - just made
        assert one.blocks == [{"type": "text", "text": text}]
        assert one.message is not None
        assert one.message["content"] == [{"type": "text", "text": text.rstrip()}]
        assert type(one.blocks[0]["text"]) is str


@pytest.mark.parametrize("dup", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])  # noqa: S301
def test_a_reply_pickles_and_copies_whole(dup: Any) -> None:
    reply = Reply("hi", usage=Usage(input_tokens=1), cost=0.5, stop_reason="end_turn")
    reply._shown_now = lambda: True
    twin = dup(reply)
    assert (twin, twin.usage, twin.cost, twin.stop_reason) == (
        "hi",
        {"input_tokens": 1},
        0.5,
        "end_turn",
    )
    assert twin.usage.input_tokens == 1
    assert isinstance(twin, Reply)


def test_a_reply_is_a_str() -> None:
    reply = Reply("[1, 2]")
    assert json.loads(reply) == [1, 2]
    assert f"{reply}!" == "[1, 2]!"
    assert (reply.cost, reply.complete, reply.tool_calls) == (None, False, [])


@pytest.mark.skipif(not CORPUS, reason="NOTEBOOK_STREAM_RECORDINGS names no recordings")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_real_streams_fold_to_the_sum_of_their_text_deltas(path: Path) -> None:
    seen = list(events(path.read_text(encoding="utf-8")))
    deltas = [event.get("delta") or {} for event in seen if event["type"] == "content_block_delta"]
    text = "".join(d["text"] for d in deltas if d["type"] == "text_delta")
    assert folded(*seen) == text
