"""The Python verbs outside a notebook: scripts and running loops."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream.recording.files import load
from notebook_stream.recording.format import RecordedRound
from notebook_stream.running.waiting import block
from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.reply import Reply
from notebook_stream.view import NoView

from ..answers import new_answer
from ..loopback import Drop, Hold, Script, Server, answer, delta, end, event, refusal, start

pytestmark = pytest.mark.usefixtures("api")


def by_stream(prompt: str, **options: Any) -> Reply:
    with ns.stream(prompt, **options) as s:
        texts = list(s)
    assert "".join(texts) == s.reply
    return s.reply


def by_events(prompt: str, **options: Any) -> Reply:
    with ns.stream(prompt, **options) as s:
        kinds = [event["type"] for event in s.events()]
    assert kinds[0] == "message_start"
    return s.reply


def by_aask(prompt: str, **options: Any) -> Reply:
    return asyncio.run(ns.aask(prompt, **options))


def by_astream(prompt: str, **options: Any) -> Reply:
    async def collect() -> Reply:
        async with ns.astream(prompt, **options) as s:
            texts = [text async for text in s]
        assert "".join(texts) == s.reply
        return s.reply

    return asyncio.run(collect())


VERBS = [ns.ask, by_aask, by_stream, by_events, by_astream]
Verb = Callable[..., Reply]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_gives_the_same_reply(verb: Verb, server: Server) -> None:
    server.play(answer("Hel", "lo ", "wörld"))
    reply = verb("hi", model="haiku", system="brief", max_tokens=9)
    assert (reply, reply.stop_reason, reply.complete) == ("Hello wörld", "end_turn", True)
    assert reply.usage == {"input_tokens": 25, "output_tokens": 12}
    assert reply.cost is not None
    assert reply.cost == pytest.approx((25 * 2 + 12 * 10) / 1e6)
    assert reply.request_id == "req_loopback"
    assert reply.message is not None
    assert reply.message["content"] == [{"type": "text", "text": "Hello wörld"}]
    assert server.requests[0].body == {
        "model": "claude-haiku-5-5",
        "system": "brief",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
    }


FAULTS = {
    "401": ([refusal(401, "authentication_error", "bad key")], ns.RefusedError, "", "ANTHROPIC_API_KEY"),
    "404": ([refusal(404, "not_found_error", "model: x")], ns.RefusedError, "", "--model"),
    "529": ([refusal(529, "overloaded_error", "Overloaded")] * 3, ns.RefusedError, "", "wait"),
    "dropped": ([Script([start(), delta("par"), Drop])], ns.ConnectionLostError, "par", "lost"),
    "cut": ([Script([start(), delta("par")])], ns.ConnectionLostError, "par", "ended"),
    "error event": (
        [Script([start(), delta("par"), event("error", error={"type": "overloaded_error", "message": "O"})])],
        ns.StreamError,
        "par",
        "overloaded",
    ),
    "bad json": ([Script([start(), delta("par"), b"event: x\ndata: {oops\n\n"])], ns.StreamError, "par", "read"),
    "bad utf-8": ([Script([start(), delta("par"), b"event: x\ndata: \xff\n\n"])], ns.StreamError, "par", "read"),
    "a list": ([Script([start(), delta("par"), b"event: x\ndata: [1]\n\n"])], ns.StreamError, "par", "read"),
    "html": ([Script([b"<html>"], headers={"content-type": "text/html"})], ns.StreamError, "", "BASE_URL"),
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_keeps_what_came_and_says_what_to_do(verb: Verb, name: str, server: Server) -> None:
    scripts, kind, text, words = FAULTS[name]
    server.play(*scripts)
    with pytest.raises(ns.ClaudeError, match=words) as caught:
        verb("hi")
    assert type(caught.value) is kind
    assert caught.value.reply == text
    assert caught.value.reply is not None
    assert not caught.value.reply.complete
    assert "\n" not in str(caught.value)


def test_a_gateway_that_ends_with_done_is_whole(server: Server) -> None:
    server.play(Script([start(), delta("ok"), end(), b"event: data\ndata: [DONE]\n\n"]))
    assert ns.ask("hi").complete


def test_no_server_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    with pytest.raises(ns.ConnectionLostError, match="ANTHROPIC_BASE_URL") as caught:
        ns.ask("hi")
    assert caught.value.reply is not None
    assert caught.value.reply.stop_reason == "connection_lost"


@pytest.mark.parametrize("verb", VERBS)
def test_a_mistake_of_kind_sends_nothing(verb: Verb, server: Server, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for options in (
        {"record": tmp_path / "pipe"}, {"record": 5}, {"record": "a\0b"}, {"replay": "x" * 5000},
        {"system": 5}, {"model": ["opus"]}, {"record": "~nobody-of-that-name/x"},
    ):  # fmt: skip
        with pytest.raises(ns.OptionError):
            verb("hi", **options)
    for prompt in (None, 5, b"hi"):
        with pytest.raises(ns.OptionError, match="must be text"):
            verb(prompt)
    assert not server.requests


def test_a_reply_is_a_prompt_like_any_text(server: Server) -> None:
    assert ns.ask(ns.ask("hi\ud83d")) == "Hello, world."
    assert [request.prompt for request in server.requests] == ["hi\ufffd", "Hello, world."]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "options", [{"max_tokens": 0}, {"model": "nope"}, {"modle": "opus"}, {"replay": "nowhere.txt"}]
)
def test_a_mistake_sends_nothing(verb: Verb, options: dict[str, Any], server: Server) -> None:
    with pytest.raises(ns.OptionError):
        verb("hi", **options)
    with pytest.raises(ns.OptionError, match="empty"):
        verb("  ")
    assert not server.requests


def test_leaving_the_block_closes_the_connection(server: Server) -> None:
    server.play(Script([start(), delta("one"), Hold()]))
    with ns.stream("hi") as s:
        assert next(iter(s)) == "one"
    assert server.requests[0].has_closed()
    assert server.requests[0].client_left
    assert (s.reply, s.reply.stop_reason, s.reply.estimated) == ("one", "stopped", True)


def test_stop_ends_the_loop(server: Server) -> None:
    server.play(Script([start(), delta("one"), Hold()]))
    with ns.stream("hi") as s:
        texts = []
        for text in s:
            texts.append(text)
            s.stop()
            s.stop()
    assert texts == ["one"]
    assert s.reply.stop_reason == "stopped"
    s.stop()


def test_a_cancelled_aask_closes_the_connection_and_stays_cancelled(server: Server) -> None:
    server.play(Script([start(), Hold()]))

    async def main() -> None:
        task = asyncio.ensure_future(ns.aask("hi"))
        await asyncio.to_thread(server.wait_for_request)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert server.requests[0].has_closed()
    assert server.requests[0].client_left


def test_a_timeout_of_the_user_works(server: Server) -> None:
    server.play(Script([start(), Hold()]))

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ns.aask("hi"), 0.5)

    asyncio.run(main())
    assert server.requests[0].has_closed()


def test_ctrl_c_ends_ask_and_keeps_the_partial(server: Server) -> None:
    server.play(Script([start(), delta("par"), Hold()]))

    def press() -> None:
        server.wait_for_request()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        ns.ask("hi")
    assert caught.value.reply.stop_reason == "interrupted"  # type: ignore[attr-defined]
    assert server.requests[0].has_closed()


def test_many_at_once_each_get_their_own(server: Server) -> None:
    server.play(*[answer(f"{n}", pause=0.05) for n in range(8)])

    async def main() -> list[Reply]:
        return await asyncio.gather(*[ns.aask("hi") for _ in range(8)])

    assert sorted(asyncio.run(main())) == [str(n) for n in range(8)]


@pytest.mark.parametrize("verb", VERBS)
def test_a_recording_replays_to_the_same_reply(verb: Verb, server: Server, tmp_path: Path) -> None:
    path = tmp_path / "stream.txt"
    server.play(answer("Grüße ", "aus ", "dem Band.", pause=0.05))
    first = verb("hi", record=path)
    second = verb("hi", replay=path)
    assert len(server.requests) == 1
    timeless = {"seconds", "first_token_seconds", "recorded", "_shown_now", "_stored"}
    facts = [{k: v for k, v in vars(r).items() if k not in timeless} for r in (first, second)]
    assert first == second
    assert facts[0] == facts[1]
    assert (first.blocks, first.message) == (second.blocks, second.message)
    assert second.recorded
    assert (second.seconds or 0) >= load(path).rounds[0].chunks[-1][
        0
    ]  # its pace is that of the recording
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "sk-ant" not in path.read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["stream.txt"]


@pytest.mark.parametrize(
    "script",
    [refusal(401, "authentication_error", "no"), Script([start(), delta("par"), Drop]),
     Script([start(), delta("par"), b"event: content_block_delta\ndata: {\"type\": \"cont"])],
)  # fmt: skip
def test_a_recorded_fault_replays_to_the_same_fault(
    script: Script, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "stream.txt"
    server.play(script)
    with pytest.raises(ns.ClaudeError) as first:
        ns.ask("hi", record=path)
    with pytest.raises(ns.ClaudeError) as second:
        ns.ask("hi", replay=path)
    assert type(first.value) is type(second.value)
    assert first.value.reply == second.value.reply
    assert first.value.reply is not None
    assert second.value.reply is not None
    assert first.value.reply.stop_reason == second.value.reply.stop_reason


def test_a_connection_lost_after_the_end_loses_nothing(server: Server) -> None:
    server.play(Script([start(), delta("whole"), end(), Drop]))
    reply = ns.ask("hi")
    assert (reply, reply.stop_reason, reply.complete) == ("whole", "end_turn", True)


def test_a_stop_after_the_end_changes_nothing(server: Server) -> None:
    server.play(Script([start(), delta("whole"), end(), Hold()]))
    with ns.stream("hi") as s:
        for event in s.events():
            if event["type"] == "message_stop":
                s.stop()
    assert (s.reply.stop_reason, s.reply.complete) == ("end_turn", True)


class BrokenView(NoView):
    """A view that fails at each paint."""

    def paint(self, draft: AnswerDraft) -> bool:
        raise RuntimeError(draft.text)


def test_a_view_that_fails_costs_no_text(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.play(answer("a", "b", pause=0.1))
    assert block(new_answer("hi", view=BrokenView)) == "ab"
    assert "could not be painted" in caplog.text


class SlowView(NoView):
    """A view that shows a burst in ten paints."""

    def __init__(self) -> None:
        self.paints = 0
        self.shown = threading.Event()

    def paint(self, draft: AnswerDraft) -> bool:
        self.paints += bool(draft.text)
        if self.paints == 10:
            self.shown.set()
        return 0 < self.paints < 10


def test_a_burst_is_painted_to_its_end_though_nothing_follows(server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("burst"), hold, end()]))
    view = SlowView()
    answer = new_answer("hi", view=lambda: view)
    answer.start()
    assert view.shown.wait(8)  # by the beat alone it would take ten seconds
    hold.let_go.set()
    assert answer.outcome() == "burst"


def test_a_key_that_cannot_be_sent_is_never_shown(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-SECRET\n")
    with pytest.raises(ns.CredentialsError, match="line end") as caught:
        ns.ask("hi")
    assert "SECRET" not in str(caught.value)
    assert not server.requests


def test_events_of_another_shape_keep_what_came(server: Server) -> None:
    server.play(
        Script([start(), delta("par"), event("message_start", message="x")]),
        Script([start(), delta("par"), b'event: error\ndata: {"error": "bad\\nthing"}\n\n']),
    )
    for kind in (ns.ConnectionLostError, ns.StreamError):
        with pytest.raises(kind) as caught:
            ns.ask("hi")
        assert caught.value.reply == "par"
        assert "\n" not in str(caught.value)


def test_counts_that_are_none_cost_no_text(server: Server) -> None:
    usage = {"input_tokens": "25", "output_tokens": [1]}
    start_event = event("message_start", message={"model": "claude-opus-5-5", "usage": usage})
    server.play(Script([start_event, delta("text"), end()]))
    reply = ns.ask("hi")
    assert (reply, reply.cost, reply.usage.input_tokens) == ("text", None, "25")


@pytest.mark.parametrize("verb", VERBS)
def test_an_answer_is_done_when_it_says_so(verb: Verb, server: Server, tmp_path: Path) -> None:
    hold = Hold()
    server.play(*[Script([start(), delta("whole"), end(), hold])] * 2)
    assert verb("hi").complete
    assert verb("hi", record=tmp_path / "a.txt").complete
    assert verb("hi", replay=tmp_path / "a.txt") == "whole"
    assert load(tmp_path / "a.txt").ending == "end"
    hold.let_go.set()


def test_a_full_disk_costs_no_answer(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    server.play(Script([start(), delta("whole"), hold := Hold(), end()]))
    s = ns.stream("hi", record=folder / "a.txt")
    s.__enter__()
    assert next(iter(s)) == "whole"
    folder.rmdir()
    hold.let_go.set()
    with pytest.warns(RuntimeWarning, match="could not be recorded"):
        assert not list(s)
    view = Noting()
    server.play(Script([start(), delta("whole"), hold := Hold(), end()]))
    folder.mkdir()
    asking = new_answer("hi", record=folder / "a.txt", view=lambda: view)
    asking.start()
    server.wait_for_request(2)
    folder.rmdir()
    hold.let_go.set()
    assert asking.outcome().complete
    (note,) = view.notes
    assert "could not be recorded" in note


class Noting(NoView):
    """A view that keeps the notes."""

    shows = True
    notes: tuple[str, ...] = ()

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        self.notes = notes


def test_a_stream_that_has_not_begun_says_how_to_begin(server: Server) -> None:
    s = ns.stream("hi")
    with pytest.raises(ns.ClaudeError, match="with stream"):
        list(s)
    with pytest.raises(ns.ClaudeError, match="with stream"):
        _ = s.reply

    async def main() -> None:
        s = ns.astream("hi")
        with pytest.raises(ns.ClaudeError, match="async with"):
            [text async for text in s]
        with pytest.raises(ns.ClaudeError, match="async with"):
            _ = s.reply
        async with ns.astream("hi") as s:
            assert [text async for text in s]
            assert not [text async for text in s]

    asyncio.run(main())
    with ns.stream("hi") as s:
        assert list(s)
        assert not list(s)


@pytest.mark.parametrize("address", ["http://[nowhere", "http://a:port", "nowhere"])
def test_an_address_that_is_none_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", address)
    with pytest.raises(ns.ClaudeError, match="check ANTHROPIC_BASE_URL"):
        ns.ask("hi")


class Interrupting(NoView):
    """A view at whose end somebody presses Ctrl-C, again and again."""

    shown = False

    def close(self) -> None:
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        self.shown = True


def test_an_interrupt_at_the_end_costs_nothing(server: Server) -> None:
    view = Interrupting()
    server.play(answer("whole"))
    bound: list[ns.Reply] = []
    with pytest.raises(KeyboardInterrupt) as caught:
        block(new_answer("hi", view=lambda: view, bind=bound.append))
    assert view.shown
    assert bound == ["whole"] == [getattr(caught.value, "reply", None)]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_answer_that_ends_right_after_a_pause_ends(tmp_path: Path) -> None:
    path = tmp_path / "stream.txt"
    chunks = [(0.0, start()), (0.15, delta("x") + end())]
    kind = {"content-type": "text/event-stream"}
    path.write_bytes(RecordedRound({}, 200, kind, chunks, "end", 0.15).dump())
    asking = new_answer("hi", replay=path)
    asking.start()
    assert asking.done.result(10).complete


@pytest.mark.parametrize("way", ["ask", "aask", "stream", "astream"])
def test_what_is_left_out_of_a_prompt_is_a_warning_in_a_script(way: str, server: Server) -> None:
    prompt = "Sum {{ ['x' * 200_000] }}"

    async def streamed() -> None:
        async with ns.astream(prompt, raw=False) as s:
            async for _ in s:
                pass

    def stream() -> None:
        with ns.stream(prompt, raw=False) as s:
            list(s)

    ways: dict[str, Callable[[], object]] = {
        "ask": lambda: ns.ask(prompt, raw=False),
        "aask": lambda: asyncio.run(ns.aask(prompt, raw=False)),
        "stream": stream,
        "astream": lambda: asyncio.run(streamed()),
    }
    words = "the first 50,000 and the last 50,000 characters were sent"
    with pytest.warns(RuntimeWarning, match=rf"^\['x' \* 200_000\]: {words}\.$"):
        ways[way]()
    assert f"[… left out here: {words} …]" in server.requests[0].prompt
