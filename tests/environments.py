"""Environments of other versions than the ones beside these tests, each made once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"


def environment(*requirements: str) -> Path:
    """The folder of an environment with this package and the requirements."""
    contents = (ROOT / "pyproject.toml").read_bytes() + " ".join(requirements).encode()
    name = f"py{sys.version_info.major}{sys.version_info.minor}-{requirements[0]}"
    folder = CACHE / f"{name}-{hashlib.sha256(contents).hexdigest()[:8]}"
    made = folder / "made"
    if not made.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        pip += ["--disable-pip-version-check", *requirements, "--editable", str(ROOT)]
        subprocess.run(pip, check=True)
        made.touch()
    return folder
