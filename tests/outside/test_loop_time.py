"""How long the caller's event loop is in code of this package: in CPU time, which no load changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from ..loopback import answer, serving
from .callbacks import CASES

MOST_MILLISECONDS = 20.0
SECONDS = 120.0


@pytest.fixture(scope="module")
def longest(clean_env: dict[str, str]) -> dict[str, float]:
    """The milliseconds of CPU of the longest callback in each case, in a process of its own."""
    with serving() as server:
        server.play(answer("hi"), *(play() for _, play in CASES.values() if play))
        env = clean_env | {"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": server.url}
        done = subprocess.run(
            [sys.executable, "-m", f"{__package__}.callbacks"],
            env=env | {"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    assert not done.returncode, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", CASES)
def test_no_callback_of_the_callers_loop_takes_long(name: str, longest: dict[str, float]) -> None:
    assert 0 < longest[name] <= MOST_MILLISECONDS
