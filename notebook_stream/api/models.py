"""The models that the SDK knows, and what users call them."""

from __future__ import annotations

import os
import re
import typing

from anthropic.resources.messages import DEPRECATED_MODELS
from anthropic.types import ModelParam

from ..errors import OptionError
from ..request.models import version_of
from ..request.options import ALIASES


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
        return max((m for m in models() if m.startswith(f"claude-{name}-")), key=version_of)
    elsewhere = os.environ.get("ANTHROPIC_BASE_URL") and re.search(r"[\d:/]", name)
    if "claude" in name or elsewhere:
        return name
    msg = (
        f"there is no model {name!r}; use {', '.join(ALIASES)}, or an id such as "
        f"{model_id('sonnet')}."
    )
    raise OptionError(msg)
