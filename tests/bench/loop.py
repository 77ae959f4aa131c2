"""How long a caller's event loop stands still while a long answer comes, and is rendered.

A timer of 1 ms on the loop of the main thread notes its gaps. Beside them stand those while another
thread only spins in Python: it gives the interpreter lock away after 5 ms (`sys.getswitchinterval`),
whoever waits for it. A gap is also given by the CPU time of the process in it, where that is less:
on a busy machine the process itself stands still in the longest ones. The API is a process of its
own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from ..answers import new_answer
from ..loopback import Hold, Pause, Script, Step, delta, end, start
from ..loopback import serving as serving_here
from .texts import WORDS, deltas, dense

CHARACTERS, DELTAS = 2_000_000, 50_000
SPIN_SECONDS = 5.0
VIEWS = ("none", "terminal", "final", "live")
INPUTS = ("Markdown", "paragraph", "code")
Act = Callable[[str, str], Awaitable[object]]


def text(kind: str) -> str:
    chance = random.Random(1)  # noqa: S311 - the same text each time
    if kind == "Markdown":
        return dense(CHARACTERS)
    if kind == "code":
        return "```python\n" + "x = f(1) + g('a'); " * (CHARACTERS // 40) + "\n```\n"
    return " ".join(chance.choice(WORDS) for _ in range(CHARACTERS // 6))


def script(prompt: str) -> Script:
    """What the prompt names: a text, in "one" delta or in "many", which ends or is "open"."""
    kind, number, ending = prompt.split()
    last: Step = end() if ending == "ends" else Hold()
    if number == "one":
        return Script([start(), delta(text(kind)), last])
    pieces = deltas(text(kind), DELTAS)
    bursts = [b"".join(pieces[n : n + 100]) for n in range(0, DELTAS, 100)]
    return Script([start(), *bursts, last])


def judge(body: dict[str, Any]) -> Script:
    if "stream" not in body:
        headers = {"content-type": "application/json"}
        return Script([Pause(2), b'{"input_tokens": 8}'], 200, headers)
    return script(str(body["messages"][-1]["content"]))


@contextmanager
def serving() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.loop", "serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def serve() -> None:
    with serving_here() as server:
        server.judge = judge
        print(server.url, flush=True)
        sys.stdin.read()


class Gaps:
    """The gaps of a timer on the running loop, and how much of each a collection took, in ms."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.busy: list[float] = []
        self.collected: list[float] = []
        self._collected = self._began = 0.0

    async def __aenter__(self) -> Gaps:
        gc.collect()
        gc.callbacks.append(self._collect)
        self._last, self._cpu = time.perf_counter(), time.process_time()
        self._timer = asyncio.get_running_loop().call_later(0.001, self._tick)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0.05)
        self._timer.cancel()
        gc.callbacks.remove(self._collect)

    def _tick(self) -> None:
        now, cpu = time.perf_counter(), time.process_time()
        self.gaps.append(1000 * (now - self._last))
        self.busy.append(min(self.gaps[-1], 1000 * (cpu - self._cpu)))
        self.collected.append(1000 * self._collected)
        self._collected, self._last, self._cpu = 0.0, now, cpu
        self._timer = asyncio.get_running_loop().call_later(0.001, self._tick)

    def _collect(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self._collected += time.perf_counter() - self._began

    def row(self, *names: str) -> str:
        cells: list[str] = []
        for values in (self.gaps, self.busy):
            ordered = sorted(values)
            p99, over = ordered[int(len(ordered) * 0.99)], sum(value > 20 for value in ordered)
            cells.append(f"{ordered[-1]:.0f} / {p99:.0f} / {over}")
        return f"| {' | '.join([*names, *cells])} | {max(self.collected):.0f} |"


async def spin(prompt: str, view: str) -> None:
    over = threading.Event()

    def count() -> None:
        while not over.is_set():
            sum(n for n in range(100))

    spinning = threading.Thread(target=count)
    spinning.start()
    await asyncio.sleep(SPIN_SECONDS)
    over.set()
    spinning.join()


def new_view(name: str) -> Any:
    from notebook_stream.view import NoView
    from notebook_stream.view.live import LiveView
    from notebook_stream.view.static import FinalView
    from notebook_stream.view.terminal import TerminalView

    if name == "live":
        return LiveView("comm", "x", "opus", recorded=False)
    return {"none": NoView, "terminal": TerminalView, "final": FinalView}[name]()


async def ask(prompt: str, view: str) -> None:
    from notebook_stream.running.waiting import wait

    await wait(new_answer(prompt, view=partial(new_view, view)))


async def cancel(prompt: str, view: str) -> None:
    from notebook_stream.running.waiting import wait

    here, came, length = asyncio.get_running_loop(), asyncio.Event(), 0

    def look(event: dict[str, Any], text: str) -> None:
        nonlocal length
        length += len(text)
        if length > CHARACTERS // 4 >= length - len(text):
            here.call_soon_threadsafe(came.set)

    answer = new_answer(prompt, view=partial(new_view, view), on_event=look)
    asking = asyncio.create_task(wait(answer))
    await came.wait()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking


async def leave(prompt: str, view: str) -> None:
    import notebook_stream

    async with notebook_stream.astream(prompt) as s:
        length = 0
        async for text in s:
            length += len(text)
            if length > CHARACTERS // 4:
                break


async def near_a_budget(prompt: str, view: str) -> None:
    import notebook_stream
    from notebook_stream.request.options import settings
    from notebook_stream.running.gate import gate

    settings.budget = gate.spent + 0.0001
    with suppress(notebook_stream.ClaudeError):
        await notebook_stream.aask(prompt)
    settings.budget = None


async def measure(act: Act, what: str, prompt: str = "", view: str = "none") -> None:
    async with Gaps() as gaps:
        await act(prompt, view)
    print(gaps.row(what, prompt.rpartition(" ")[0] or "-", view), file=sys.__stdout__, flush=True)


async def main() -> None:
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.instance().display_pub = CapturingDisplayPublisher()
    await ask("code one ends", "live")  # all is imported
    print(
        "| what | input, deltas | view | longest / p99, ms / over 20 ms | the same by CPU "
        "| longest collection, ms |\n|---|---|---|--:|--:|--:|"
    )
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - of the terminal view
    await measure(spin, "another thread spins")
    for kind in INPUTS:
        for view in VIEWS:
            for number in ("many", "one"):
                await measure(ask, "aask", f"{kind} {number} ends", view)
            await measure(cancel, "cancel aask", f"{kind} many open", view)
    await measure(leave, "leave astream", "Markdown many open")
    await measure(near_a_budget, "aask near a budget", "code one ends")
    await measure(spin, "another thread spins")


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
    else:
        with serving() as url:
            os.environ |= {
                "ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": url, "NO_PROXY": "127.0.0.1",
            }  # fmt: skip
            asyncio.run(main())
