"""A table, as text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..text.controls import strip_controls
from .safe import literal

Row = Sequence[str]


def plain(rows: Sequence[Row]) -> str:
    """The rows in columns, the head first; a cell is one line without control characters."""
    rows = [tuple(map(_line, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _line(cell: str) -> str:
    return strip_controls(re.sub(r"\s", " ", cell))


def marked(rows: Sequence[Row], left: int) -> str:
    """The rows as a Markdown table, the head first.

    Args:
        rows: Their cells.
        left: How many columns are text of any origin, at the left; the others are numbers of ours.
    """
    head, *body = [(*map(literal, row[:left]), *row[left:]) for row in rows]
    rule = (*[":---"] * left, *["---:"] * (len(head) - left))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body)).replace("$", "\\$")
