"""How long after its start a cell's request is on the wire, in a kernel that has asked before."""

from __future__ import annotations

import statistics

from .bed import bed

CELLS = 50


def main() -> None:
    with bed() as here:
        here.ask()
        waits = []
        for _ in range(CELLS):
            before = float(here.kernel.value("time.time()"))
            cell = here.ask("began = time.time()\nx = %claude hi")
            assert cell.ok
            began = float(here.kernel.value("began"))
            assert began >= before
            waits.append(1000 * (here.api.requests[-1].came_at - began))
    median, p95 = statistics.median(waits), statistics.quantiles(waits, n=20)[-1]
    print(
        f"A warm cell's request is on the wire {median:.1f} ms after its start (p95 {p95:.1f} ms)."
    )


if __name__ == "__main__":
    main()
