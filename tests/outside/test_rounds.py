"""Answers of several requests: one that pauses is sent back, until Claude has ended it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream.api import Exchange
from notebook_stream.ledger.usage import session
from notebook_stream.recording.files import load
from notebook_stream.request.body import Beginning
from notebook_stream.request.options import Options, settings
from notebook_stream.running.answer import Answer
from notebook_stream.running.gate import gate
from notebook_stream.running.observers import Observer
from notebook_stream.running.rounds import MOST_ROUNDS
from notebook_stream.running.waiting import block
from notebook_stream.values.reply import Reply
from notebook_stream.values.round import Round

from ..answers import new_answer
from ..loopback import Drop, Hold, Script, Server, answer, delta, end, event, refusal, start

PAUSED = answer("It is ", stop_reason="pause_turn")
REST = answer("sunny.")


pytestmark = pytest.mark.usefixtures("api")


def contents(server: Server, number: int) -> list[tuple[str, Any]]:
    """Role and content of each message of a request, counted from 0."""
    return [(one["role"], one["content"]) for one in server.requests[number].body["messages"]]


def test_a_pause_is_gone_on_from(server: Server) -> None:
    server.play(PAUSED, REST)
    reply = ns.ask("Weather?", system="Be short.")
    assert (reply, reply.stop_reason, reply.complete) == ("It is sunny.", "end_turn", True)
    assert [str(one.text) for one in reply.rounds] == ["It is ", "sunny."]
    assert [one.stop_reason for one in reply.rounds] == ["pause_turn", "end_turn"]
    first, second = (request.body for request in server.requests)
    assert {**second, "messages": first["messages"]} == first
    assert contents(server, 1) == [
        ("user", "Weather?"),
        ("assistant", [{"type": "text", "text": "It is"}]),
    ]


def test_what_rounds_used_is_summed_and_each_has_its_own(server: Server) -> None:
    server.play(PAUSED, REST)
    before = session.total
    reply = ns.ask("Weather?")
    first, second = reply.rounds
    assert (reply.usage.input_tokens, reply.output_tokens) == (50, 24)
    assert (first.usage.input_tokens, second.usage.input_tokens) == (25, 25)
    assert first.cost is not None
    assert reply.cost == pytest.approx(2 * first.cost)
    assert first.seconds is not None
    assert second.seconds is not None
    assert reply.seconds is not None
    assert reply.seconds >= first.seconds + second.seconds
    assert reply.first_token_seconds == first.first_token_seconds
    assert session.total.requests == before.requests + 2
    assert session.total.cost == pytest.approx(before.cost + 2 * first.cost)


def test_rounds_of_two_models_are_two_rows_of_the_ledger(server: Server) -> None:
    other = "claude-haiku-4-5-20251001"
    server.play(PAUSED, Script([start(other), delta("sunny."), end()]))
    before = session.snapshot().sums
    ns.ask("Weather?")
    grown = {
        names[-1]: total.requests - before[names].requests if names in before else total.requests
        for names, total in session.snapshot().sums.items()
        if total != before.get(names)
    }
    assert grown == {"claude-sonnet-5-5": 1, other: 1}


def test_a_chat_sends_all_rounds_back(server: Server) -> None:
    server.play(PAUSED, REST)
    chat = ns.Chat()
    chat.ask("Weather?")
    chat.ask("And tomorrow?")
    roles = [(role, content) for role, content in contents(server, 2)]
    assert roles == [
        ("user", "Weather?"),
        ("assistant", [{"type": "text", "text": "It is"}]),
        ("assistant", [{"type": "text", "text": "sunny."}]),
        ("user", "And tomorrow?"),
    ]


def test_a_server_tool_that_waits_is_sent_back_with_its_container(server: Server) -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": 1}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    stopped = {"stop_reason": "pause_turn", "container": {"id": "container_1"}}
    server.play(
        Script([
            start(), delta("It is"), event("content_block_stop", index=0),
            event("content_block_start", index=1, content_block=call),
            event("message_delta", delta=stopped, usage={"output_tokens": 3}),
            event("message_stop"),
        ]),
        Script([start(), event("content_block_start", index=1, content_block=found), end()]),
    )  # fmt: skip
    reply = ns.ask("Weather?")
    assert contents(server, 1)[1] == ("assistant", [{"type": "text", "text": "It is"}, call])
    assert server.requests[1].body["container"] == "container_1"
    assert [one["type"] for one in reply.blocks if one["type"] != "text"] == [
        "server_tool_use", "web_search_tool_result",
    ]  # fmt: skip
    assert reply.messages[0]["content"][1] == call  # its result is in the next message


def test_a_pause_after_a_start_of_the_answer_sends_that_start_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = "claude-haiku-4-5"
    cut = Script([start(model), delta("It "), Drop])
    server.play(cut, Script([start(model), delta(" is "), end("pause_turn")]), REST)
    with pytest.raises(ns.ConnectionLostError) as lost:
        ns.ask("Weather?", model=model)
    assert lost.value.reply is not None
    assert block(Answer(Beginning(lost.value.reply), Options.of({}))) == "It is sunny."
    assert contents(server, 2)[0] == ("user", "Weather?")
    assert "".join(part["text"] for part in contents(server, 2)[1][1]) == "It is"


def test_a_stop_in_a_later_round_keeps_all(server: Server) -> None:
    server.play(PAUSED, Script([start(), delta("sunny"), Hold()]))
    with ns.stream("Weather?") as stream:
        for text in stream:
            if text == "sunny":
                stream.stop()
    reply = stream.reply
    assert (reply, reply.stop_reason, len(reply.rounds)) == ("It is sunny", "stopped", 2)
    assert server.requests[1].has_closed()


def test_a_stop_before_a_later_round_has_begun_keeps_the_first(server: Server) -> None:
    hold = Hold()
    server.play(PAUSED, Script([hold], status=0))
    asked = new_answer()
    asked.start()
    server.wait_for_request(2)
    asked.stop()
    reply = asked.outcome()
    assert (reply, reply.stop_reason, len(reply.rounds)) == ("It is ", "stopped", 1)


def test_a_later_round_that_is_refused_keeps_what_came(server: Server) -> None:
    server.play(PAUSED, refusal(400, "invalid_request_error", "no"))
    with pytest.raises(ns.RefusedError) as refused:
        ns.ask("Weather?")
    assert refused.value.reply == "It is "
    assert refused.value.request_id == "req_refused"


def test_an_answer_that_never_ends_is_asked_ten_times(server: Server) -> None:
    server.default = answer("a", stop_reason="pause_turn")
    with pytest.warns(RuntimeWarning, match=f"paused {MOST_ROUNDS} times"):
        reply = ns.ask("Weather?")
    assert (reply, reply.stop_reason, reply.complete) == ("a" * MOST_ROUNDS, "pause_turn", False)
    assert len(server.requests) == MOST_ROUNDS


def test_each_round_needs_room_in_the_budget(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "budget", gate.spent + 1.0)
    paid = Script([start(input_tokens=10_000), delta("It is "), end("pause_turn", 100_000)])
    server.play(paid, REST)
    with pytest.raises(ns.OptionError, match=r"the budget of .* does not allow this") as refused:
        ns.ask("Weather?")
    assert len([one for one in server.requests if one.path == "/v1/messages"]) == 1
    assert refused.value.reply == "It is "
    assert gate.held == 0.0


def test_a_later_round_that_is_refused_costs_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "budget", gate.spent + 100.0)
    spent = gate.spent
    server.play(PAUSED, refusal(400, "invalid_request_error", "no"))
    with pytest.raises(ns.RefusedError) as refused:
        ns.ask("Weather?")
    assert refused.value.reply is not None
    assert gate.spent == pytest.approx(spent + (refused.value.reply.cost or 0))
    assert gate.held == 0.0


def test_observers_see_each_round_end(server: Server) -> None:
    class Rounds(Observer):
        def __init__(self) -> None:
            self.calls: list[str] = []

        def send(self, exchange: Exchange) -> None:
            self.calls.append(f"send {len(exchange.body['messages'])}")

        def end_round(self, ended: Round) -> None:
            self.calls.append(ended.text)

        async def save(self, reply: Reply) -> tuple[str, ...]:
            self.calls.append(f"save {reply}")
            return ()

    rounds = Rounds()
    server.play(PAUSED, REST)
    block(Answer("hi", Options.of({}), observers=[rounds]))
    assert rounds.calls == ["send 1", "It is ", "send 2", "sunny.", "save It is sunny."]


def test_a_recording_has_each_round_and_replays_them(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "weather.txt"
    server.play(PAUSED, REST)
    recorded = ns.ask("Weather?", record=path)
    first, second = load(path).rounds
    assert (len(first.request["messages"]), len(second.request["messages"])) == (1, 2)
    replayed = ns.ask("Weather?", replay=path)
    assert (replayed, replayed.recorded) == (recorded, True)
    assert [one.text for one in replayed.rounds] == ["It is ", "sunny."]
    assert [one.recorded for one in replayed.rounds] == [True, True]
    assert len(server.requests) == 2


def test_a_recording_that_ends_with_a_pause_replays_as_far(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "weather.txt"
    server.play(PAUSED, REST)
    ns.ask("Weather?", record=path)
    whole = load(path)
    whole.rounds = whole.rounds[:1]
    path.write_bytes(whole.dump())
    with pytest.warns(RuntimeWarning, match="paused once"):
        reply = ns.ask("Weather?", replay=path)
    assert (reply, reply.stop_reason) == ("It is ", "pause_turn")


def test_a_recording_stopped_between_rounds_replays_as_stopped(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "weather.txt"
    server.play(PAUSED, Script([Hold()], status=0))
    asked = new_answer(record=path)
    asked.start()
    server.wait_for_request(2)
    asked.stop()
    assert asked.outcome().stop_reason == "stopped"
    assert load(path).ending == "stopped"
    reply = ns.ask("hi", replay=path)
    assert (reply, reply.stop_reason) == ("It is ", "stopped")


def test_many_answers_with_pauses_do_not_mix(server: Server) -> None:
    def judge(body: dict[str, Any]) -> Script:
        prompt = body["messages"][0]["content"]
        paused = len(body["messages"]) == 1
        return answer(f"{prompt} ", stop_reason="pause_turn" if paused else "end_turn")

    server.judge = judge

    async def main() -> list[ns.Reply]:
        return await asyncio.gather(*(ns.aask(f"p{n}") for n in range(20)))

    assert asyncio.run(main()) == [f"p{n} p{n} " for n in range(20)]
