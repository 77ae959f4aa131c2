"""Split Markdown into its top-level blocks, and find where an open block can be cut."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.token import Token

from .grammar import LISTS
from .sanitizing import find_missing_fence

PIECE_LINES = 64
"""The number of lines of an open code block or table that are finished at a time."""

LIST_LINES = 16
"""The number of lines from which on all but the last item of an open list are finished."""


def split_blocks(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens of each top-level block."""
    blocks: list[list[Token]] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            blocks.append([])
        blocks[-1].append(token)
    return blocks


def first_line(block: Sequence[Token]) -> int:
    """Return the number of the block's first line, from 0."""
    lines = block[0].map
    return lines[0] if lines else 0


def find_cut(block: Sequence[Token], lines: Sequence[str]) -> tuple[int, int]:
    """Find where the only block of some lines can be cut, though it is not complete.

    Args:
        block: Its tokens.
        lines: Its complete lines.

    Returns:
        The number of its first lines that the rest needs before it to be parsed as the same block
        (a fence, a table's head), and the number of lines that can be finished; 0 where none can.
    """
    if is_list(block):
        return 0, _find_last_item(block, lines)
    head = _count_head_lines(block, lines)
    ready = (len(lines) - head - 1) // PIECE_LINES * PIECE_LINES
    return head, head + ready if head and ready > 0 else 0


def _find_last_item(block: Sequence[Token], lines: Sequence[str]) -> int:
    """Return the line of a list's last item, where it has `LIST_LINES` lines before it; else 0.

    Only items count that are indented as the first one is: one that is indented further would be
    parsed otherwise without the list before it.
    """
    starts = [first_line([token]) for token in find_items(block)]
    indents = [len(lines[n]) - len(lines[n].lstrip(" ")) for n in starts]
    pairs = zip(starts[::-1], indents[::-1], strict=True)
    last = next(n for n, indent in pairs if indent == indents[0])
    return last if last >= LIST_LINES else 0


def is_list(tokens: Sequence[Token]) -> bool:
    """Return whether the tokens begin with a list."""
    return tokens[0].type in LISTS


def drop_last_item(block: list[Token]) -> list[Token]:
    """Return a list's tokens without its last item; any other block as it is.

    The piece that is parsed ends with the first line of that item, which completes those before.
    """
    return [*block[: block.index(find_items(block)[-1])], block[-1]] if is_list(block) else block


def find_items(block: Sequence[Token]) -> list[Token]:
    """Return the opening token of each item of a list, without those of nested lists."""
    return [token for token in block if token.type == "list_item_open" and token.level == 1]


def next_item_number(tokens: Sequence[Token]) -> int:
    """Return the number of the item that follows a list; 1 for any other block."""
    items = find_items(tokens)
    return int(tokens[0].attrs.get("start", 1)) + len(items) if items else 1


def _count_head_lines(block: Sequence[Token], lines: Sequence[str]) -> int:
    """Return the number of lines that open the one block of all lines; 0 where it has no cut."""
    if block[0].map != [0, len(lines)]:
        return 0
    if block[0].type == "fence":
        return 1 if find_missing_fence(block, lines) else 0
    return 2 if block[0].type == "table_open" else 0


def ends_in_paragraph(tokens: Sequence[Token]) -> bool:
    """Return whether the last block is a paragraph."""
    return bool(tokens) and tokens[-1].level == 0 and tokens[-1].type == "paragraph_close"


def complete_table_head(text: str) -> str:
    """Return ``text`` with the line that its last row lacks to be the head of a table.

    Without it the row would be a paragraph with raw pipes until that line has come.

    Returns:
        The text; "" where its last line is no such row, or follows another one.
    """
    before, _, row = text.rpartition("\n")
    if not row.strip(" |:-") and _is_row(before.rpartition("\n")[2]):
        before, _, row = before.rpartition("\n")
    if not _is_row(row) or _is_row(before.rpartition("\n")[2]):
        return ""
    row = row.rstrip()
    if not re.search(r"[^\\\s]\s*\|\Z", row):
        row += " |"
    cells = re.split(r"(?<!\\)\|", row.lstrip())[1:-1]
    return f"{before}\n{row}\n|{'---|' * len(cells)}"


def _is_row(line: str) -> bool:
    return line.lstrip(" ").startswith("|")
