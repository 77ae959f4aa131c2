"""The ipykernels that people have."""

from __future__ import annotations

import json
from pathlib import Path

from ..environments import environment

NEWEST = "newest"
"""The ipykernel beside these tests."""

OLDER = ("6.29.5", "6.31.0", "7.0.1", "7.1.0", "7.3.0")
IN_FULL = (NEWEST, "6.31.0")
"""The ones on which clicks and interrupts are tried unasked; `-m kernels` tries all on each."""


def kernelspecs(version: str, *others: str) -> Path:
    """A folder with the kernelspec of that ipykernel, with other packages beside it.

    Its environment is made where it is missing.
    """
    folder = environment(f"ipykernel=={version}", "nbformat", *others)
    specs = folder / "kernelspecs"
    argv = [str(folder / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (specs / version).mkdir(parents=True, exist_ok=True)
    spec = {"argv": argv, "display_name": version, "language": "python"}
    (specs / version / "kernel.json").write_text(json.dumps(spec))
    return specs
