"""What is known of a model by its id alone."""

from __future__ import annotations

import re


def version_of(name: str) -> tuple[int, ...]:
    """Numbers of an id to compare by; a dated id counts as older than its undated twin."""
    numbers = tuple(int(number) for number in re.findall(r"(?<=-)\d+", name))
    return tuple(-1 if number > 10_000_000 else number for number in numbers)


def supports_prefill(model: str) -> bool:
    """Whether the model goes on from the start of an answer: Claude does up to 4.5.

    Source: https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6#prefill-removal
    """
    if "claude" not in model:
        return True  # of another server
    numbers = tuple(number for number in version_of(model) if number >= 0)
    return bool(numbers) and numbers < (4, 6)
