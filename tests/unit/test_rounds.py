"""An answer of several rounds: what is summed, what is in order, and what can be sent back."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notebook_stream as ns
from notebook_stream.conversation.place import amend
from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.message import NOTHING, ConversationDigest
from notebook_stream.values.reply import Reply
from notebook_stream.values.round import RoundFacts
from notebook_stream.values.turn import Turn, may_stand, messages
from notebook_stream.values.usage import Usage

from ..streams import (
    BEGUN,
    BETA,
    FOUND,
    STREAMS,
    Block,
    call,
    events,
    refused_messages,
    stream,
    text,
    thinking,
    whole,
)

LOOKS = stream(
    thinking("Hm."),
    text("I look. "),
    call("tool_use", "tide", '{"port": "Brest"}'),
    stop_reason="tool_use",
    cache_creation={"ephemeral_5m_input_tokens": 3},
    iterations=[{"n": 1}],
)
HIGH = {"type": "tool_result", "tool_use_id": "toolu_tide", "content": "high at six"}
SAYS = stream(
    thinking("So."),
    text("High ", "at six."),
    cache_creation={"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 1},
    iterations=[{"n": 2}],
    service_tier="priority",
)
ASKED = {"role": "user", "content": "When is high tide?"}


def play(draft: AnswerDraft, body: bytes) -> str:
    return "".join([draft.add(event) for event in events(body)])


def answered(*costs: float | None) -> AnswerDraft:
    """A call of a tool and, after its result, the answer; with what each round cost."""
    draft = AnswerDraft("m")
    sent = [ASKED]
    for number, (body, cost) in enumerate(zip((LOOKS, SAYS), costs, strict=True)):
        draft.begin_round()
        play(draft, body)
        digest = ConversationDigest.of({"messages": sent})
        draft.end_round(
            RoundFacts(
                request_id=f"req_{number}",
                cost=cost,
                output_tokens=40,
                seconds=1.5,
                written_after=digest,
            )
        )
        if not number:
            draft.add_results([HIGH])
        sent = [ASKED, *draft.messages]
    return draft


def test_two_rounds_are_one_answer() -> None:
    draft = answered(0.25, 0.5)
    reply = draft.freeze(seconds=4.0, chat="c")
    assert reply == draft.text == "I look. High at six."
    assert (reply.stop_reason, reply.complete, reply.seconds) == ("end_turn", True, 4.0)
    assert (reply.cost, reply.output_tokens, reply.request_id) == (0.75, 80, "req_1")
    assert reply.thinking == "Hm.\n\nSo."
    assert [block["type"] for block in reply.blocks] == [
        "thinking", "text", "tool_use", "tool_result", "thinking", "text",
    ]  # fmt: skip
    assert [block.type for block in draft.blocks] == [block["type"] for block in reply.blocks]
    assert [one["input"] for one in reply.tool_calls] == [{"port": "Brest"}]


def test_the_usage_of_two_rounds_is_summed() -> None:
    draft = answered(0.25, 0.5)
    assert draft.usage == draft.freeze().usage == {
        "input_tokens": 18,
        "output_tokens": 80,
        "service_tier": "priority",
        "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 1},
        "iterations": [{"n": 1}, {"n": 2}],
    }  # fmt: skip


def test_usages_add_up_name_by_name() -> None:
    first = Usage(input_tokens=1, server_tool_use={"web_search_requests": 2}, speed="fast")
    second = {"input_tokens": 5, "output_tokens": 3, "server_tool_use": None, "speed": None}
    assert first + second == {
        "input_tokens": 6,
        "output_tokens": 3,
        "server_tool_use": {"web_search_requests": 2},
        "speed": "fast",
    }
    assert Usage.sum([]) == {}
    assert (first + {}).cache_read_input_tokens is None
    assert Usage(a=True) + {"a": True} == {"a": True}
    assert Usage(a="x", b=[1], c={}) + {"a": 1, "b": {}, "c": 2} == {"a": 1, "b": {}, "c": 2}
    assert first == {"input_tokens": 1, "server_tool_use": {"web_search_requests": 2}, "speed": "fast"}  # fmt: skip


@pytest.mark.parametrize("costs", [(None, 0.5), (0.25, None), (None, None)])
def test_a_round_of_unknown_price_leaves_the_cost_unknown(costs: tuple[Any, Any]) -> None:
    assert answered(*costs).freeze().cost is None


def test_a_round_of_which_nothing_came_costs_nothing() -> None:
    draft = answered(0.25, 0.5)
    draft.begin_round()
    draft.end_round(RoundFacts(request_id="req_2"))
    reply = draft.freeze("connection_lost")
    assert (reply.cost, reply.output_tokens, reply.request_id) == (0.75, 80, "req_2")
    assert [one.stop_reason for one in reply.rounds] == ["tool_use", "end_turn", "connection_lost"]


def test_each_round_says_what_it_did() -> None:
    first, second = answered(0.25, 0.5).freeze().rounds
    assert (first.text, first.stop_reason, first.request_id) == ("I look. ", "tool_use", "req_0")
    assert (second.text, second.cost, second.seconds) == ("High at six.", 0.5, 1.5)
    assert first.usage.output_tokens == second.output_tokens == 40
    assert first.results == (HIGH,)
    assert first.message["content"] == first.blocks
    assert (first.model, first.thinking) == ("claude-sonnet-5-5", "Hm.")
    with pytest.raises(AttributeError):
        first.cost = 1.0  # type: ignore[misc]


def test_call_and_result_are_sent_back() -> None:
    draft = answered(0.25, 0.5)
    sent = draft.messages
    reply = draft.freeze()
    first, result, second = reply.messages
    assert [first["role"], result["role"], second["role"]] == ["assistant", "user", "assistant"]
    assert first["content"] == reply.rounds[0].blocks
    assert result["content"] == [HIGH]
    assert second["content"] == reply.rounds[1].blocks
    assert sent == reply.messages
    assert not refused_messages(reply.messages, calls_answered=False)


def test_they_are_in_the_history_of_a_chat_with_their_thinking() -> None:
    reply = answered(0.25, 0.5).freeze()
    turns = [Turn("When is high tide?", reply), Turn("And low?", Reply("At noon."))]
    asked, *answer, _, last = messages(turns, {})
    assert asked == ASKED
    assert answer == reply.messages
    assert last["content"] == [{"type": "text", "text": "At noon."}]


def test_thinking_of_both_rounds_is_left_out_after_another_prompt() -> None:
    sent = messages([Turn("When?", answered(0.25, 0.5).freeze())], {})
    kinds = [block["type"] for message in sent[1:] for block in message["content"]]
    assert kinds == ["text", "tool_use", "tool_result", "text"]


def test_a_result_that_was_changed_takes_the_thinking_behind_it_along() -> None:
    reply = answered(0.25, 0.5).freeze()
    reply.blocks[3]["content"] = "high at seven"
    sent = messages([Turn("When is high tide?", reply)], {})
    kinds = [block["type"] for message in sent[1:] for block in message["content"]]
    assert kinds == ["thinking", "text", "tool_use", "tool_result", "text"]
    assert sent[2]["content"][0]["content"] == "high at seven"


def test_a_stop_after_a_result_leaves_a_turn_that_the_next_prompt_can_follow() -> None:
    draft = AnswerDraft()
    play(draft, LOOKS)
    draft.add_results([HIGH])
    draft.begin_round()
    reply = draft.freeze("stopped")
    assert (reply.stop_reason, len(reply.rounds)) == ("stopped", 1)
    assert [one["role"] for one in reply.messages] == ["assistant", "user"]
    assert may_stand(reply)
    *_, last = messages([Turn("When?", reply)], {})
    assert last == {"role": "assistant", "content": [NOTHING]}


def test_an_answer_of_two_rounds_of_which_nothing_came_makes_no_turn() -> None:
    draft = AnswerDraft()
    draft.end_round()
    draft.begin_round()
    draft.end_round()
    assert not may_stand(draft.freeze("stopped"))


def test_content_is_sent_in_the_place_of_the_text() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://e.test/a.png"}}
    content: list[dict[str, Any]] = [image, {"type": "text", "text": "What is it?"}]
    sent = messages([Turn("What is it?", Reply("A cat."), content=content)], {})
    assert sent[0] == {"role": "user", "content": content}


def test_content_stays_in_a_fork_and_with_a_reply_that_goes_on() -> None:
    chat = ns.Chat()
    begun = Reply("A", stop_reason="max_tokens")
    chat.turns.append(Turn("What is it?", begun, ("1", "run 1"), content=[HIGH]))
    amend(chat.turns, begun, Reply("A cat."))
    for turn in (*chat.turns, *chat.fork().turns):
        assert (turn.content, turn.reply) == ([HIGH], "A cat.")
    assert chat.fork().turns[0].cell is None


def test_an_invalid_input_is_sent_back_with_the_error_that_answers_it() -> None:
    draft = AnswerDraft()
    play(draft, stream(call("tool_use", "tide", '{"po'), stop_reason="tool_use"))
    draft.add_results([{**HIGH, "is_error": True}])
    (block,) = draft.messages[0]["content"]
    assert block["input"] == {"INVALID_JSON": '{"po'}
    assert not refused_messages(draft.messages, calls_answered=False)


RUNS = call("server_tool_use", "code_execution", '{"code": "tide()"}')
BY_CODE: Block = (
    {**call("tool_use", "tide")[0], "caller": {"type": "x", "tool_id": "toolu_code_execution"}},
    call("tool_use", "tide", '{"port": "Brest"}')[1],
)
RAN = whole("code_execution_tool_result", tool_use_id="toolu_code_execution", content=[])


def test_a_tool_that_code_on_the_server_calls() -> None:
    draft = AnswerDraft()
    play(draft, stream(RUNS, BY_CODE, stop_reason="tool_use"))
    draft.add_results([HIGH])
    assert [block["type"] for block in draft.messages[0]["content"]] == [
        "server_tool_use", "tool_use",
    ]  # fmt: skip
    cut = copy.deepcopy(draft)
    play(draft, stream(RAN, text("Six.")))
    sent = draft.freeze().messages
    assert [len(message["content"]) for message in sent] == [2, 1, 2]
    assert cut.freeze("stopped").messages == [{"role": "assistant", "content": [NOTHING]}]


def test_a_search_that_paused_is_ended_by_the_next_round() -> None:
    draft = AnswerDraft()
    play(draft, STREAMS["paused"])
    draft.end_round()
    (paused,) = draft.messages
    assert [block["type"] for block in paused["content"]] == ["text", "server_tool_use"]
    found = whole("web_search_tool_result", tool_use_id="toolu_web_search", content=[FOUND])
    play(draft, stream(found, text("Found.")))
    reply = draft.freeze()
    assert reply.messages == [paused, {"role": "assistant", "content": reply.rounds[1].blocks}]
    assert not refused_messages(reply.messages, calls_answered=False)


def test_a_search_beside_a_call_stays_with_its_result() -> None:
    draft = AnswerDraft()
    search = call("server_tool_use", "web_search", '{"query": "x"}')
    found = whole("web_search_tool_result", tool_use_id="toolu_web_search", content=[FOUND])
    play(draft, stream(search, found, call("tool_use", "tide"), stop_reason="tool_use"))
    draft.add_results([HIGH])
    play(draft, SAYS)
    assert len(draft.freeze().messages[0]["content"]) == 3


def test_a_round_that_was_not_counted_leaves_the_answer_uncounted() -> None:
    draft = AnswerDraft()
    play(draft, BEGUN)
    draft.begin_round()
    play(draft, SAYS)
    assert not draft.counted


def test_a_message_that_starts_again_is_no_round() -> None:
    draft = AnswerDraft()
    play(draft, STREAMS["text"] + STREAMS["text"])
    assert len(draft.freeze().rounds) == 1


def test_a_draft_counts_over_its_rounds() -> None:
    draft = AnswerDraft("asked", "Begun ")
    assert (draft.model, draft.phase, draft.written, draft.counted) == (
        "asked",
        "writing",
        0,
        False,
    )
    draft.begin_round("claude-x")
    assert (draft.text, draft.model) == ("Begun ", "claude-x")
    play(draft, LOOKS)
    written = draft.written
    assert (written, draft.counted, draft.stop_reason) == (28, True, "tool_use")
    ended = draft.end_round()
    assert draft.end_round(RoundFacts(cost=1.0)) is ended
    assert (draft.rounds, draft.written, draft.counted) == ((ended,), written, True)
    draft.begin_round()
    assert (draft.phase, draft.stop_reason, draft.counted) == ("waiting", None, False)
    assert draft.model == "claude-sonnet-5-5"
    play(draft, SAYS)
    assert (draft.written, draft.counted) == (written + 15, True)
    assert (draft.text, draft.freeze()) == ("Begun I look. High at six.",) * 2


def by_pickle(reply: Reply) -> Reply:
    again: Reply = pickle.loads(pickle.dumps(reply))  # noqa: S301 - just made
    return again


@pytest.mark.parametrize("dup", [copy.copy, copy.deepcopy, by_pickle])
@pytest.mark.parametrize("read", [True, False], ids=["read", "unread"])
def test_a_copy_has_all_rounds(dup: Callable[[Reply], Reply], read: bool) -> None:
    reply = answered(0.25, 0.5).freeze()
    twin = dup(reply) if not read or reply.messages else reply
    assert (twin, twin.rounds, twin.messages) == (reply, reply.rounds, reply.messages)


def test_a_long_text_of_two_rounds_is_held_once() -> None:
    draft = AnswerDraft()
    for _ in range(2):
        play(draft, stream(text("wave 🌊 " * 10_000)))
        draft.end_round()
    reply = draft.freeze()
    assert len(pickle.dumps(reply)) < 1.5 * len(reply.encode())
    assert reply.rounds[0].text + reply.rounds[1].text == reply


def results(draft: AnswerDraft, data: st.DataObject) -> list[dict[str, Any]]:
    """Results of some of the calls of the last round, and of a call that nobody made."""
    calls = [block.finish() for block in draft.round.blocks if block.type == "tool_use"]
    ids = [str(one.get("id")) for one in calls] + ["toolu_nobody"]
    chosen = data.draw(st.lists(st.sampled_from(ids), unique=True))
    return [{**HIGH, "tool_use_id": one} for one in chosen]


BODIES = [*STREAMS.values(), *BETA.values(), LOOKS, SAYS, stream(RUNS, BY_CODE, stop_reason="tool_use"),
          stream(RAN, text("Six."))]  # fmt: skip


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_rounds_that_are_cut_anywhere_can_be_sent_back(data: st.DataObject) -> None:
    draft = AnswerDraft()
    came = ""
    for body in data.draw(st.lists(st.sampled_from(BODIES), min_size=1, max_size=4)):
        whole_events = list(events(body))
        cut = data.draw(st.integers(0, len(whole_events)))
        draft.begin_round()
        came += "".join(
            [draft.add(one) for one in whole_events[: cut if data.draw(st.booleans()) else None]]
        )
        draft.end_round()
        assert not refused_messages(draft.messages, calls_answered=True)
        if data.draw(st.booleans()):
            draft.add_results(results(draft, data))
            assert not refused_messages(draft.messages, calls_answered=True)
    reply = draft.freeze("stopped" if draft.stop_reason is None else None)
    assert reply == came == "".join(one.text for one in reply.rounds)
    for sent in (reply.messages, messages([Turn("q", reply)], {})[1:]):
        assert not refused_messages(sent, calls_answered=False)
    assert reply.usage == Usage.sum(one.usage for one in reply.rounds)
    assert by_pickle(reply).messages == reply.messages
