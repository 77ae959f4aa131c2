"""What an answer of 5 MB adds to the kernel's memory, and what stays of it after ``del``."""

from __future__ import annotations

from .bed import bed
from .texts import document, full_speed

SIZE = 5_000_000
READ = """
import gc, re, pathlib, ctypes

def megabytes(what):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\\s*(\\d+)", status)[1]) / 1024

def settled():
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free goes back, where the C library can
    return megabytes("VmRSS")
"""


def main() -> None:
    with bed() as here:
        kernel = here.kernel
        kernel.run(READ)
        here.ask("%%claude x\nhi", full_speed(document(SIZE // 5), 10_000))
        kernel.run("del x")
        before = float(kernel.value("settled()"))
        kernel.run(
            "pathlib.Path('/proc/self/clear_refs').write_text('5')"
        )  # the peak, from here on
        here.ask("%%claude x\nhi", full_speed(document(SIZE), 80_000))
        peak, during = (float(kernel.value(x)) for x in ("megabytes('VmHWM')", "settled()"))
        kernel.run("del x")
        after = float(kernel.value("settled()"))
    print("| 5 MB in 80,000 deltas | MB more than before |\n|---|--:|")
    for name, value in (("at the peak", peak), ("with the Reply", during), ("after `del`", after)):
        print(f"| {name} | {value - before:.0f} |")


if __name__ == "__main__":
    main()
