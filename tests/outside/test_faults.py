"""Faults of servers, networks and settings: the sentence, what is stored, and that no secret is in it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import random
import ssl
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import pytest
import trustme

import notebook_stream as ns
from notebook_stream import background
from notebook_stream.api import failures
from notebook_stream.ledger import usage
from notebook_stream.request.options import settings
from notebook_stream.running.waiting import block
from notebook_stream.text import keys
from notebook_stream.view import NoView
from notebook_stream.view.static import metadata

from ..answers import new_answer
from ..attacks import ECHOES
from ..loopback import (
    DEADLINE_SECONDS,
    Drop,
    Hold,
    Pause,
    Reset,
    Script,
    Server,
    Step,
    answer,
    delta,
    end,
    event,
    refusal,
    serving,
    start,
)

CANARY = "sk-ant-canary-0123456789"
PASSWORD = "canarypassword"  # noqa: S105 - to be looked for


@pytest.fixture(autouse=True)
def _api(api: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)


def failing(**options: Any) -> ns.ClaudeError:
    with pytest.raises(ns.ClaudeError) as caught:
        ns.ask("hi", **options)
    return caught.value


def failing_with_nothing() -> ns.ClaudeError:
    """A failure before any text: one sentence, and an empty reply."""
    error = failing()
    sentence = str(error)
    assert sentence.isprintable(), sentence
    assert sentence.endswith("."), sentence
    assert ". " not in sentence, sentence
    assert isinstance(error.reply, ns.Reply)
    assert (error.reply, error.reply.complete, error.reply.error) == ("", False, sentence)
    return error


JSON = {"content-type": "application/json"}


def page(status: int, body: str, **headers: str) -> Script:
    return Script([body.encode()], status, {"content-type": "text/html", **headers})


SENTENCES = {
    "redirect": (page(307, "", location="http://elsewhere.test/"), ["sends elsewhere", "elsewhere.test"]),
    "a gateway's page": (page(403, "<html><b>Access denied</b></html>"), ["may not", "Access denied"]),
    "another API's JSON": (Script([b'{"error": "bad key"}'], 401, JSON), ["bad key", "API_KEY"]),
    "a teapot": (page(418, "short and stout"), ["does not take", "stout"]),
    "nothing": (Script([]), ["ended before it began", "try again"]),
    "an error that is no JSON": (
        Script([start(), b"event: error\ndata: upstream timed out\n\n"]), ["upstream timed out"]
    ),
    "an error without a type": (
        Script([start(), b'data: {"error": {"message": "quota gone"}}\n\n']), ["quota gone"]
    ),
    "an error of no shape": (Script([start(), event("error", error=None)]), ["no message"]),
    "an echo of the key": (
        refusal(401, "authentication_error", f"bad key {CANARY} of x-api-key"), ["bad key … of"]
    ),
    "a type that a terminal would obey": (
        Script([start(), event("error", error={"type": "\x1b]52;c;eA==\x07", "message": "\u202eno"})]),
        ["]52;c;eA==: no"],
    ),
    "a content type that a terminal would obey": (
        Script([b"x"], headers={"content-type": "a\u009b31mb"}), ["sent no stream but"]
    ),
    "a long one": (refusal(400, "invalid_request_error", "x\x1b[31m" * 5000), ["x x x", "…"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SENTENCES)
def test_what_a_server_says_is_explained_in_one_sentence(name: str, server: Server) -> None:
    script, words = SENTENCES[name]
    server.play(script)
    sentence = str(failing())
    assert all(word in sentence for word in words), sentence
    assert len(sentence) < 600
    assert sentence.isprintable()
    assert CANARY not in sentence
    assert len(server.requests) == 1


def test_a_whole_stream_without_a_stop_reason_is_no_fault(server: Server) -> None:
    server.play(Script([start(), delta("ok"), event("message_stop")]))
    assert ns.ask("hi") == "ok"
    server.play(Script([start(), delta("ok"), b"data: [DONE]\n\n"]))
    assert (ns.ask("hi"), server.requests[1].client_left) == ("ok", False)


def test_error_and_reply_know_the_same_request(server: Server) -> None:
    server.play(refusal(400, "invalid_request_error", "no"), Script([start(), delta("a"), Drop]))
    for known in ("req_refused", "req_loopback"):
        error = failing()
        assert error.reply is not None
        assert (error.request_id, error.reply.request_id) == (known, known)


class WaitView(NoView):
    """A view that keeps what is waited for."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def wait(self, words: str) -> None:
        self.words.append(words)


def test_each_try_is_reported_while_it_waits(server: Server) -> None:
    late = refusal(529, "overloaded_error", "Overloaded", **{"retry-after": "0.2"})
    server.play(late, refusal(500, "api_error", "Oops"), answer("ok"))
    view = WaitView()
    assert block(new_answer("hi", view=lambda: view)) == "ok"
    first, second = filter(None, view.words)
    assert first == "the API is overloaded (529); trying again, 2 of 3, in 0.2 s"
    assert second.startswith("the API failed on its side (500); trying again, 3 of 3, in ")
    assert view.words[-1] == ""


def test_a_connection_that_closes_before_headers_is_tried_again(server: Server) -> None:
    server.play(Script([], 0), Script([], 0), Script([], 0))
    view = WaitView()
    with pytest.raises(ns.ConnectionLostError, match="connection was lost"):
        block(new_answer("hi", view=lambda: view))
    assert len(server.requests) == 3
    assert [words[:34] for words in view.words if words] == [
        "no connection; trying again, 2 of ",
        "no connection; trying again, 3 of ",
    ]


def test_a_reset_keeps_what_came(server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("par"), hold, Reset]))
    with ns.stream("hi") as s:
        texts = iter(s)
        assert next(texts) == "par"
        hold.let_go.set()
        with pytest.raises(ns.ConnectionLostError, match="the other side"):
            next(texts)
    assert (s.reply, s.reply.stop_reason, len(server.requests)) == ("par", "connection_lost", 1)


def test_a_byte_at_a_time_is_stopped_like_any_other(server: Server) -> None:
    body = start() + delta("par") + delta("tial") * 1000
    steps: list[Step] = []
    for n in range(len(body)):
        steps += [body[n : n + 1], Pause(0.001)]
    server.play(Script(steps))
    with ns.stream("hi") as s:
        assert next(iter(s)) == "par"
        s.stop()
    assert s.reply.startswith("par")
    assert server.requests[0].has_closed()


def test_a_stop_ends_a_long_wait_at_once(server: Server) -> None:
    server.play(refusal(429, "rate_limit_error", "Slow down", **{"retry-after": "600"}))
    with ns.stream("hi") as s:
        server.wait_for_request().has_closed()
        s.stop()
        assert not list(s)
    assert (s.reply.stop_reason, len(server.requests)) == ("stopped", 1)


def test_timeout_and_retries_are_settings(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "max_retries", 0)
    monkeypatch.setattr(settings, "timeout", 0.2)
    server.play(refusal(529, "overloaded_error", "O"), Script([start(), delta("par"), Hold()]))
    assert "529" in str(failing())
    error = failing()
    assert "nothing came for too long" in str(error)
    assert error.reply == "par"
    assert len(server.requests) == 2


def test_a_server_that_sends_no_header_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "max_retries", 0)
    monkeypatch.setattr(settings, "timeout", 0.5)
    server.play(Script([Hold()], 0))
    error = failing_with_nothing()
    assert type(error) is ns.ConnectionLostError
    assert "nothing came for too long" in str(error)
    assert server.requests[0].has_closed()
    assert [request.client_left for request in server.requests] == [True]


def self_signed() -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that vouches for itself alone."""
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with made.cert_pem.tempfile() as certificate, made.private_key_pem.tempfile() as key:
        context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_that_is_not_trusted_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "max_retries", 0)
    with serving(self_signed()) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        error = failing_with_nothing()
        assert not server.requests
    assert type(error) is ns.ConnectionLostError
    assert "certificate verify failed" in str(error)
    assert "SSL_CERT_FILE" in str(error)


def test_the_certificate_of_who_signed_makes_a_server_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as certificate, serving(context) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        assert ns.ask("hi") == "Hello, world."


SETTINGS = {
    "a proxy that refuses": ({"HTTPS_PROXY": f"http://u:{PASSWORD}@127.0.0.1:1", "ANTHROPIC_BASE_URL": "https://api.test"}, "the connection was lost"),
    "a proxy that is none": ({"HTTPS_PROXY": f"ht tp://u:{PASSWORD}@x"}, "HTTPS_PROXY"),
    "an address that is none": ({"ANTHROPIC_BASE_URL": f"http://u:{PASSWORD}@[::1"}, "ANTHROPIC_BASE_URL"),
    "a name that is none": ({"ANTHROPIC_BASE_URL": "http://nowhere.invalid"}, "ANTHROPIC_BASE_URL"),
    "TLS to a plain port": ({"ANTHROPIC_BASE_URL": "https://127.0.0.1:1"}, "ANTHROPIC_BASE_URL"),
    "a key with a line end": ({"ANTHROPIC_API_KEY": f"{CANARY}\n"}, "line end"),
    "a token with a space": ({"ANTHROPIC_API_KEY": "", "ANTHROPIC_AUTH_TOKEN": f"{CANARY} "}, "line end"),
    "a header that is none": ({"ANTHROPIC_CUSTOM_HEADERS": f"x bad: {CANARY}"}, "CUSTOM_HEADERS"),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_wrong_is_named_and_never_quoted(
    name: str, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    given, words = SETTINGS[name]
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("NO_PROXY")
    with caplog.at_level(logging.DEBUG, "notebook_stream"):
        error = failing()
    shown = "".join(traceback.format_exception(error)) + caplog.text
    assert words in str(error), error
    assert CANARY not in shown
    assert PASSWORD not in shown
    assert not server.requests


DEAD_PROXIES = {
    "for its scheme": ({"HTTP_PROXY": "127.0.0.1:1"}, "HTTP_PROXY and"),
    "in lower case": ({"http_proxy": "127.0.0.1:1", "HTTP_PROXY": "127.0.0.1:1"}, "http_proxy and"),
    "for all": ({"ALL_PROXY": "127.0.0.1:1"}, "ALL_PROXY and"),
    "for the scheme before all": (
        {"HTTP_PROXY": "127.0.0.1:1", "all_proxy": "127.0.0.1:2"}, "HTTP_PROXY and"
    ),
    "for another scheme": ({"HTTPS_PROXY": "127.0.0.1:1"}, "ANTHROPIC_BASE_URL and"),
    "for others": ({"HTTP_PROXY": "127.0.0.1:1", "NO_PROXY": "127.0.0.1"}, "ANTHROPIC_BASE_URL and"),
    "for https": (
        {"HTTPS_PROXY": "127.0.0.1:1", "ANTHROPIC_BASE_URL": "https://api.test"}, "HTTPS_PROXY and"
    ),
}  # fmt: skip


@pytest.mark.parametrize("which", DEAD_PROXIES)
def test_a_dead_proxy_is_named_by_its_variable(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given, words = DEAD_PROXIES[which]
    monkeypatch.setattr(settings, "max_retries", 0)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:3")  # nobody listens there either
    for name, value in given.items():
        proxy = f"http://user:{PASSWORD}@{value}" if value.startswith("127.0.0.1:") else value
        monkeypatch.setenv(name, proxy)
    sentence = str(failing_with_nothing())
    assert f"check {words} try again." in sentence
    assert PASSWORD not in sentence


def test_a_proxy_that_refuses_is_named_by_its_variable(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://api.test")
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", f"//user:{PASSWORD}@"))
    server.play(page(407, "who are you?"))
    sentence = str(failing())
    assert sentence.endswith("; check HTTP_PROXY.")
    assert PASSWORD not in sentence
    monkeypatch.setenv("HTTP_PROXY", f"socks9://user:{PASSWORD}@127.0.0.1:1")
    sentence = str(failing())
    assert "HTTP_PROXY" in sentence
    assert PASSWORD not in sentence


def test_no_secret_is_in_anything_that_is_stored(server: Server, tmp_path: Path) -> None:
    server.play(
        answer("fine"),
        refusal(401, "authentication_error", f"no: {CANARY}"),
        Script([start(), delta("par"), event("error", error={"message": f"at {CANARY}"})]),
    )
    reply = ns.ask("hi", record=tmp_path / "a.txt")
    stored = [pickle.dumps(reply), repr(vars(reply)).encode(), (tmp_path / "a.txt").read_bytes()]
    for _ in range(2):
        error = failing()
        stored += [pickle.dumps(error), repr(vars(error)).encode(), str(error).encode()]
        stored.append("".join(traceback.format_exception(error)).encode())
    assert CANARY.encode() in json.dumps(server.requests[0].headers).encode()
    assert not [one for one in stored if CANARY.encode() in one]


def everything(error: BaseException) -> bytes:
    """All that leaves with an error: what is shown, its attributes, its pickle, what is behind it."""
    behind = [error, error.__cause__, error.__context__]
    shown = [
        "".join(traceback.format_exception(error)),
        repr([vars(one or error) for one in behind]),
    ]
    if isinstance(error, ns.ClaudeError) and error.reply is not None:
        shown += [repr(vars(error.reply)), repr(error.reply.message), repr(metadata(error.reply))]
    return "".join(shown).encode() + pickle.dumps(error)


def echoing(message: str) -> dict[str, Script]:
    """Each place where a server can echo a key, before or in its answer."""
    error = {"type": "authentication_error", "message": message}
    body = json.dumps({"type": "error", "error": error}, ensure_ascii=False).encode()
    header = {"request-id": message, **JSON}
    named = json.dumps({"message": {"id": message, "model": message, "usage": {"tier": message}}})
    ended = event("message_delta", delta={"stop_reason": message, "stop_details": {"x": message}})
    return {
        "a refusal": Script([body], 401, JSON),
        "a page": page(403, f"<html><style>x</style><b>{message}</b></html>"),
        "a redirect": page(307, "", location=message),
        "a request id": Script([body], 400, header),
        "a request id of a stream": Script([start(), delta("par"), Drop], 200, header),
        "a content type": Script([b"x"], 200, {"content-type": message}),
        "an error in the stream": Script(
            [start(), event("error", error=error, request_id=message)]
        ),
        "the type of an error": Script([start(), event("error", error={"type": message})]),
        "an error that is no JSON": Script(
            [start(), f"event: error\ndata: {message}\n\n".encode()]
        ),
        "an event that is no JSON": Script([start(), f"data: {message}\n\n".encode()]),
        "an answer": Script(
            [b'data: {"type": "message_start", ' + named[1:].encode() + b"\n\n", Drop]
        ),
        "an ending": Script(
            [start(), ended, event("note", text=message), event("error", error={})]
        ),
        "a whole error": Script([body], 200, JSON),
        "a whole answer of another": Script([json.dumps({"detail": message}).encode()], 200, JSON),
    }


def prepare(
    echo: tuple[str, dict[str, str], str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Set the environment of an echo; returns the server's message and the secret in it."""
    _, environment, message, secret = echo
    monkeypatch.setattr(keys, "_known", {})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return message, secret


@pytest.mark.parametrize("echo", ECHOES, ids=lambda echo: echo[0])
def test_a_key_that_a_server_echoes_leaves_with_no_error(
    echo: tuple[str, dict[str, str], str, str], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, secret = prepare(echo, monkeypatch)
    server.play(refusal(401, "authentication_error", message))
    error = failing()
    assert secret.encode() not in everything(error)
    assert "bad key" in str(error)


@pytest.mark.parametrize("echo", ECHOES, ids=lambda echo: echo[0])
def test_what_a_server_says_beside_an_answer_is_redacted_string_by_string(
    echo: tuple[str, dict[str, str], str, str], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, secret = prepare(echo, monkeypatch)
    said = {"first": "bearer", "list": ["123456789", message, {"last": message}], "plain": "x\ny"}
    server.play(Script([start(), event("note", **said), event("note", at=message), end()]))
    with ns.stream("hi") as s:
        notes = [one for one in s.events() if one["type"] == "note"]
    alone = keys.redact_message(message)
    assert secret not in alone
    assert notes == [
        {"type": "note", "first": "bearer", "list": ["123456789", alone, {"last": alone}],
         "plain": "x\ny"},
        {"type": "note", "at": alone},
    ]  # fmt: skip


ALL_KINDS = f"bad {CANARY[:12]}... gateway%2Bcanary https://u:canary@gw.test/v1 given"
"""Secrets of every kind: what looks like one, a known one in another spelling, an address's."""


@pytest.mark.parametrize("place", echoing(ALL_KINDS))
def test_no_place_where_a_server_echoes_keys_leaks_one(
    place: str, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "gateway+canary")
    server.play(echoing(ALL_KINDS)[place])
    error = failing()
    shown = (
        everything(error).decode(errors="replace")
        + caplog.text
        + repr(usage.session.snapshot().sums)
    )
    assert "canary" not in shown
    assert "sk-ant" not in shown
    assert isinstance(error.reply, ns.Reply)


def test_nothing_of_the_sdk_is_behind_an_error(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.play(*echoing("bad key").values())
    monkeypatch.setattr(settings, "max_retries", 0)
    errors = [failing() for _ in echoing("bad key")]
    monkeypatch.setenv("ANTHROPIC_BASE_URL", f"http://u:{PASSWORD}@[::1")
    errors.append(failing())
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    errors.append(failing())
    assert not [error for error in errors if error.__cause__ or error.__context__]


def test_a_key_that_is_changed_while_its_answer_comes_is_redacted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-first")
    hold = Hold()
    server.play(Script([start(), hold, event("error", error={"message": "no canary-first"})]))
    with ns.stream("hi") as s:
        server.wait_for_request()
        monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-second")
        hold.let_go.set()
        with pytest.raises(ns.StreamError, match="no …") as caught:
            list(s)
    assert b"canary" not in everything(caught.value)


def test_the_token_of_a_profile_is_redacted(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = {"configs": {"authentication": {"type": "user_oauth"}},
               "credentials": {"type": "oauth_token", "access_token": "canary-of-a-profile"}}  # fmt: skip
    for folder, content in profile.items():
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "default.json"
        file.write_text(json.dumps(content))
        file.chmod(0o600)
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    server.play(refusal(403, "permission_error", "no canary-of-a-profile here"))
    error = failing()
    assert "no … here" in str(error)
    assert server.requests[0].headers["authorization"] == "Bearer canary-of-a-profile"
    assert b"canary" not in everything(error)


def test_a_key_at_the_end_of_what_is_looked_at_leaves_no_half(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-0123")
    for before in range(failures.LARGEST - 12, failures.LARGEST + 1, 3):
        server.play(page(403, f"{'<b>' * (before // 3)} canary-0123 {'x ' * 500}"))
        assert b"canary" not in everything(failing())


def test_a_page_of_open_tags_is_read_at_once(server: Server) -> None:
    for page_of in ("<style ", "<", "<script><", "<style></styl"):
        server.play(page(403, page_of * 50_000))
        began = time.process_time()
        failing()
        assert time.process_time() - began < 5


class Unpaintable(NoView):
    """A view whose error quotes the key, as one that cannot reach its page may."""

    def paint(self, draft: object) -> bool:
        raise ValueError(f"401 for {CANARY[7:]} at https://u:{PASSWORD}@page.test/")


def test_no_key_is_in_a_log(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    keys.remember([("authorization", f"Bearer {CANARY[7:]}")])
    assert block(new_answer("hi", view=Unpaintable)).complete
    assert "ValueError: 401 for … at https://…@page.test/" in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


def test_a_redirect_takes_neither_prompt_nor_key_elsewhere(server: Server) -> None:
    moved = {"location": f"{server.url}/elsewhere", **JSON}
    server.play(Script([b"{}"], 307, moved))
    failing()
    assert [request.path for request in server.requests] == ["/v1/messages"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_itself_is_asked_once(status: int, server: Server) -> None:
    server.default = page(status, "", location=f"{server.url}/v1/messages")
    error = failing_with_nothing()
    assert type(error) is ns.RefusedError
    assert "sends elsewhere" in str(error)
    assert (error.status, len(server.requests)) == (status, 1)


def test_a_hundred_megabytes_come_whole(server: Server) -> None:
    pieces = [letter * 10_000_000 for letter in "abcdefghij"]
    server.play(Script([start(), *map(delta, pieces), end()]))
    reply = ns.ask("hi")
    assert (len(reply), reply.stop_reason, reply.complete) == (100_000_000, "end_turn", True)
    as_sent = reply == "".join(pieces)
    assert as_sent  # pytest would take minutes to show where two such texts differ


@pytest.mark.parametrize(
    "home", ["/proc", "/proc/nonexistent", __file__], ids=["read-only", "missing", "a file"]
)
def test_a_home_that_cannot_be_written_to_costs_no_answer(
    home: str, env: dict[str, str], server: Server
) -> None:
    elsewhere = ("IPYTHON", "JUPYTER_")
    left = {name: value for name, value in env.items() if not name.startswith(elsewhere)}
    command = [sys.executable, "-m", "notebook_stream", "ask", "hi"]
    done = subprocess.run(
        command, env={**left, "HOME": home}, capture_output=True, text=True,
        timeout=DEADLINE_SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "Hello, world.\n")
    (footer,) = done.stderr.splitlines()
    assert "25 in · 12 out" in footer


def test_two_hundred_endings_in_any_order_leave_nothing(server: Server) -> None:
    def left_open() -> tuple[int, int]:
        """Threads, but for those of the pool, which stay; and files."""
        threads = [t for t in threading.enumerate() if t.name != "notebook_stream_work"]
        return len(threads), len(os.listdir("/proc/self/fd"))

    ns.ask("hi")
    before = left_open()
    chance = random.Random(7)  # noqa: S311 - the same order each time
    kinds = [
        answer("a", "b"), Script([start(), delta("a"), Hold()]), Script([start(), delta("a"), Drop]),
        refusal(400, "invalid_request_error", "no"), Script([start(), event("error", error={})]),
        Script([Hold()]), Script([start(), Pause(0.01), delta("a")]),
    ]  # fmt: skip
    for _ in range(200):
        kind = chance.choice(kinds)
        server.play(kind)
        held = any(isinstance(step, Hold) for step in kind.steps)
        with ns.stream("hi") as s:
            if held:
                server.wait_for_request(len(server.requests))
                s.stop()
        assert s.reply.stop_reason is not None

    async def left() -> int:
        return len(asyncio.all_tasks()) - 1

    deadline = time.monotonic() + DEADLINE_SECONDS
    while (now := left_open()) > before:
        assert time.monotonic() < deadline, (before, now)
        time.sleep(0.05)
    tasks = asyncio.run_coroutine_threadsafe(left(), background.loop()).result(DEADLINE_SECONDS)
    assert tasks == 0
    server.scripts.clear()
    assert ns.ask("hi").complete
