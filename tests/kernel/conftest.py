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
    params = []
    for version in (NEWEST, *OLDER, COLAB):
        marks = [pytest.mark.kernels]
        if not _runs_unasked(metafunc.definition, version):
            marks.append(pytest.mark.matrix)
        if version != NEWEST:
            marks.append(pytest.mark.own_environment)
        params.append(pytest.param(version, marks=marks))
    metafunc.parametrize("kernel", params, indirect=True, scope="function")


def _runs_unasked(test: pytest.Item, version: str) -> bool:
    """Whether a test runs on that kernel without `-m kernels`."""
    if version == NEWEST or test.get_closest_marker("every_kernel"):
        return True
    if version == COLAB:
        return test.get_closest_marker("colab") is not None
    return version in IN_FULL and not test.get_closest_marker("one_kernel")


@pytest.fixture
def kernel(env: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kernel]:
    """A kernel whose API is the server, the extension loaded and the SDK imported."""
    with running_kernel(env, cwd=str(tmp_path), version=request.param) as started:
        assert started.run("%load_ext notebook_stream").ok
        assert started.run("import notebook_stream.api, genai_prices").ok
        yield started
