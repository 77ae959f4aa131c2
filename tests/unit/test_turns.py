"""Where in a chat a prompt is asked, and what of its answer is kept."""

from __future__ import annotations

from typing import Any

import pytest

from notebook_stream.conversation.place import Place
from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.reply import Ending, Reply
from notebook_stream.values.turn import Cell, Turn, messages

from ..streams import refused


def reply(
    *blocks: dict[str, Any], stop_reason: str | None = "end_turn", ending: Ending | None = None
) -> Reply:
    draft = AnswerDraft("m")
    for index, block in enumerate(blocks):
        draft.add({"type": "content_block_start", "index": index, "content_block": block})
    if stop_reason:
        draft.add({"type": "message_delta", "delta": {"stop_reason": stop_reason}})
    return draft.freeze(ending)


def make_reply(text: str) -> Reply:
    return reply({"type": "text", "text": text})


def asked(turns: list[Turn], prompt: str, cell: Cell | None = None) -> list[str]:
    """Ask, and answer with the prompt in capitals; the prompts that go before it."""
    place = Place("c", turns, cell)
    before = [turn.prompt for turn in place.before()]
    place.keep(prompt, make_reply(prompt.upper()))
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


@pytest.fixture
def turns() -> list[Turn]:
    """Of a cell that asked three times, among those of other cells."""
    made: list[Turn] = []
    asked(made, "before", ("0", "run 0"))
    for prompt in "abc":
        asked(made, prompt, ("1", "run 1"))
    asked(made, "after", ("2", "run 2"))
    return made


AGAIN = ("1", "run 3")
NOTHING_CAME = reply(stop_reason=None, ending="stopped")


def prompts(turns: list[Turn]) -> list[str]:
    return [turn.prompt for turn in turns]


def test_a_cell_of_many_turns_replaces_them_one_by_one(turns: list[Turn]) -> None:
    assert asked(turns, "A", AGAIN) == ["before"]
    assert prompts(turns) == ["before", "A", "b", "c", "after"]
    assert asked(turns, "B", AGAIN) == ["before", "A"]
    assert prompts(turns) == ["before", "A", "B", "c", "after"]
    assert asked(turns, "C", AGAIN) == ["before", "A", "B"]
    assert asked(turns, "D", AGAIN) == ["before", "A", "B", "C"]
    assert prompts(turns) == ["before", "A", "B", "C", "D", "after"]


def test_turns_of_others_between_those_of_a_cell_stay_there() -> None:
    cells = zip("axbyc", "10101", strict=True)
    turns = [Turn(prompt, make_reply("x"), (cell, "run 1")) for prompt, cell in cells]
    assert asked(turns, "A", AGAIN) == []
    assert asked(turns, "B", AGAIN) == ["A", "x"]
    assert prompts(turns) == ["A", "x", "B", "y", "c"]


def test_what_a_cell_asks_no_more_goes_when_it_has_ended_well(turns: list[Turn]) -> None:
    asked(turns, "A", AGAIN)
    Place("c", turns, AGAIN).end_run()
    assert prompts(turns) == ["before", "A", "after"]


def test_a_run_that_asked_nothing_takes_nothing_out(turns: list[Turn]) -> None:
    Place("c", turns, AGAIN).end_run()
    Place("c", turns).end_run()
    assert prompts(turns) == ["before", "a", "b", "c", "after"]


@pytest.mark.parametrize("number", range(3))
def test_a_turn_of_which_nothing_came_anew_keeps_its_place(turns: list[Turn], number: int) -> None:
    expected = ["A", "B", "C"]
    for n, prompt in enumerate("ABC"):
        place = Place("c", turns, AGAIN)
        assert prompts(place.before()) == ["before", *expected[:n]]
        if n == number:
            expected[n] = prompt.lower()
            place.keep(prompt, NOTHING_CAME)
        else:
            place.keep(prompt, make_reply(prompt.upper()))
    Place("c", turns, AGAIN).end_run()
    assert prompts(turns) == ["before", *expected, "after"]
    assert asked(turns, "next", ("1", "run 4")) == ["before"]
    Place("c", turns, ("1", "run 4")).end_run()
    assert prompts(turns) == ["before", "next", "after"]


def test_what_holds_for_later_turns_stays_with_the_first(turns: list[Turn]) -> None:
    Place("c", turns, AGAIN, lasting={"system": "S"}).keep("A", make_reply("A"))
    Place("c", turns, ("1", "run 4"), lasting={"system": "T"}).keep("A", NOTHING_CAME)
    assert turns[1].options == {"system": "S"}


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
    turns = [Turn("old", make_reply("x"), ("1", "run 1"))]
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
    assert "_rounds" not in vars(one)  # which would hold a long text a second time


def test_a_reply_that_nests_deeper_than_json_can_be_written_ends_no_request_early() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    whole = {"type": "web_search_tool_result", "tool_use_id": "t", "content": deep}
    search = {"type": "server_tool_use", "id": "t", "name": "f", "input": {}}
    turns = [Turn("a", reply(search, whole)), Turn("b", reply(THOUGHT, WORDS))]
    *_, answered = messages(turns, {})
    assert answered["content"] == [WORDS]
