"""The caller's event loop, which nothing holds up; forks; and the end of the interpreter."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream import background
from notebook_stream.request.options import settings
from notebook_stream.running.gate import gate
from notebook_stream.running.waiting import wait
from notebook_stream.values.reply import Reply
from notebook_stream.verbs import AsyncStream
from notebook_stream.view import NoView

from ..answers import new_answer
from ..environments import environment, interpreter
from ..loopback import Hold, Pause, Script, Server, delta, refusal, start

LONG_SECONDS = 2.0
"""What the long work takes in these tests."""

GAP_SECONDS = 1.0
"""The longest that the loop may stand still; busy machines hold up any loop for a while."""

FORKED_SECONDS = 60.0


pytestmark = pytest.mark.usefixtures("api")


@asynccontextmanager
async def ticking() -> AsyncIterator[list[float]]:
    """The gaps between the turns that a task of the loop gets, in seconds."""
    gaps: list[float] = []

    async def tick() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - last)
            last = time.monotonic()

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0.02)
    try:
        yield gaps
    finally:
        await asyncio.sleep(0.02)
        ticker.cancel()


class LongEnd(NoView):
    """A view whose end takes long to make, as that of a long answer does."""

    def __init__(self) -> None:
        self.began = threading.Event()

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        self.began.set()
        time.sleep(LONG_SECONDS)


async def by_aask() -> str:
    return await ns.aask("hi")


async def by_astream() -> str:
    async with ns.astream("hi") as s:
        return "".join([text async for text in s])


@pytest.mark.parametrize("ask", [by_aask, by_astream])
def test_a_slow_count_of_tokens_holds_up_no_loop(
    ask: Callable[[], Coroutine[Any, Any, str]], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ns.ask("hi")  # all is imported
    spent = gate.spent
    monkeypatch.setattr(settings, "budget", spent + 0.0001)  # near enough to be counted
    count = Script(
        [Pause(LONG_SECONDS), b'{"input_tokens": 8}'], 200, {"content-type": "application/json"}
    )
    server.play(count)

    async def main() -> list[float]:
        async with ticking() as gaps:
            assert await ask() == "Hello, world."
        return gaps

    gaps = asyncio.run(main())
    assert [request.path for request in server.requests[1:]] == [
        "/v1/messages/count_tokens", "/v1/messages",
    ]  # fmt: skip
    assert sum(gaps) > LONG_SECONDS
    assert max(gaps) < GAP_SECONDS
    for _ in range(2):  # now there is no money left, and no count
        server.play(refusal(404, "not_found_error", "no such thing"))
        monkeypatch.setattr(settings, "budget", spent)
        with pytest.raises(ns.OptionError, match="does not allow this") as caught:
            asyncio.run(ask())
        assert caught.value.reply is None


def test_a_cancelled_answer_is_bound_and_its_long_end_holds_up_no_loop(server: Server) -> None:
    bound: list[Reply] = []

    async def main() -> list[float]:
        server.play(Script([start(), delta("par"), Hold()]))
        answer = new_answer("hi", view=LongEnd, bind=bound.append)
        async with ticking() as gaps:
            asking = asyncio.create_task(wait(answer))
            await asyncio.to_thread(server.wait_for_request)
            while not asking.done():
                asking.cancel()
                await asyncio.sleep(0.1)
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert bound == [answer.done.result()]
        return gaps

    gaps = asyncio.run(main())
    assert [reply.stop_reason for reply in bound] == ["interrupted"]
    assert sum(gaps) > LONG_SECONDS
    assert max(gaps) < GAP_SECONDS


def test_a_task_that_was_cancelled_once_may_await_what_came(server: Server) -> None:
    bound: list[Reply] = []

    async def main() -> str:
        server.play(Script([start(), delta("par"), Hold()]))
        came = asyncio.Event()
        here = asyncio.get_running_loop()
        answer = new_answer(
            "hi",
            bind=bound.append,
            on_event=lambda event, text: text and here.call_soon_threadsafe(came.set),
        )

        async def ask() -> str:
            try:
                return await wait(answer)
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
                return bound[0]

        asking = asyncio.create_task(ask())
        await came.wait()
        asking.cancel()
        return await asking

    assert asyncio.run(main()) == "par"


def test_leaving_a_stream_waits_for_no_other_answers_end(server: Server) -> None:
    async def main() -> float:
        view = LongEnd()
        long = new_answer("hi", view=lambda: view)
        long.start()
        await asyncio.to_thread(view.began.wait)
        server.play(Script([start(), delta("par"), Hold()]))
        async with ticking() as gaps:
            async with ns.astream("hi") as s:
                async for _ in s:
                    break
            assert s.reply.stop_reason == "stopped"
            await asyncio.to_thread(long.outcome)
        return max(gaps)

    assert asyncio.run(main()) < GAP_SECONDS


def test_a_stream_that_a_task_leaves_cancelled_has_its_reply(server: Server) -> None:
    streams: list[AsyncStream] = []

    async def use(came: asyncio.Event) -> None:
        async with ns.astream("hi") as s:
            streams.append(s)
            async for _ in s:
                came.set()

    async def main() -> None:
        came = asyncio.Event()
        using = asyncio.create_task(use(came))
        await came.wait()
        while not using.done():  # as anyio does: at each turn of the loop, until it has ended
            using.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await using
        assert streams[0].reply == "par"

    server.play(Script([start(), delta("par"), Hold()]))
    asyncio.run(main())


def test_two_threads_that_ask_first_share_one_loop() -> None:
    code = """
import threading
from notebook_stream import background
ready = threading.Barrier(16)
loops = []
def first():
    ready.wait()
    loops.append(background.loop())
threads = [threading.Thread(target=first) for _ in range(16)]
[one.start() for one in threads]
[one.join() for one in threads]
assert len(set(map(id, loops))) == 1, loops
"""
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code], check=True, timeout=FORKED_SECONDS)


FORK = """
import os, sys, time
import notebook_stream as ns
from notebook_stream import background
{before}
child = os.fork()
if not child:
    try:
        print(ns.ask("hi"), flush=True)
    finally:
        os._exit(0)
deadline = time.monotonic() + 30
while not os.waitpid(child, os.WNOHANG)[0]:
    if time.monotonic() > deadline:
        os.kill(child, 9)
        os.waitpid(child, 0)
        sys.exit("the child hangs")
    time.sleep(0.02)
print(ns.ask("hi"))
"""

BEFORE = {
    "while all is being imported": "from notebook_stream.running import imports; imports.preload()",
    "a little later": "from notebook_stream.running import imports; imports.preload(); time.sleep(0.3)",
    "after an answer": "ns.ask('hi')",
    "during an answer": "s = ns.stream('hi').__enter__()",
    "with nothing imported": "",
}


def run(
    code: str, env: dict[str, str], python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    command = [python, "-W", "ignore::DeprecationWarning", "-c", code]  # of forks, in 3.12
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=FORKED_SECONDS
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
@pytest.mark.parametrize("before", BEFORE)
def test_a_child_of_a_fork_asks_for_itself(before: str, env: dict[str, str]) -> None:
    done = run(FORK.format(before=BEFORE[before]), env)
    assert (done.stdout, done.returncode) == ("Hello, world.\nHello, world.\n", 0), done.stderr


HELD = """
import os, threading
from notebook_stream import background
{lock}
held, let_go = threading.Event(), threading.Event()
def hold():
    with lock:
        held.set()
        let_go.wait(0.5)
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if not child:
    import signal
    signal.alarm(10)
    with lock:
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
with lock:
    pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_a_lock_that_another_thread_holds_is_free_in_a_child(env: dict[str, str]) -> None:
    done = run(HELD.format(lock="lock = background.ForkSafeLock()"), env)
    assert (done.stdout, done.returncode) == ("7\n", 0), done.stderr


CHILD_OF_A_HOLD = """
import os
import notebook_stream as ns
from notebook_stream.running.gate import gate
from notebook_stream.request.options import settings
settings.budget = 0.2
streams = [ns.stream("hi").__enter__() for _ in range(2)]
assert [next(iter(one)) for one in streams] == ["a", "a"]
assert gate.held > 0.2
child = os.fork()
if not child:
    try:
        assert gate.held == 0
        print(ns.ask("hi"), flush=True)
    finally:
        os._exit(0)
os.waitpid(child, 0)
[one.stop() for one in streams]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_a_child_holds_no_money_for_its_parents_answers(
    env: dict[str, str], server: Server
) -> None:
    server.play(*[Script([start(), delta("a"), Hold()])] * 2)
    done = run(CHILD_OF_A_HOLD, env)
    assert (done.stdout, done.returncode) == ("Hello, world.\n", 0), done.stderr


AT_EXIT = """
import atexit
import notebook_stream as ns
atexit.register(lambda: print(ns.ask("bye", max_tokens=20)))
{before}
"""


@pytest.mark.parametrize(
    "before",
    [pytest.param("", id="for the first time"), pytest.param("ns.ask('hi')", id="again")],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_exit_function_asks(before: str, host: str, env: dict[str, str]) -> None:
    address = env["ANTHROPIC_BASE_URL"].replace(
        "127.0.0.1", host
    )  # a name is looked up in a thread
    done = run(AT_EXIT.format(before=before), env | {"ANTHROPIC_BASE_URL": address})
    assert (done.stdout, done.stderr, done.returncode) == ("Hello, world.\n", "", 0)


FIRST_AT_EXIT = """
import asyncio, atexit, io, sys, threading
import notebook_stream as ns
def start(self):
    raise RuntimeError("can't create new thread at interpreter shutdown")
def bye():
    if {refuse}:
        threading.Thread.start = start
    print(ns.ask("bye"))
    with ns.stream("bye") as s:
        print("".join(s))
    with ns.stream("bye") as s:
        print(s.reply)
    chat = ns.Chat()
    chat.ask("bye")
    print(chat.ask("bye").turn)
    try:
        print(asyncio.run(ns.aask("bye")))
    except ns.ClaudeError as error:
        print(str(error)[:40])
    sys.path.append({tests!r})
    from tests.answers import new_answer
    from notebook_stream.running.waiting import block
    from notebook_stream.view.terminal import TerminalView
    block(new_answer("bye", view=lambda: TerminalView(io.StringIO())))
atexit.register(bye)
"""
WITHOUT_THREADS = [
    *["Hello, world."] * 3,
    "2",
    "Python starts no thread once it shuts do",
    "Hello, world.",
]
ROOT = str(Path(__file__).parents[2])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_exit_function_asks_where_no_thread_can_be_started(
    host: str, env: dict[str, str]
) -> None:
    address = env["ANTHROPIC_BASE_URL"].replace("127.0.0.1", host)
    done = run(FIRST_AT_EXIT.format(refuse=True, tests=ROOT), env | {"ANTHROPIC_BASE_URL": address})
    assert (done.stdout.splitlines(), done.stderr, done.returncode) == (WITHOUT_THREADS, "", 0)


@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_an_exit_function_asks_first_on_newer_pythons(version: str, env: dict[str, str]) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed")
    folder = environment("anthropic", python=python)
    code = FIRST_AT_EXIT.format(refuse=False, tests=ROOT)
    done = run(code, env, str(folder / "bin" / "python"))
    with_threads = [
        *["Hello, world."] * 3,
        "2",
        "Hello, world.",
        "Hello, world.",
    ]  # 3.13 starts some
    assert done.stdout.splitlines() in (WITHOUT_THREADS, with_threads), done.stderr
    assert (done.stderr, done.returncode) == ("", 0)


def test_a_stream_is_left_where_no_thread_can_be_started(
    env: dict[str, str], server: Server
) -> None:
    server.play(Script([start(), delta("par"), Hold()]))
    code = """
import threading
import notebook_stream as ns
def start(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = start
with ns.stream("hi") as s:
    for text in s:
        break
print(s.reply, s.reply.stop_reason)
"""
    done = run(code, env)
    assert (done.stdout, done.stderr, done.returncode) == ("par stopped\n", "", 0)


def test_work_that_blocks_does_not_keep_other_work_waiting() -> None:
    threads = background.DaemonThreads()
    let_go = threading.Event()
    blocked = [threads.submit(let_go.wait, 20) for _ in range(5)]
    assert threads.submit(lambda: "done").result(10) == "done"
    let_go.set()
    assert all(one.result(10) for one in blocked)
    failing = threads.submit(lambda: Path("/nowhere").read_text())
    with pytest.raises(FileNotFoundError):
        failing.result(10)


def test_work_is_done_on_a_thread_that_is_idle() -> None:
    threads = background.DaemonThreads()
    used = {threads.submit(threading.get_ident).result(10) for _ in range(2000)}
    assert len(used) <= background.FEWEST_WORKERS
