"""The models that the SDK knows, and what users call them."""

from __future__ import annotations

import os
import re
import typing

from anthropic.resources.messages import DEPRECATED_MODELS
from anthropic.types import ModelParam

from ..errors import OptionError
from ..options import ALIASES


def models() -> list[str]:
    """The model ids that the installed SDK knows and does not deprecate, newest first."""
    known = next(arm for arm in typing.get_args(ModelParam) if arm is not str)
    return [name for name in typing.get_args(known) if name not in DEPRECATED_MODELS]


def model_id(name: str) -> str:
    """The id to send for what the user wrote.

    Args:
        name: An alias (the newest model of that line), an id, or the id of another server's model.

    Raises:
        OptionError: No such model is known.
    """
    if name in ALIASES:
        return max((m for m in models() if m.startswith(f"claude-{name}-")), key=_version)
    elsewhere = os.environ.get("ANTHROPIC_BASE_URL") and re.search(r"[\d:/]", name)
    if "claude" in name or elsewhere:
        return name
    msg = (
        f"there is no model {name!r}; use {', '.join(ALIASES)}, or an id such as "
        f"{model_id('sonnet')}."
    )
    raise OptionError(msg)


def _version(name: str) -> tuple[int, ...]:
    """Numbers of an id to compare by; a dated id counts as older than its undated twin."""
    numbers = tuple(int(number) for number in re.findall(r"(?<=-)\d+", name))
    return tuple(-1 if number > 10_000_000 else number for number in numbers)


def takes_start(model: str) -> bool:
    """Whether the model goes on from the start of an answer: Claude does up to 4.5.

    Source: https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6#prefill-removal
    """
    if "claude" not in model:
        return True  # of another server
    numbers = tuple(number for number in _version(model) if number >= 0)
    return bool(numbers) and numbers < (4, 6)
