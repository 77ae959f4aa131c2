"""Model names."""

from __future__ import annotations

import pytest
from anthropic.resources.messages import DEPRECATED_MODELS

from notebook_stream import OptionError
from notebook_stream.api import model_id, models
from notebook_stream.request.options import ALIASES


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_newest_model_of_its_line(alias: str) -> None:
    found = model_id(alias)
    assert found in models()
    assert found not in DEPRECATED_MODELS
    version = [int(part) for part in found.split("-")[2:]]
    others = [name for name in models() if name.startswith(f"claude-{alias}-")]
    assert all([int(p) for p in o.split("-")[2:] if int(p) < 1000] <= version for o in others)


def test_ids_pass_and_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    assert model_id("claude-next-9") == "claude-next-9"
    assert model_id("us.anthropic.claude-opus-5-5") == "us.anthropic.claude-opus-5-5"
    for name in ("gpt-5", "sonet", "qwen3:8b"):
        with pytest.raises(OptionError, match=name):
            model_id(name)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:11434")
    assert model_id("qwen3:8b") == "qwen3:8b"
    with pytest.raises(OptionError, match="sonet"):
        model_id("sonet")
