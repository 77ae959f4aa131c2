"""Token counts of one request, and sums of several.

Source: https://docs.claude.com/en/api/messages (``usage``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

USAGE_FIELDS = frozenset({
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens",
    "output_tokens_details", "thinking_tokens", "server_tool_use", "web_search_requests",
    "web_fetch_requests", "service_tier", "inference_geo", "speed", "iterations",
})  # fmt: skip

MOST_TOKENS = 10**12
"""A number from here on is no count of tokens."""


class Usage(dict[str, Any]):
    """Token counts as the API sent them, its names also as attributes (None where it sent none)."""

    def __getattr__(self, name: str) -> Any:
        if name not in self and name not in USAGE_FIELDS:
            raise AttributeError(name)
        value = self.get(name)
        return Usage(value) if isinstance(value, dict) else value

    def tokens(self, name: str) -> int | None:
        """Return a count; None where the API sent none, or something that is no count."""
        value = self.get(name)
        return value if type(value) is int and 0 <= value < MOST_TOKENS else None

    def __add__(self, other: Mapping[str, Any]) -> Usage:
        """Return the counts of two requests together.

        Integers are added, in nested objects too; lists are joined; of all else, such as
        ``service_tier``, the later value holds. A name that neither has is absent.
        """
        return Usage(_merged(self, other))

    @classmethod
    def sum(cls, usages: Iterable[Mapping[str, Any]]) -> Usage:
        """Return the counts of any number of requests together, added in their order."""
        total = cls()
        for usage in usages:
            total += usage
        return total


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    common = {name: _sum(first[name], second[name]) for name in second if name in first}
    return {**first, **second, **common}


def _sum(first: Any, second: Any) -> Any:
    if type(first) is int and type(second) is int:  # not bool, which is an int to isinstance
        return first + second
    if isinstance(first, list) and isinstance(second, list):
        return [*first, *second]
    if isinstance(first, dict) and isinstance(second, dict):
        return _merged(first, second)
    return first if second is None else second
