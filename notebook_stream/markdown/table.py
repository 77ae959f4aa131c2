"""Render a table as plain text and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..text.controls import strip_controls
from .escaping import escape_markup

Row = Sequence[str]


def render_plain(rows: Sequence[Row]) -> str:
    """Return rows as aligned columns, the head first.

    Each cell is one line without control characters.
    """
    rows = [tuple(map(_flatten, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _flatten(cell: str) -> str:
    """Return a cell on one line, without control characters."""
    return strip_controls(re.sub(r"\s", " ", cell))


def render_markdown(rows: Sequence[Row], left: int) -> str:
    """Return rows as a Markdown table, the head first.

    Args:
        rows: The cells of each row.
        left: The number of columns, from the left, that hold text of any origin, which is escaped;
            the others hold numbers that this package wrote, and are aligned to the right.
    """
    head, *body = [(*map(escape_markup, row[:left]), *row[left:]) for row in rows]
    rule = (*[":---"] * left, *["---:"] * (len(head) - left))
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *body)).replace("$", "\\$")
