"""One client and its connections for many requests: when they are shared, and when they are not."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream import background
from notebook_stream.api import client
from notebook_stream.request.options import settings

from ..loopback import (
    DEADLINE_SECONDS,
    Drop,
    Hold,
    Script,
    Server,
    Step,
    answer,
    delta,
    end,
    event,
    refusal,
    start,
)


@pytest.fixture(autouse=True)
def _api(api: None, server: Server) -> None:
    server.keep_alive = True


def finish() -> None:
    """Wait until the last bytes of all responses are read."""

    async def finished() -> None:
        from notebook_stream.api.stream import _finishing

        while _finishing:
            await asyncio.wait(_finishing)

    asyncio.run_coroutine_threadsafe(finished(), background.loop()).result(DEADLINE_SECONDS)


def test_one_connection_serves_one_answer_after_another(server: Server) -> None:
    for _ in range(5):
        assert ns.ask("hi").complete
        finish()
    assert (len(server.requests), server.connections) == (5, 1)


def test_many_answers_at_once_take_few_connections(server: Server) -> None:
    async def main() -> None:
        gate = asyncio.Semaphore(10)

        async def one() -> None:
            async with gate:
                await ns.aask("hi")

        await asyncio.gather(*(one() for _ in range(100)))

    asyncio.run(main())
    assert len(server.requests) == 100
    assert server.connections <= 25


def test_a_stop_closes_its_connection_alone(server: Server) -> None:
    held, other = Hold(), Hold()
    server.play(Script([start(), delta("a"), held]), Script([start(), delta("b"), other, end()]))
    with ns.stream("first") as first:
        server.wait_for_request(1)
        with ns.stream("second") as second:
            server.wait_for_request(2)
            first.stop()
            assert server.requests[0].has_closed()
            assert server.requests[0].client_left
            assert not server.requests[1].closed.is_set()
            other.let_go.set()
            assert "".join(second) == "b"
    assert first.reply.stop_reason == "stopped"


def test_a_connection_that_the_server_has_closed_costs_nothing(server: Server) -> None:
    server.keep_alive = False
    for _ in range(5):
        assert ns.ask("hi").complete
    assert (len(server.requests), server.connections) == (5, 5)


@pytest.mark.parametrize(
    ("name", "value", "header"),
    [
        ("ANTHROPIC_API_KEY", "sk-ant-another", "authorization"),
        ("ANTHROPIC_CUSTOM_HEADERS", "x-team: tides", "x-team"),
    ],
)
def test_what_changes_in_the_environment_is_used_at_once(
    name: str, value: str, header: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ns.ask("hi")
    monkeypatch.setenv(name, value)
    ns.ask("hi")
    first, second = (request.headers.get(header, "") for request in server.requests)
    assert value.removeprefix("x-team: ") in second
    assert first != second


def test_a_setting_that_changes_is_used_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ns.ask("hi")
    monkeypatch.setattr(settings, "max_retries", 0)
    server.play(refusal(529, "overloaded_error", "no"))
    with pytest.raises(ns.RefusedError):
        ns.ask("hi")
    assert len(server.requests) == 2


def test_clients_that_are_not_used_are_closed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = Hold()
    server.play(Script([start(), delta("a"), hold, end()]))
    with ns.stream("hi") as first:
        server.wait_for_request()
        for n in range(2 * client.MOST_CLIENTS):
            monkeypatch.setenv("ANTHROPIC_API_KEY", f"sk-ant-number-{n}")
            ns.ask("hi")
        assert len(client._clients) == client.MOST_CLIENTS
        hold.let_go.set()
        assert "".join(first) == "a"  # its client was retired meanwhile, and closed only now


def test_a_profile_that_changes_is_used_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    before = client._profile_files()
    (tmp_path / "active_config").write_text("work")
    assert client._profile_files() != before


def test_requests_of_many_threads_share_a_client(server: Server) -> None:
    threads = [threading.Thread(target=ns.ask, args=("hi",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert len(server.requests) == 8
    assert server.connections <= 8


def test_a_process_that_ends_leaves_no_warning(server: Server) -> None:
    code = "import notebook_stream as ns; print(ns.ask('hi')); print(ns.ask('hi'))"
    command = [sys.executable, "-X", "dev", "-W", "default", "-c", code]
    done = subprocess.run(
        command, env=dict(os.environ), capture_output=True, text=True,
        timeout=DEADLINE_SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "Hello, world.\nHello, world.\n")
    assert "ResourceWarning" not in done.stderr


def test_each_of_many_retries_is_reported_to_its_own_answer(server: Server) -> None:
    server.play(refusal(529, "overloaded_error", "no"), answer("a"), answer("b"))

    async def main() -> list[str]:
        return list(await asyncio.gather(ns.aask("hi"), ns.aask("hi")))

    assert sorted(asyncio.run(main())) in (
        ["a", "b"],
        ["Hello, world.", "a"],
        ["Hello, world.", "b"],
    )
    assert len(server.requests) == 3


@pytest.fixture
def unclosed() -> Iterator[list[str]]:
    """Names of the async generators on the background loop that were dropped, not closed."""
    names: list[str] = []

    async def set_hook(finalizer: Callable[[AsyncGenerator[object, object]], None]) -> object:
        before = sys.get_asyncgen_hooks().finalizer
        sys.set_asyncgen_hooks(finalizer=finalizer)
        return before

    def on_loop(finalizer: Callable[[AsyncGenerator[object, object]], None]) -> Any:
        setting = asyncio.run_coroutine_threadsafe(set_hook(finalizer), background.loop())
        return setting.result(DEADLINE_SECONDS)

    def note(dropped: AsyncGenerator[object, object]) -> None:
        names.append(getattr(dropped, "__qualname__", ""))
        before(dropped)

    before = on_loop(note)
    yield names
    on_loop(before)


@pytest.mark.parametrize(
    "last",
    [event("error", error={"type": "overloaded_error"}), b"data: [1]\n\n", Drop, Hold()],
    ids=["an error", "garbage", "dropped", "stopped"],
)
def test_no_reader_of_a_response_is_left_to_the_garbage_collector(
    last: Step, server: Server, unclosed: list[str]
) -> None:
    server.play(Script([start(), delta("a"), last]))
    with ns.stream("hi") as stream, suppress(ns.ClaudeError):
        for _ in stream:
            if isinstance(last, Hold):
                stream.stop()
    gc.collect()
    finish()
    ours = [name for name in unclosed if name.startswith(("Async", "Response", "Bound", "HTTP11"))]
    assert not ours
