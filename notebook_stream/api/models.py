"""Find the ids of models by the names that users write for them."""

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
    """Return the ids that the installed SDK lists and does not deprecate, in the SDK's order."""
    known = next(arm for arm in typing.get_args(ModelParam) if arm is not str)
    return [name for name in typing.get_args(known) if name not in DEPRECATED_MODELS]


def model_id(name: str) -> str:
    """Return the id to send for a name that the user wrote.

    Args:
        name: An alias, which stands for the newest model of its line; an id with "claude" in it;
            or, where ``ANTHROPIC_BASE_URL`` is set, any id with a digit, ``:`` or ``/`` in it.

    Raises:
        OptionError: It is none of these.
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
