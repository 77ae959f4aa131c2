"""Sixteen answers at once in one kernel: how late each is painted, and how late the main thread is."""

from __future__ import annotations

import re
import statistics
import time
from datetime import datetime
from functools import partial

from ..loopback import Pause, Script, Step, delta, end, start
from .bed import bed

STREAMS, SECONDS, PER_SECOND = 16, 8, 100
CELL = f"""
import asyncio
late = []

async def ticking():
    while True:
        due = time.monotonic() + 0.01
        await asyncio.sleep(0.01)
        late.append(1000 * (time.monotonic() - due))

clock = asyncio.create_task(ticking())
try:
    await asyncio.gather(*(notebook_stream.aask("hi") for _ in range({STREAMS})))
finally:
    clock.cancel()
"""


def stamp() -> bytes:
    """A delta that says when it was sent, in milliseconds."""
    return delta(f"{1000 * time.time():.0f} ")


def stream_for(times: int) -> Script:
    steps: list[Step] = [start()]
    for n in range(times):
        steps += [delta("\n\n") if n % 50 == 49 else partial(stamp), Pause(1 / PER_SECOND)]
    return Script([*steps, end()])


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def main() -> None:
    with bed() as here:
        kernel = here.kernel
        here.api.play(*(stream_for(SECONDS * PER_SECOND) for _ in range(STREAMS)))
        before = len(kernel.views())
        here.ask(CELL)
        lags: dict[str, list[float]] = {}
        for comm_id in kernel.views()[before:]:
            for message in kernel.painted(comm_id):
                sent = re.findall(r"\b\d{13}\b", str(message["packets"]))
                at: datetime = message["at_kernel"]
                if sent:
                    lags.setdefault(comm_id, []).append(1000 * at.timestamp() - int(sent[-1]))
        late = [float(one) for one in kernel.value("late").strip("[]").split(",")]
    medians = [statistics.median(of) for of in lags.values()]
    worst = [p95(of) for of in lags.values()]
    paints = [len(of) / SECONDS for of in lags.values()]
    print("| 16 streams of 100 deltas a second | |\n|---|--:|")
    print(
        f"| paint lag of a stream, median, ms (best to worst) | {min(medians):.0f} to {max(medians):.0f} |"
    )
    print(
        f"| paint lag of a stream, p95, ms (best to worst) | {min(worst):.0f} to {max(worst):.0f} |"
    )
    print(f"| paints a second of a stream | {min(paints):.0f} to {max(paints):.0f} |")
    print(
        f"| a 10 ms timer on the main thread is late by, ms, median / p95 | {statistics.median(late):.1f} / {p95(late):.1f} |"
    )


if __name__ == "__main__":
    main()
