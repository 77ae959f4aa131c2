"""The fold of events into a Reply."""

from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.message import NOTHING
from notebook_stream.values.reply import Reply
from notebook_stream.values.usage import Usage

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
    draft = AnswerDraft()
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


def test_invalid_tool_input_is_preserved_as_text() -> None:
    reply = folded(
        block(type="tool_use", name="f", input={}), delta("input_json_delta", partial_json='{"x')
    )
    assert reply.tool_calls[0]["input"] == '{"x'


def test_a_long_text_is_held_once_and_every_view_of_it_is_whole() -> None:
    text = "wave 🌊 " * 10_000
    reply = folded(block(type="text", text=""), delta("text_delta", text=text))
    pickled = pickle.dumps(reply)
    assert len(pickled) < 1.5 * len(text.encode())
    for one in (reply, pickle.loads(pickled)):  # noqa: S301 - just made
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


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("stop_raeson", "stop_reason"), ("output_token", "output_tokens"), ("_stored", "stop_reason"),
     ("blocks", "cost"), ("message", "usage")],
)  # fmt: skip
def test_a_fact_that_replies_do_not_have_is_refused(name: str, nearest: str) -> None:
    with pytest.raises(TypeError, match=rf"no fact '{name}'; write .*\b{nearest}\b"):
        Reply("x", **{name: "x"})


def test_facts_of_rounds_are_not_given_twice() -> None:
    with pytest.raises(TypeError, match="cost"):
        AnswerDraft().freeze(cost=0.5)


@pytest.mark.parametrize("name", ["usage", "cost", "stop_reason", "message", "blocks", "rounds"])
def test_a_fact_is_not_assigned(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Reply("x"), name, None)


def test_a_reply_takes_attributes_of_the_users_own() -> None:
    reply = Reply("x")
    reply.grade = 3  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(reply)).grade == 3  # noqa: S301 - just made


def test_replies_do_not_share_their_usage() -> None:
    first, second = Reply("a"), Reply("b")
    first.usage["input_tokens"] = 5
    assert (second.usage, Reply().usage) == ({}, {})
    made = AnswerDraft().freeze()
    made.usage["input_tokens"] = 5
    assert made.rounds[0].usage == {}


def test_a_reply_made_by_hand_is_a_message() -> None:
    reply = Reply("by hand ")
    assert (reply.rounds, reply.message, reply.blocks) == ((), None, [])
    text = {"type": "text", "text": "by hand"}
    assert reply.messages == [{"role": "assistant", "content": [text]}]
    assert Reply().messages == [{"role": "assistant", "content": [NOTHING]}]


def test_a_plain_answer_is_one_round() -> None:
    reply = folded(block(type="text", text=""), delta("text_delta", text="hi "))
    (one,) = reply.rounds
    assert (one.text, one.blocks, one.message) == (reply, reply.blocks, reply.message)
    assert one.blocks is reply.blocks
    assert reply.messages == [{"role": "assistant", "content": [{"type": "text", "text": "hi"}]}]


OLD = {
    "in rooms": (
        "eNqtVdtuHEUQzcaz2V3n4jgbsLg8rCWEjITXAskvSFHgARxYYVBwgDwsTe9MZWvkmelJX2yvIJAIHNnQICDNM7"
        "zxO3wCn8AnUN17tb15AUYa9b3q1OlT1Q+jX7+onQtf163ZFwuhoSfELlNaAs/bezwzoNoSymzgbPV2aJ84G92l"
        "WXfoHrkHdKxqFO+Dw4qt3gm9J+6VRzR/KS1Ko5kWu1Ao12nYy8Lo2RnaokDupTEwnYJ0tq40LxIuE2fsRaVFyQ"
        "iGEgWtQJEwbaTvxiIvM9Dgjmw1Fwlkzi7HGTcJrNPeAvT65vom7dOYFrtp0Xd26Vb+aouOtHJoKYA2LTLCkqUF"
        "hAgiPSjhxImGSvsFJ4d+On49K3r9GzccPnPWlJkxEGk40JOm3jNpplOK1NbfzrK0VKkibsxjMs+g2INMlME/Nv"
        "G6PZ8mRHGu+uw1N7ZXy0EFRm0kRUZNgysyQiSR+VosCg3U67rxFXhblzoNvNyp4BVcOkUiLhvbAKXTnGtI3PGc"
        "+4hiobTbuvnXUBR2UcJ9UoBmARwNPLiaAnKdKLf1ZjTa17yXSjUyxCbLEzN1SVMyCU6jGHngSKalb/ydds7bKk"
        "gppNu2V9i+TDUFxvg97UWxwHuxMz1csNd3ECS0OP16X7R4K+GDiQyxjov/WXZ2ya+ApL0iY0Z5Sm1zH3oUFJcx"
        "shEfZKWi7ErMYwRPb8JOOq0avDqjWbx2hM15IiVBnXO4sjajoTMIhsq46seGTaEQdwXPaXlxdq4acHjUVQIqfd"
        "bqNAHl1KxOn52JKPiRoExGt3Jx7JU9xeeM6DznXbt8gpyhlQUjKSefQ61L9cbGBhxwn7BtIfsbQzAelPZ6ru4M"
        "x8tQxHJQkizZ2IGN4C1KOVsvSdnMq3vb8DnJ1ohTzXUqiPbubDI/fwYYy0QcdhJndIh8DS2MGPoXsJemsNMigY"
        "MxaMNx1TbnqHVOtaCdFaoi1Hl5WAo++N9KwTtUCraoFNzCd0+Xgm2Dm1s3/xzl54UeUbPrCfRKxNv4Ee7gHfwY"
        "P8FP8a4JN42fIcPPkWMvjHMsUGCJq/hlGH+FX1P/oYEp0hBqAItHPi78Br/FQ3yMx+QHf8Kf8ZcTJ/H7Keg1Dx"
        "rfww6+75PpBwIcSkA9Nrr192/2u1NpT+lW8wGWVGPw2jFlWyWn7MIPcWXKOLlZxZfMYaCaEP2ugs1ab9BCKgAT"
        "kz92fXLRW0hN7t8I07MvPOVtHL5J0Y5vwrvn3V0oJb1RdDGV+6Fs+mcT/6DSB1lGJa4myqFgH5BlaP8Drjzuzg"
        "=="
    ),
    "flat": (
        "eNqtVd1uG0UUrpt1bac/aeqWCK4cCaEgEUcg5QapKlxAChYBlRTohTvM7p76rLK7s52fJpYotIJUCQwI6HANd7"
        "wOj8Aj8AicGTu2k5gbwJK183PmnO98850zT6Jfysa58Ou7NXujFBpiIXaZ0hJ40ZVQ5UNn63fC97mz0T1QXXfg"
        "nrrHZF83ig/AYc3W74bRc/fqU1q/lJWV0UyLXSiV67XsZWH07AqZKJCPsgSYzkA621SalymXqTP2otKiYhRfiZ"
        "J2oEyZNtIPE1FUOWhwh7ZeiBRyZ5eTnJsU1sm2BL2+ub5JdhqzcjcrB84u3S5e69CRTgEdBdClTUZY8qyEkEGk"
        "hxWcONFS2aDkFNAvJ2/kZTy4edPhjbOuzIyDSMO+nnyasclynVGmtvlOnmeVyhRxY56RewblI8hFFeJjG6/b81"
        "lKFBdqwF53x/4aBajAqI2kyOnT4oqcEEnkvpGIUgON+u74CryvS70WXu7V8AounSIRl41tgdJZwTWk7mjOfUSJ"
        "UNpt3fpzpAa7KOGhoSMsgKOJB9dQQKFT5bbeisZ27QeZVGNHbLI9cdOUtCTTEDRKkAeOZFb5j7/T3nlbBymFdN"
        "v2CtuTmabEGH+gvSgWeJw4E+OCvb6DIKHD6a/3RId3Uj6cyBCbuPifZWeX/A5IshU5M8pTatt7EFNSXCbIxnyQ"
        "l5qyKwlPEDy9KTsZtG7w6oxm8dohtueJlAR1zuHK2oyGziAYKeOqnxs2hULclbyg7cXZtXrA4VHXCaj0VauzFJ"
        "RTszp9YSajEEeCMjndysXjqOwfYs6IznPet8snyBl5WTCSavJF1LpSb25swD73BdsVcrAxAuNBaa/n+s5ovgxl"
        "IocVyZIdB7ARvE0lZ5sVKZt5dW8bPqfYWkmmuc4E0d6fLeaXzgBjuUiCJXFGhyjWyMOYoX8Be2kKOytT2D8GbT"
        "iu2vYctc7pFmRZoy5Cg1dGreDD/60VvEutYItawW1873Qr2Da4uXXrj3F9XoiJml1PoFci3sGPcQfv4if4KX6G"
        "90y4abyPDD9HjnGYF1iiwApX8Ysw/xK/ovETA1OkIdUAFg99Xvg1foMH+AyPKA7+iD/hzydO4ndT0GseNL6PPf"
        "zAF9P3BDi0gGZidOevX+23p8qeyq3hE6yox+C1I6q2WkHVhR/hypRxCrOKL5uDQDUh+k0Fn4142EFqABOXP/R9"
        "cdEjSJ/CvxEmPvso+sImCUQ7vsDDi+cDXagkvU50JbWHoWH6BxN/p6YHeU7NrSGqkVQfk0/o/g0beumr"
    ),
}
"""Pickles by version 0.1.0, before and after its modules moved (zlib, then base64)."""


@pytest.mark.parametrize("layout", OLD)
def test_a_pickle_of_version_0_1_0_loads(layout: str) -> None:
    pickled = zlib.decompress(base64.b64decode(OLD[layout]))
    thinking, search, cut, hand, turn = pickle.loads(pickled)  # noqa: S301 - our own
    assert (thinking, thinking.thinking, thinking.cost) == ("Yes.", "Hm, let me see.", 0.5)
    assert (thinking.chat, thinking.turn, thinking.complete) == ("trip", 2, True)
    assert (thinking.usage.output_tokens, thinking.output_tokens) == (40, 40)
    (one,) = thinking.rounds
    assert (one.text, one.seconds, one.cost, one.written_after) == ("Yes.", 2.5, 0.5, "abc")
    assert (one.usage, one.stop_reason, one.request_id) == (thinking.usage, "end_turn", "req_1")
    assert [part["type"] for part in thinking.message["content"]] == ["thinking", "text"]
    assert thinking.message["id"] == "msg_1"
    assert search.blocks == search.message["content"]
    assert len(search.citations) == 1
    assert (cut, cut.stop_reason, cut.usage) == ("cut 🌊", "stopped", {})
    assert cut.messages == [{"role": "assistant", "content": [{"type": "text", "text": "cut 🌊"}]}]
    assert (hand, hand.rounds, hand.note, hand.usage, hand.cost) == (
        "by hand",
        (),
        "mine",
        {},
        None,
    )
    assert (turn.reply, turn.content) == (hand, None)
    assert pickle.loads(pickle.dumps(search)).blocks == search.blocks  # noqa: S301 - just made


@pytest.mark.skipif(not CORPUS, reason="NOTEBOOK_STREAM_RECORDINGS names no recordings")
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_real_streams_fold_to_the_sum_of_their_text_deltas(path: Path) -> None:
    recorded = list(events(path.read_text(encoding="utf-8")))
    deltas = [
        event.get("delta") or {} for event in recorded if event["type"] == "content_block_delta"
    ]
    text = "".join(d["text"] for d in deltas if d["type"] == "text_delta")
    assert folded(*recorded) == text
