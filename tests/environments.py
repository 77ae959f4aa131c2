"""Environments of other versions than the ones beside these tests, each made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache"


def interpreter(version: str) -> str | None:
    """A Python of that version ("3.12"), on the path or pyenv's; None where there is none."""
    if (found := shutil.which(f"python{version}")) and not _is_shim(found):
        return found
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    made = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return str(made[-1]) if made else None


def newest_interpreter() -> str:
    """The newest Python that `interpreter` finds; the one that runs this where it finds none."""
    own = sys.version_info.minor
    newer = (interpreter(f"3.{minor}") for minor in range(own + 9, own, -1))
    return next(filter(None, newer), sys.executable)


def _is_shim(program: str) -> bool:
    """Whether it is pyenv's, which may know of no such version here."""
    return Path(program).parent.name == "shims"


def environment(*requirements: str, python: str = sys.executable) -> Path:
    """The folder of an environment with the requirements, into which this package was installed.

    It is installed last, as by a person who has the others, so that what they have stays unless
    this package needs another version.

    Args:
        requirements: As pip takes them.
        python: The interpreter that it is made for.
    """
    contents = (ROOT / "pyproject.toml").read_bytes() + " ".join(requirements).encode()
    name = f"{_version(python)}-{requirements[0]}"
    folder = CACHE / f"{name}-{hashlib.sha256(contents).hexdigest()[:8]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Tests run in several processes.
        if not (folder / "made").exists():
            _make(folder, requirements, python)
    return folder


def _make(folder: Path, requirements: Sequence[str], python: str) -> None:
    _uv("venv", "--clear", "--python", python, str(folder))
    install = ("pip", "install", "--python", str(folder / "bin" / "python"))
    _uv(*install, *requirements)
    _uv(*install, "--editable", str(ROOT))
    (folder / "made").touch()


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True)


def _version(python: str) -> str:
    """The version of an interpreter, as the names of environments begin: "py311"."""
    code = "import sys; print('py%d%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()
