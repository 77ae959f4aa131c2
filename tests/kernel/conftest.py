"""A kernel with the extension loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .kernel import Kernel, running_kernel


@pytest.fixture
def kernel(env: dict[str, str], tmp_path: Path) -> Iterator[Kernel]:
    """A kernel whose API is the server, the extension loaded and the SDK imported."""
    with running_kernel(env, cwd=str(tmp_path)) as started:
        assert started.run("%load_ext notebook_stream").ok
        assert started.run("import notebook_stream.api, genai_prices").ok
        yield started
