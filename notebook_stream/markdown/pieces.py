"""Blocks, and where one that is still open may be cut."""

from __future__ import annotations

from collections.abc import Sequence

from markdown_it.token import Token

from .grammar import LISTS
from .safe import missing_fence

PIECE_LINES = 64
"""Of a long block of code or table that is still open, so many lines are finished at a time."""

LIST_LINES = 16
"""Of a list that is still open, all but the last item is finished once it has so many lines."""


def groups_of(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each top-level block."""
    groups: list[list[Token]] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            groups.append([])
        groups[-1].append(token)
    return groups


def first_line(group: Sequence[Token]) -> int:
    """The number of its first line, from 0."""
    lines = group[0].map
    return lines[0] if lines else 0


def cut(group: Sequence[Token], lines: Sequence[str]) -> tuple[int, int]:
    """Where an open block may be cut.

    Returns:
        How many of its first lines it needs to be read as what it is, and how many can be finished;
        0 where none can.
    """
    if is_list(group):
        return 0, _last_item(group, lines)
    head = _head_lines(group, lines)
    ready = (len(lines) - head - 1) // PIECE_LINES * PIECE_LINES
    return head, head + ready if head and ready > 0 else 0


def _last_item(group: Sequence[Token], lines: Sequence[str]) -> int:
    """The line of a long list's last item; 0 for a short one.

    Of items that begin as far in as the first: one that is further in is read otherwise alone.
    """
    starts = [first_line([token]) for token in items_of(group)]
    inset = [len(lines[n]) - len(lines[n].lstrip(" ")) for n in starts]
    last = next(n for n, left in zip(starts[::-1], inset[::-1], strict=True) if left == inset[0])
    return last if last >= LIST_LINES else 0


def is_list(tokens: Sequence[Token]) -> bool:
    """Whether they begin with a list."""
    return tokens[0].type in LISTS


def without_last_item(group: list[Token]) -> list[Token]:
    """A list without its last item, of which only the first line was read: it ends those before."""
    return [*group[: group.index(items_of(group)[-1])], group[-1]] if is_list(group) else group


def items_of(group: Sequence[Token]) -> list[Token]:
    """What opens each item of a list's own, not of one in it."""
    return [token for token in group if token.type == "list_item_open" and token.level == 1]


def next_number(tokens: Sequence[Token]) -> int:
    """Of the item that follows these, where they are of a list."""
    items = items_of(tokens)
    return int(tokens[0].attrs.get("start", 1)) + len(items) if items else 1


def _head_lines(group: Sequence[Token], lines: Sequence[str]) -> int:
    """How many lines begin the one block that all lines are of; 0 where it cannot be cut."""
    if group[0].map != [0, len(lines)]:
        return 0
    if group[0].type == "fence":
        return 1 if missing_fence(group, lines) else 0
    return 2 if group[0].type == "table_open" else 0
