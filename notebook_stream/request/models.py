"""Facts about a model that follow from its id."""

from __future__ import annotations

import re


def version_of(name: str) -> tuple[int, ...]:
    """Return the numbers in a model's id, by which models of one line can be compared.

    A date becomes -1, so that an id with a date counts as older than the same id without one.
    """
    numbers = tuple(int(number) for number in re.findall(r"(?<=-)\d+", name))
    return tuple(-1 if number > 10_000_000 else number for number in numbers)


def supports_prefill(model: str) -> bool:
    """Return whether a model continues an answer whose beginning the request gives.

    Claude does so up to 4.5; models of other servers are assumed to.

    Source: https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6#prefill-removal
    """
    if "claude" not in model:
        return True
    numbers = tuple(number for number in version_of(model) if number >= 0)
    return bool(numbers) and numbers < (4, 6)
