"""The ipykernels that people have."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..environments import environment, interpreter

NEWEST = "newest"
"""The ipykernel beside these tests."""

OLDER = ("6.29.5", "6.31.0", "7.0.1", "7.1.0", "7.3.0")
IN_FULL = (NEWEST, "6.31.0")
"""The ones on which clicks and interrupts are tried unasked; `-m kernels` tries all on each."""

COLAB = "colab"
"""The kernel of Google Colab: its packages, and its Python where this machine has one like it."""

COLAB_FIXED = {
    "ipykernel": "6.17.1",
    "ipython": "7.34.0",
    "ipywidgets": "7.7.1",
    "traitlets": "5.7.1",
}
"""The packages that Colab does not work without, as its pip-freeze.txt of 2026-08-19 has them.

https://github.com/googlecolab/backend-info
"""

_COLAB_PYTHON = "3.13"
_COLAB_OTHERS = {
    "anywidget": "0.9.21",
    "jupyter_client": "7.4.9",
    "notebook": "6.5.7",
    "pyzmq": "26.2.1",
    "tornado": "6.5.7",
}


def kernelspecs(version: str, *others: str) -> Path:
    """A folder with the kernelspec of that ipykernel, with other packages beside it.

    Its environment is made where it is missing.
    """
    folder = _environment(version, "nbformat", "pandas", *others)
    specs = folder / "kernelspecs"
    argv = [str(folder / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (specs / version).mkdir(parents=True, exist_ok=True)
    spec = {"argv": argv, "display_name": version, "language": "python"}
    made = specs / version / f"{os.getpid()}.json"
    made.write_text(json.dumps(spec))
    made.replace(specs / version / "kernel.json")  # Tests of other processes read it.
    return specs


def _environment(version: str, *others: str) -> Path:
    if version != COLAB:
        return environment(f"ipykernel=={version}", *others)
    pins = [f"{name}=={pin}" for name, pin in {**COLAB_FIXED, **_COLAB_OTHERS}.items()]
    return environment(*pins, *others, python=interpreter(_COLAB_PYTHON) or sys.executable)
