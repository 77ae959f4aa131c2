"""The ipykernels that people have, each in an environment of its own, made once."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "kernels"

NEWEST = "newest"
"""The ipykernel beside these tests."""

OLDER = ("6.29.5", "6.31.0", "7.0.1", "7.1.0", "7.3.0")
IN_FULL = (NEWEST, "6.31.0")
"""The ones for which every test runs unasked; each other one gets a few, until `-m kernels`."""


def kernelspecs(version: str) -> Path:
    """A folder with the kernelspec of that ipykernel; its environment is made where it is missing."""
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    folder = CACHE / f"{python}-{version}-{_fingerprint()}"
    spec = folder / "kernelspecs" / version / "kernel.json"
    if not spec.exists():
        _install(folder, version)
        argv = [
            str(folder / "bin" / "python"),
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ]
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps({"argv": argv, "display_name": version, "language": "python"}))
    return folder / "kernelspecs"


def _fingerprint() -> str:
    """Of what gets installed: new requirements need a new environment."""
    told = (ROOT / "pyproject.toml").read_bytes() + Path(__file__).read_bytes()
    return hashlib.sha256(told).hexdigest()[:8]


def _install(folder: Path, version: str) -> None:
    venv.create(folder, clear=True, with_pip=True)
    pip = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    wanted = [f"ipykernel=={version}", "nbformat", "--editable", str(ROOT)]
    subprocess.run([*pip, *wanted], check=True)
