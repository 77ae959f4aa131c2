"""Recordings, from the socket to the file and back: what is recorded can be replayed, and no more."""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import json
import os
import signal
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream.recording import files as recordings
from notebook_stream.recording.files import load
from notebook_stream.recording.format import RecordedRound, Recording
from notebook_stream.request.options import settings
from notebook_stream.running.waiting import block, wait
from notebook_stream.values.reply import Reply
from notebook_stream.view import NoView

from ..answers import new_answer
from ..loopback import Drop, Hold, Script, Server, answer, delta, end, event, refusal, start

pytestmark = pytest.mark.usefixtures("api")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where to record."""
    return tmp_path / "stream.txt"


# What can be replayed

PROMPTS = {
    "line separators": "one\u2028two\u2029three\u0085four\x0b\x0c\x1c\x1d\x1e",
    "carriage returns": "one\r\ntwo\rthree",
    "half a pair": "one\ud83d",
    "a mark": "\n@ 1.0 end\n",
    "a byte order mark": "\ufeffone",
    "long": "word " * 30_000,
}


@pytest.mark.parametrize("name", PROMPTS)
def test_any_prompt_can_be_replayed(name: str, server: Server, path: Path) -> None:
    prompt = PROMPTS[name]
    first = ns.ask(prompt, system=prompt, record=path)
    assert ns.ask(prompt, system=prompt, replay=path) == first  # a note would be a warning
    assert load(path).request["messages"] == server.requests[0].body["messages"]
    assert load(path).request["system"] == server.requests[0].body["system"]


def compressed(script: Script, encoding: str, compressor: Any) -> Script:
    """The script as a gateway sends it that compresses whatever it is asked for."""
    steps = [
        compressor.compress(step) + compressor.flush(zlib.Z_SYNC_FLUSH)
        for step in script.steps
        if isinstance(step, bytes)
    ]
    headers = {**script.headers, "content-encoding": encoding}
    return Script([*steps, compressor.flush()], script.status, headers)


@pytest.mark.parametrize(
    ("encoding", "bits"), [("gzip", 31), ("DEFLATE", 15), ("identity, gzip", 31)]
)
@pytest.mark.parametrize(
    "script", [answer("Hel", "lo"), refusal(400, "invalid_request_error", "no")]
)
def test_a_body_that_came_compressed_is_recorded_as_text(
    encoding: str, bits: int, script: Script, server: Server, path: Path
) -> None:
    server.play(compressed(script, encoding, zlib.compressobj(wbits=bits)))
    outcomes = [outcome(record=path), outcome(replay=path)]
    assert outcomes[0] == outcomes[1]
    assert path.read_text(encoding="utf-8").count('"type": ') > 1
    assert load(path).rounds[0].body == b"".join(
        step for step in script.steps if isinstance(step, bytes)
    )


def outcome(**options: Any) -> tuple[type, str]:
    """What comes of a prompt: the kind of the reply or the error, and its text."""
    try:
        return Reply, ns.ask("hi", **options)
    except ns.ClaudeError as error:
        return type(error), str(error)


def test_a_body_that_was_compressed_is_read_as_it_comes(server: Server, path: Path) -> None:
    packed = compressed(answer("one"), "gzip", zlib.compressobj(wbits=31))
    hold = Hold()
    server.play(Script([*packed.steps[:2], hold, *packed.steps[2:]], 200, packed.headers))
    with ns.stream("hi", record=path) as s:
        texts = iter(s)
        assert next(texts) == "one"
        hold.let_go.set()
        assert not list(texts)
    assert (load(path).ending, s.reply.complete) == ("end", True)


def test_a_body_that_nobody_can_decode_is_no_file(server: Server, path: Path) -> None:
    server.play(Script([gzip.compress(b"x")], headers={"content-encoding": "x-unknown"}))
    with pytest.warns(RuntimeWarning, match="'x-unknown' cannot be decoded"):
        assert outcome(record=path)[0] is ns.StreamError
    assert not path.exists()


# What a file may replace

NOT_RECORDINGS = {
    "a notebook": b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "text": b"My notes\n",
    "bytes": bytes(range(256)),
    "a damaged recording": b"notebook_stream recording 1\nstatus: 200\n@ 0.1\ndata: {}\n",
    "a later format": b"notebook_stream recording 12\nstatus: 200\n@ 0.1 end\n",
}


@pytest.mark.parametrize("name", NOT_RECORDINGS)
def test_no_other_file_is_replaced(name: str, server: Server, path: Path) -> None:
    path.write_bytes(NOT_RECORDINGS[name])
    with pytest.raises(ns.OptionError, match=r"would be lost; give the path of a new file\.$"):
        ns.ask("hi", record=path)
    assert path.read_bytes() == NOT_RECORDINGS[name]
    assert not server.requests


def test_an_empty_file_is_replaced(server: Server, path: Path) -> None:
    path.touch()
    assert ns.ask("hi", record=path) == ns.ask("hi", replay=path)


FAILED = refusal(401, "authentication_error", "no")
PAGE = Script([b"<html>data: none</html>"], headers={"content-type": "text/html"})
ERROR = Script([event("error", error={"type": "overloaded_error", "message": "O"})])
LOST = Script([start(), delta("par"), Drop])
CUT = Script([start(), delta("par")])
STOPPED = Script([start(), delta("par"), Hold()])
WHOLE = answer("whole")
DONE = Script([start(), delta("ok"), b"data: [DONE]\n\n"])


def record(script: Script, server: Server, path: Path) -> None:
    server.play(script)
    with suppress(ns.ClaudeError), ns.stream("hi", record=path) as s:
        for _ in s:
            if script is STOPPED:
                break


@pytest.mark.parametrize(
    ("old", "new"),
    [(FAILED, FAILED), (FAILED, PAGE), (PAGE, LOST), (FAILED, WHOLE), (LOST, STOPPED), (STOPPED, CUT),
     (CUT, LOST), (STOPPED, WHOLE), (WHOLE, WHOLE), (WHOLE, DONE), (DONE, WHOLE), (ERROR, LOST)],
)  # fmt: skip
def test_a_recording_is_replaced_by_one_as_whole(
    old: Script, new: Script, server: Server, path: Path
) -> None:
    record(old, server, path)
    before = load(path)
    record(new, server, path)
    assert load(path) != before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [(WHOLE, FAILED, "a request that failed"), (WHOLE, PAGE, "a request that failed"),
     (WHOLE, ERROR, "a request that failed"), (WHOLE, LOST, "a part of an answer"),
     (WHOLE, CUT, "a part"), (WHOLE, STOPPED, "a part"), (DONE, CUT, "a part"),
     (STOPPED, FAILED, "a request"), (LOST, PAGE, "a request")],
)  # fmt: skip
def test_a_recording_is_not_replaced_by_a_lesser_one(
    old: Script, new: Script, words: str, server: Server, path: Path
) -> None:
    record(old, server, path)
    before = path.read_bytes()
    with pytest.warns(
        RuntimeWarning, match=f"could not be recorded.*it holds .*, and this is {words}"
    ):
        record(new, server, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_try_that_failed_says_nothing_where_the_next_one_is_recorded(
    server: Server, path: Path
) -> None:
    record(WHOLE, server, path)
    server.play(refusal(529, "overloaded_error", "O", **{"retry-after-ms": "1"}), answer("again"))
    assert ns.ask("hi", record=path) == ns.ask("hi", replay=path) == "again"


def test_a_file_that_is_saved_meanwhile_is_not_replaced(server: Server, path: Path) -> None:
    server.play(Script([start(), delta("one"), hold := Hold(), end()]))
    with ns.stream("hi", record=path) as s:
        texts = iter(s)
        assert next(texts) == "one"
        path.write_text("precious")
        hold.let_go.set()
        with pytest.warns(RuntimeWarning, match="another file is there now"):
            list(texts)
    assert s.reply.complete
    assert path.read_text() == "precious"


def made(*scripts: bytes, ending: str = "end") -> Recording:
    chunks = [(0.1, script) for script in scripts]
    return Recording((RecordedRound({}, 200, {}, chunks, ending, 0.2),))


def test_what_another_process_does_to_the_file_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "LOCK_SECONDS", 60.0)
    refusals: list[str] = []
    part = made(start(), ending="lost")
    other = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)  # as another process holds it
    putting = threading.Thread(target=lambda: refusals.append(recordings.put(part, path)))
    putting.start()
    putting.join(0.2)
    assert putting.is_alive()
    whole = made(start(), end())
    recordings.write_atomically(path, whole.dump())
    os.close(other)
    putting.join(20)
    assert refusals == ["it holds a whole answer, and this is a part of an answer"]
    assert load(path) == whole


def test_a_lock_that_is_never_given_back_costs_no_recording(path: Path) -> None:
    other = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    try:
        assert recordings.put(made(start()), path) == ""
    finally:
        os.close(other)
    assert load(path).ending == "end"


# Stopped answers


def by_leaving(path: Path, server: Server) -> None:
    with ns.stream("hi", record=path) as s:
        assert next(iter(s)) == "par"


def by_stop(path: Path, server: Server) -> None:
    with ns.stream("hi", record=path) as s:
        for _ in s:
            s.stop()
            s.stop()


def by_cancelling(path: Path, server: Server) -> None:
    async def main() -> None:
        came = asyncio.Event()
        here = asyncio.get_running_loop()
        asking = new_answer(
            "hi", record=path,
            on_event=lambda event, text: text and here.call_soon_threadsafe(came.set),
        )  # fmt: skip
        task = asyncio.ensure_future(wait(asking))
        await asyncio.wait_for(came.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def by_interrupt(path: Path, server: Server) -> None:
    asking = new_answer(
        "hi", record=path,
        on_event=lambda event, text: os.kill(os.getpid(), signal.SIGINT) if text else None,
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        block(asking)


@pytest.mark.parametrize("way", [by_leaving, by_stop, by_cancelling, by_interrupt])
def test_a_stopped_answer_replays_as_stopped(
    way: Callable[[Path, Server], None], server: Server, path: Path
) -> None:
    server.play(Script([start(), delta("par"), Hold()]))
    way(path, server)
    assert load(path).ending == "stopped"
    replays = [ns.ask("hi", replay=path), asyncio.run(ns.aask("hi", replay=path))]
    with ns.stream("hi", replay=path) as s:
        assert list(s) == ["par"]
    for reply in (*replays, s.reply):
        assert (reply, reply.stop_reason, reply.error) == ("par", "stopped", None)


def test_a_replay_of_a_stopped_answer_is_recorded_as_stopped(server: Server, path: Path) -> None:
    server.play(Script([start(), delta("par"), Hold()]))
    by_leaving(path, server)
    again = path.with_name("again.txt")
    assert ns.ask("hi", replay=path, record=again).stop_reason == "stopped"
    assert load(again).ending == "stopped"
    assert load(again).rounds[0].body == load(path).rounds[0].body


def test_a_lost_connection_replays_as_lost(server: Server, path: Path) -> None:
    record(LOST, server, path)
    assert load(path).ending == "lost"
    with pytest.raises(ns.ConnectionLostError, match="the recording ends here"):
        ns.ask("hi", replay=path)


# Another prompt or model


@pytest.mark.parametrize(
    ("prompt", "options", "words"),
    [
        ("hello\x1b]52;c;x\x07", {}, r"with another prompt \('hi'\)\.$"),
        ("hi", {"model": "opus"}, r"with another model \('claude-sonnet-5-5'\)\.$"),
        ("ho", {"model": "opus"}, r"with another prompt \('hi'\) and another model \("),
    ],
)
def test_a_replay_of_another_prompt_or_model_says_so(
    prompt: str, options: dict[str, Any], words: str, server: Server, path: Path
) -> None:
    first = ns.ask("hi", record=path)
    with pytest.warns(RuntimeWarning, match=words) as caught:
        assert ns.ask(prompt, replay=path, **options) == first
    assert len(caught) == 1
    with pytest.warns(RuntimeWarning, match=words), ns.stream(prompt, replay=path, **options) as s:
        assert "".join(s) == first
    view = Noting()
    block(new_answer(prompt, replay=path, **options, view=lambda: view))
    assert len(view.notes) == 1


class Noting(NoView):
    """A view that takes its notes."""

    shows = True
    notes: tuple[str, ...] = ()

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        self.notes = notes


def test_what_is_quoted_of_a_recording_is_short_and_printable(server: Server, path: Path) -> None:
    ns.ask("\x1b]0;owned\x07" + "long " * 100, record=path)
    with pytest.warns(RuntimeWarning, match="another prompt") as caught:
        ns.ask("hi", replay=path)
    note = str(caught[0].message)
    assert note.isprintable()
    assert len(note) < 200


def test_a_recording_without_what_was_asked_says_nothing(path: Path) -> None:
    kind = {"content-type": "text/event-stream"}
    requests: list[dict[str, Any]] = [
        {}, {"messages": []}, {"messages": "x"}, {"messages": [5]}, {"messages": None},
    ]  # fmt: skip
    for request in requests:
        path.write_bytes(RecordedRound(request, 200, kind, [(0.0, start() + end())], "end").dump())
        assert ns.ask("hi", replay=path, model="opus").complete


def test_demo_mode_says_nothing_of_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "demo", True)
    assert ns.ask("Write a short poem about the tide.", model="opus").startswith("**The Tide**")


# Keys

CANARY = 'canary/0123+456789-"quoted"'
PLAIN = "canary_without_a_quote_0123456789"
NUMBER = "9876543210123456"
ESCAPED = json.dumps(CANARY).replace("/", "\\/")


def pieces(text: str, size: int) -> Iterator[bytes]:
    return (delta(text[at : at + size]) for at in range(0, len(text), size))


JSON = {"content-type": "application/json"}
ECHOES = {
    "a 401": refusal(401, "authentication_error", f"no {CANARY}"),
    "a 401 with escapes": Script([b'{"error": {"message": ' + ESCAPED.encode() + b"}}"], 401, JSON),
    "a 401 on many lines": Script([json.dumps({"error": {"message": CANARY}}, indent=2).encode()], 401, JSON),
    "a name twice": Script([f'{{"error": "{PLAIN}", "error": 1}}'.encode()], 401, JSON),
    "an event's name twice": Script([start(), f'data: {{"x": "{PLAIN}", "x": 1}}\n\n'.encode(), end()]),
    "a number": Script([start(), f'data: {{"type": "x", "y": {NUMBER}}}\n\n'.encode(), end()]),
    "a name": Script([json.dumps({CANARY: {"message": 1}}).encode()], 401, JSON),
    "a page": Script([f"<p>{PLAIN}".encode(), b"\n\xff"], 502, {"content-type": "text/html"}),
    "headers": Script([b"{}"], 401, {"request-id": f"r-{PLAIN}", "content-type": f"x/{PLAIN}"}),
    "chunks": Script([f'{{"error": "{PLAIN[:9]}'.encode(), f'{PLAIN[9:]}"}}'.encode()], 401, JSON),
    "an error": Script([start(), event("error", error={"message": f"at {CANARY}"})]),
    "an unknown event": Script([start(), event("x", y=[{"z": CANARY}]), end()]),
    "a comment": Script([f": {PLAIN}\n\n".encode(), start(), end()]),
    "a name of an event": Script([f"event: {PLAIN}\ndata: {{}}\n\n".encode(), start(), end()]),
    "pieces of text": Script([start(), *pieces(f"It is {CANARY}, I think 🌊.", 3), end()]),
    "lines that are cut": Script([start(), f"data: {PLAIN}".encode(), Drop]),
    "half a pair": Script([start(), *pieces(f"\ud83d{CANARY}", 40), end()]),
}  # fmt: skip


@pytest.mark.parametrize("name", ECHOES)
def test_no_key_that_a_server_echoes_is_recorded(
    name: str, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", PLAIN)
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", f"x-tenant-token: {NUMBER}")
    monkeypatch.setattr(settings, "max_retries", 0)
    server.play(ECHOES[name])
    first = outcome(record=path)
    there = path.read_text(encoding="utf-8", errors="surrogateescape")
    assert "…" in there or "twice" in name  # of two values JSON has the last one
    for secret in (CANARY, json.dumps(CANARY)[1:-1], ESCAPED[1:-1], PLAIN, NUMBER):
        assert secret not in there
    second = outcome(replay=path)
    assert second[0] is first[0]
    for secret in (CANARY, PLAIN):
        assert secret not in second[1]
    if second[0] is Reply:
        assert second[1] == first[1].replace(CANARY, "…")


def test_a_known_key_in_the_prompt_is_not_recorded(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    ns.ask(f"Is {CANARY} safe?", system=f"Use {CANARY}.", record=path)
    assert CANARY in server.requests[0].prompt
    request = load(path).request
    assert (request["messages"][0]["content"], request["system"]) == ("Is … safe?", "Use ….")
    assert ns.ask(f"Is {CANARY} safe?", replay=path).complete  # and no note


def test_a_header_that_is_not_ascii_is_replayed(server: Server, path: Path) -> None:
    server.play(Script([b"{}"], 401, {**JSON, "request-id": "r-\u00e9"}))
    assert outcome(record=path) == outcome(replay=path)


@pytest.mark.parametrize("value", ["message", "content_block_delta", "text_delta", "message_stop"])
def test_a_header_that_is_a_word_of_the_format_costs_no_recording(
    value: str, server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", f"x-kind: {value}")
    assert ns.ask("hi", record=path) == ns.ask("hi", replay=path) == "Hello, world."


def test_redacted_chunks_come_when_they_came(
    server: Server, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    hold = Hold()
    server.play(Script([start(), delta("one"), hold, *pieces(f" {CANARY} two", 4), end()]))
    with ns.stream("hi", record=path) as s:
        texts = iter(s)
        assert next(texts) == "one"
        hold.let_go.set()
        list(texts)
    chunks = load(path).rounds[0].chunks
    (early,) = [n for n, (_, chunk) in enumerate(chunks) if b'"one"' in chunk]
    (late,) = [n for n, (_, chunk) in enumerate(chunks) if "…".encode() in chunk]
    assert early < late
    assert [seconds for seconds, _ in chunks] == sorted(seconds for seconds, _ in chunks)
    assert all(chunk.endswith(b"\n") for _, chunk in chunks)
