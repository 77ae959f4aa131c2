"""CPU time of a kernel for each delta, beside the SDK's own loop that only joins the text."""

from __future__ import annotations

from ..loopback import Script
from .bed import Bed, bed
from .texts import dense, document, full_speed, paced

SDK = """
import anthropic
pieces = []
async with anthropic.AsyncAnthropic().messages.stream(
    model="claude-sonnet-5-5", max_tokens=1, messages=[{"role": "user", "content": "hi"}]
) as s:
    async for piece in s.text_stream:
        pieces.append(piece)
text = "".join(pieces)
"""
OURS = "%%claude x\nhi"
DELTA = 6  # characters


def microseconds(here: Bed, code: str, script: Script, count: int) -> float:
    """CPU time of all threads of the kernel, for a delta."""
    before = float(here.kernel.value("time.process_time()"))
    here.ask(code, script)
    return (float(here.kernel.value("time.process_time()")) - before) / count * 1e6


def print_row(deltas: str, pace: str, ours: float, sdk: float) -> None:
    print(f"| {deltas} | {pace} | {ours:.0f} | {sdk:.0f} | {ours / sdk:.2f} |", flush=True)


def main() -> None:
    print("| deltas | pace | `%%claude`, µs a delta | SDK loop | ratio |\n|--:|---|--:|--:|--:|")
    with bed() as here:
        here.ask(SDK)
        for count in (5_000, 20_000, 80_000):
            text = document(count * DELTA)
            paces = {"full speed": full_speed(text, count), "2,000/s": paced(text, count, 2000)}
            for pace, script in list(paces.items())[: 2 if count < 80_000 else 1]:
                ours, sdk = (microseconds(here, code, script, count) for code in (OURS, SDK))
                print_row(f"{count:,}", pace, ours, sdk)
        hard = full_speed(dense(200_000), 20_000)
        print_row(
            "20,000, dense",
            "full speed",
            *(microseconds(here, c, hard, 20_000) for c in (OURS, SDK)),
        )


if __name__ == "__main__":
    main()
