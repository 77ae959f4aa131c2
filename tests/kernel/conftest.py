"""Kernels with the extension loaded, of each version that people have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .kernel import Kernel, running_kernel
from .versions import COLAB, IN_FULL, NEWEST, OLDER


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that takes a kernel on every kernel; `matrix` marks what only `-m kernels` runs."""
    if "kernel" not in metafunc.fixturenames:
        return
    everywhere = metafunc.definition.get_closest_marker("every_kernel")
    alone = metafunc.definition.get_closest_marker("one_kernel")
    on_colab = metafunc.definition.get_closest_marker("colab")
    params = []
    for version in (NEWEST, *OLDER, COLAB):
        unasked = everywhere or version == NEWEST or (version in IN_FULL and not alone)
        unasked = unasked or (version == COLAB and on_colab)
        asked = [] if unasked else [pytest.mark.matrix]
        params.append(pytest.param(version, marks=[pytest.mark.kernels, *asked]))
    metafunc.parametrize("kernel", params, indirect=True, scope="function")


@pytest.fixture
def kernel(env: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """A kernel whose API is the server, the extension loaded and the SDK imported."""
    with running_kernel(env, cwd=str(tmp_path), version=request.param) as started:
        assert started.run("%load_ext notebook_stream").ok
        assert started.run("import notebook_stream.api, genai_prices").ok
        yield started
