"""What a page makes of it: how soon text is painted, how long the page is held up, and the swap.

Beside the swap stands what JupyterLab takes to show the same Markdown once, in a cell of the same page.
A real JupyterLab in a real Chromium. All clocks are this machine's.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Page

from ..browser.conftest import Lab, Notebook, a_chromium, jupyter, serving_pages
from ..loopback import Hold, Pause, Script, Step, delta, end, start
from .texts import deltas, dense, document, one_fence, one_list, one_table

LAST = "The last word."
SETTLE_MS = 4000
"""How long the page is watched after the end: formulas are set late."""

WATCH = """
() => {
  const now = () => performance.timeOrigin + performance.now();
  const measured = (window.measured = { long: [], paints: [] });
  const painted = (name) => requestAnimationFrame(() => setTimeout(() => (measured[name] ??= now())));
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) {
      measured.long.push([performance.timeOrigin + one.startTime, one.duration]);
    }
  }).observe({ type: "longtask" });
  new MutationObserver(() => {
    const text = document.querySelector(".ns-text");
    if (text?.textContent) painted("first");
    const block = text?.lastElementChild;
    const part = block?.matches("ul, ol, table") ? block.lastElementChild : block?.querySelector(".ns-piece:last-child");
    const unfinished = (part ?? block)?.textContent ?? "";
    if (unfinished.includes("The last word.")) painted("last");
    if (unfinished !== measured.unfinished) measured.paints.push(now());
    measured.unfinished = unfinished;
    if (!text && measured.first && document.querySelector(".jp-RenderedMarkdown small")) painted("swapped");
  }).observe(document.querySelector(".jp-Notebook"), { childList: true, subtree: true });
}
"""


class Clock:
    """Steps that note when their bytes were sent."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def __call__(self, name: str, sent: bytes) -> Callable[[], bytes]:
        def noting() -> bytes:
            self.at[name] = 1000 * time.time()
            return sent

        return noting


class Watched:
    """Notebooks whose one cell asks, in a page that notes what it paints."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self._page, self._lab = page, lab
        self._count = 0

    def show(self, text: str) -> float:
        """Return the milliseconds of long tasks in which JupyterLab shows the Markdown."""
        self._count += 1
        show = f"from IPython.display import Markdown, display\ndisplay(Markdown({text + LAST!r}))"
        path = self._lab.write(f"show{self._count}", show)
        notebook = Notebook(self._page, self._lab, path, app="lab")
        self._page.evaluate(WATCH)
        notebook.run_last()
        self._page.locator(".jp-OutputArea", has_text=LAST).wait_for()
        self._page.wait_for_timeout(SETTLE_MS)
        return float(sum(ms for _, ms in self._page.evaluate("window.measured.long")))

    def ask(self, script: Script, until: str) -> dict[str, Any]:
        """Run the cell until the page has noted ``until``, and end it."""
        self._count += 1
        cells = ("import notebook_stream.view.live, genai_prices\n%claude hi", "%%claude x\nhi")
        path = self._lab.write(f"bench{self._count}", *cells)
        notebook = Notebook(self._page, self._lab, path, app="lab")
        self._page.locator(".jp-CodeCell .jp-InputArea-editor").first.click()
        for _ in range(2):
            self._page.keyboard.press("Shift+Enter")
        self._page.locator(".jp-OutputArea small").wait_for()
        self._page.evaluate(WATCH)
        self._lab.api.play(script)
        notebook.run_last()
        self._page.wait_for_function(f"window.measured.{until}")
        self._page.wait_for_timeout(SETTLE_MS)
        return dict(self._page.evaluate("window.measured"))


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def first_text(here: Watched, times: int = 20) -> Iterator[float]:
    """Milliseconds from the first byte of the body to the first text on the screen."""
    for _ in range(times):
        clock = Clock()
        hold = Hold()
        steps: list[Step] = [Pause(0.3), clock("first", start() + delta("Hello")), hold, end()]
        measured = here.ask(Script(steps), "first")
        hold.let_go.set()
        yield measured["first"] - clock.at["first"]


def long_answer(here: Watched, text: str, count: int, per_second: int) -> dict[str, float]:
    clock = Clock()
    steps: list[Step] = [Pause(0.3), clock("first", start())]
    pieces = deltas(text, count)
    for n in range(0, count, per_second // 100):
        steps += [b"".join(pieces[n : n + per_second // 100]), Pause(0.01)]
    steps += [clock("last", delta(f"\n\n{LAST}")), Pause(1), clock("end", end())]
    measured = here.ask(Script(steps), "swapped")
    live = [ms for at, ms in measured["long"] if clock.at["first"] <= at < clock.at["last"]]
    swap = [ms for at, ms in measured["long"] if at >= clock.at["end"]]
    paints = [at for at in measured["paints"] if at < clock.at["last"]]
    return {
        "long tasks before the last byte, ms": sum(live),
        "the longest of them, ms": max(live, default=0),
        "last text painted after, ms": measured["last"] - clock.at["last"],
        "paints a second": 1000 * len(paints) / (clock.at["last"] - clock.at["first"]),
        "end of the stream to the static output, ms": measured["swapped"] - clock.at["end"],
        "long tasks of the swap, ms": sum(swap),
    }


@contextmanager
def watched() -> Iterator[Watched]:
    with TemporaryDirectory() as home:
        env = os.environ | {"HOME": home, "JUPYTER_CONFIG_DIR": home, "IPYTHONDIR": home}
        folder = Path(home, "notebooks")
        folder.mkdir()
        with (
            serving_pages(jupyter("jupyterlab", folder), env, folder) as lab,
            a_chromium() as chromium,
        ):
            page = chromium.new_context(viewport={"width": 1100, "height": 900}).new_page()
            page.set_default_timeout(120_000)
            yield Watched(page, lab)


def main() -> None:
    texts = {
        "100 KB of Markdown": document(100_000),
        "100 KB of dense Markdown": dense(100_000),
        "one fence of 50 KB": one_fence(50_000),
        "one table of 50 KB": one_table(50_000),
        "one list of 50 KB": one_list(50_000),
    }
    with watched() as here:
        first = list(first_text(here))
    figures = f"median {statistics.median(first):.0f} ms, p95 {p95(first):.0f} ms"
    print(f"first byte to first text: {figures}", flush=True)
    for name, text in texts.items():
        if not all(word in name for word in sys.argv[1:]):
            continue
        print(f"\n{name}, 2,000 deltas/s")
        with watched() as here:  # JupyterLab grows slower with each notebook that is open
            for what, value in long_answer(here, text, len(text) // 10, 2000).items():
                print(f"  {what}: {value:.0f}", flush=True)
        with watched() as here:
            once = here.show(text)
            print(f"  long tasks of the same Markdown, shown once, ms: {once:.0f}", flush=True)


if __name__ == "__main__":
    main()
