"""How soon the server sees that Stop was pressed, on each kernel.

Milliseconds from the click's leaving the page to the closed connection, and to the end of the cell:
50 clicks each, median and 95th percentile.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator

from ..kernel.kernel import Kernel, running_kernel
from ..kernel.versions import NEWEST, OLDER
from ..loopback import Hold, Script, Server, delta, serving, start

CLICKS = 50
WAYS = {
    "awaits": "%%claude x\nhi",
    "blocks": "import notebook_stream\nx = notebook_stream.ask('hi')",
}


def measure(kernel: Kernel, server: Server, code: str) -> Iterator[tuple[float, float]]:
    for _ in range(CLICKS):
        views, requests = len(kernel.views()), len(server.requests)
        server.play(Script([start(), delta("partial"), Hold()]))
        cell = kernel.send(code)
        request = server.wait_for_request(requests + 1)
        kernel.until(
            lambda: kernel.views()[views:] and kernel.painted(kernel.views()[-1])  # noqa: B023 - called at once
        )
        clicked = time.time()
        kernel.click_stop()
        kernel.wait(cell)
        yield 1000 * (request.closed_at - clicked), 1000 * (time.time() - clicked)


def row(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} / {statistics.quantiles(values, n=20)[-1]:.0f}"


def main() -> None:
    print("| ipykernel | cell | connection closed, ms (median / p95) | cell ended |")
    print("|---|---|---|---|")
    for version in (NEWEST, *reversed(OLDER)):
        with serving() as server:
            env = os.environ | {"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": server.url}
            with running_kernel(env, version=version) as kernel:
                kernel.run("%load_ext notebook_stream")
                name = kernel.value("__import__('ipykernel').__version__").strip("'")
                kernel.run("%claude hi")
                for way, code in WAYS.items():
                    closed, ended = zip(*measure(kernel, server, code), strict=True)
                    print(
                        f"| {name} | {way} | {row(list(closed))} | {row(list(ended))} |", flush=True
                    )


if __name__ == "__main__":
    main()
