"""Where in a chat a prompt is asked, and what of its answer is kept."""

from __future__ import annotations

from typing import Any

import pytest

from notebook_stream.reply import Draft, Ending, Reply
from notebook_stream.turns import Cell, Place, Turn, messages

from ..streams import refused


def reply(
    *blocks: dict[str, Any], stop_reason: str | None = "end_turn", ending: Ending | None = None
) -> Reply:
    draft = Draft("m")
    for index, block in enumerate(blocks):
        draft.add({"type": "content_block_start", "index": index, "content_block": block})
    if stop_reason:
        draft.add({"type": "message_delta", "delta": {"stop_reason": stop_reason}})
    return draft.freeze(ending)


def said(text: str) -> Reply:
    return reply({"type": "text", "text": text})


def asked(turns: list[Turn], prompt: str, cell: Cell | None = None) -> list[str]:
    """Ask, and answer with the prompt in capitals; the prompts that go before it."""
    place = Place("c", turns, cell)
    before = [turn.prompt for turn in place.before()]
    place.keep(prompt, said(prompt.upper()))
    return before


def test_prompts_go_to_the_end() -> None:
    turns: list[Turn] = []
    assert asked(turns, "a") == []
    assert asked(turns, "b", ("1", "run 1")) == ["a"]
    assert asked(turns, "c", ("2", "run 2")) == ["a", "b"]
    assert [message["role"] for message in messages(turns, {})] == ["user", "assistant"] * 3


def test_a_cell_that_is_run_again_asks_where_it_asked() -> None:
    turns: list[Turn] = []
    for n, prompt in enumerate("abc"):
        asked(turns, prompt, (str(n), f"run {n}"))
    assert asked(turns, "B", ("1", "run 3")) == ["a"]
    assert [turn.prompt for turn in turns] == ["a", "B", "c"]
    assert asked(turns, "C", ("2", "run 4")) == ["a", "B"]


def test_a_cell_of_many_turns_replaces_them_all() -> None:
    turns: list[Turn] = []
    asked(turns, "before", ("0", "run 0"))
    for prompt in "abc":
        asked(turns, prompt, ("1", "run 1"))
    asked(turns, "after", ("2", "run 2"))
    assert asked(turns, "A", ("1", "run 3")) == ["before"]
    assert asked(turns, "B", ("1", "run 3")) == ["before", "A"]
    assert [turn.prompt for turn in turns] == ["before", "A", "B", "after"]


WORDS = {"type": "text", "text": "some words"}
CALL = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}


@pytest.mark.parametrize(
    "one",
    [
        reply(stop_reason=None, ending="stopped"),
        reply({"type": "text", "text": "  "}, stop_reason=None, ending="stopped"),
        reply(THOUGHT, stop_reason=None, ending="connection_lost"),
        reply(stop_reason=None, ending="error"),
        reply(WORDS, stop_reason="refusal"),
    ],
    ids=["nothing", "blank", "thinking", "error", "refusal"],
)
def test_what_cannot_stand_makes_no_turn_and_leaves_the_old_one(one: Reply) -> None:
    turns = [Turn("old", said("x"), ("1", "run 1"))]
    Place("c", turns, ("1", "run 2")).keep("new", one)
    assert [turn.prompt for turn in turns] == ["old"]


@pytest.mark.parametrize(
    "one",
    [
        reply(),
        reply(WORDS, CALL, stop_reason="tool_use"),
        reply(WORDS, {**CALL, "type": "server_tool_use"}, stop_reason="pause_turn"),
        reply(WORDS, stop_reason=None, ending="interrupted"),
        reply(WORDS, THOUGHT, stop_reason="max_tokens"),
    ],
    ids=["whole and empty", "call", "pause", "cut", "max_tokens"],
)
def test_every_other_is_a_turn_that_the_api_takes_before_another_prompt(one: Reply) -> None:
    turns: list[Turn] = []
    Place("c", turns).keep("p", one)
    _, answered = messages(turns, {})
    assert not refused(answered["content"], calls_answered=False)


def test_an_answer_outside_of_any_chat_is_not_looked_into() -> None:
    one = reply(WORDS, stop_reason=None, ending="stopped")
    place = Place()
    place.keep("p", one)
    assert not place.turns
    assert "blocks" not in vars(one)  # which would hold a long text a second time


def test_a_reply_that_nests_deeper_than_json_can_be_written_ends_no_request_early() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    whole = {"type": "web_search_tool_result", "tool_use_id": "t", "content": deep}
    search = {"type": "server_tool_use", "id": "t", "name": "f", "input": {}}
    turns = [Turn("a", reply(search, whole)), Turn("b", reply(THOUGHT, WORDS))]
    *_, answered = messages(turns, {})
    assert answered["content"] == [WORDS]
