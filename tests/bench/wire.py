"""How many bytes the kernel sends to the page, beside other ways on the same stream."""

from __future__ import annotations

from ..loopback import Script
from .bed import CHATLAS, Bed, Wire, bed
from .texts import dense, document, full_speed, one_fence, one_list, one_table, paced

WAYS = {
    "`%%claude`": "%%claude x\nhi",
    "chatlas 0.23.0": (
        "import chatlas; chatlas.ChatAnthropic(model='claude-sonnet-5-5').chat('hi', echo='output')"
    ),
    "`update_display(Markdown(all))` at each delta": """
import anthropic
from IPython.display import Markdown, display
shown, text = display(Markdown(""), display_id=True), ""
with anthropic.Anthropic().messages.stream(
    model="claude-sonnet-5-5", max_tokens=1, messages=[{"role": "user", "content": "hi"}]
) as s:
    for piece in s.text_stream:
        text += piece
        shown.update(Markdown(text))
""",
}
SHORT = full_speed(document(18_000), 2000)


def measure(here: Bed, code: str, script: Script) -> tuple[int, int]:
    with Wire(here.kernel) as wire:
        here.ask(code, script)
    return wire.messages, wire.bytes


def row(name: str, stream: str, counted: tuple[int, int]) -> None:
    messages, size = counted
    print(f"| {name} | {stream} | {messages:,} | {size / 1e6:.3f} |", flush=True)


def main() -> None:
    print("| way | stream | messages | MB |\n|---|---|--:|--:|")
    with bed(CHATLAS) as here:
        for name, code in WAYS.items():
            row(name, "18 KB, 2,000 deltas, full speed", measure(here, code, SHORT))
        for size in (20, 100, 500):
            stream = paced(document(1000 * size), 100 * size, 2000)
            counted = measure(here, WAYS["`%%claude`"], stream)
            row("`%%claude`", f"{size} KB, 2,000 deltas/s", counted)
        counted = measure(here, WAYS["`%%claude`"], paced(dense(100_000), 10_000, 2000))
        row("`%%claude`", "100 KB of dense Markdown, 2,000 deltas/s", counted)
        for name, block in {"fence": one_fence, "table": one_table, "list": one_list}.items():
            counted = measure(here, WAYS["`%%claude`"], paced(block(50_000), 5000, 2000))
            row("`%%claude`", f"50 KB of one {name}, 2,000 deltas/s", counted)


if __name__ == "__main__":
    main()
