"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .loopback import Server, serving

OURS = ("ANTHROPIC_", "NOTEBOOK_STREAM_", "XDG_")


@pytest.fixture
def server() -> Iterator[Server]:
    """A Messages API on a loopback socket."""
    with serving() as started:
        yield started


@pytest.fixture(scope="session")
def clean_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a person with no key, no settings and no history."""
    home = str(tmp_path_factory.mktemp("home"))
    others = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
    return others | {
        "HOME": home,
        "IPYTHONDIR": f"{home}/ipython",
        "JUPYTER_CONFIG_DIR": f"{home}/jupyter",
        "JUPYTER_DATA_DIR": f"{home}/data",
        "JUPYTER_RUNTIME_DIR": f"{home}/runtime",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.fixture
def env(clean_env: dict[str, str], server: Server) -> dict[str, str]:
    """The environment of a person whose API is the server."""
    return clean_env | {"ANTHROPIC_API_KEY": "sk-ant-test", "ANTHROPIC_BASE_URL": server.url}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    """Make the server the API of this process."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "NO_PROXY"):
        monkeypatch.setenv(name, env[name])
