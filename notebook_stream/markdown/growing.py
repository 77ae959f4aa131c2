"""Markdown to HTML while it arrives: finished blocks once, the open one again and again.

A block is finished when a later one has begun on a complete line: no text that follows can change
it any more (link definitions that come later excepted).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from markdown_it.token import Token

from .deflated import Kept
from .grammar import lines_of, parser, seen
from .pieces import LIST_LINES, cut, first_line, groups_of, is_list, next_number, without_last_item
from .rendering import html_of, inside_of, mark_looseness
from .safe import missing_fence, plain_blocks, plain_settled, safe, settled


class Growing:
    """A text that grows: as HTML blocks, and as what is left of it at the end.

    Each block is parsed for good once, for all three. Long code, tables and lists are finished in
    pieces: HTML that begins with ``+`` is more of the block before it.
    """

    def __init__(self) -> None:
        self._tail = ""
        self._goes_on = False  # whether the tail begins with more of a block
        self._head = ""  # what that needs before it to be read as such, as its own first lines
        self._number = 1  # of its first item
        self._env: dict[str, Any] = {}
        self._markdown = Kept()
        self._plain = Kept()

    def grow(self, text: str) -> list[str]:
        """Add ``text``.

        Returns:
            The HTML of each block or piece that it finished, in order.
        """
        self._tail += seen(text)
        if "\n" not in text:
            return []
        groups = self._complete()
        if len(groups) < 2:
            return list(self._pieces(groups))
        finished = list(self._finished(groups))
        if self._tail.count("\n") < LIST_LINES:
            return finished  # too short for `cut`: a second parse would find nothing
        return [*finished, *self._pieces(self._complete())]

    @property
    def unfinished(self) -> int:
        """Characters that the next call reads again."""
        return len(self._tail)

    def open_block(self) -> tuple[str, str]:
        """The HTML of what is not finished yet: more of the last block, and what follows it."""
        html = self._html(groups_of(self._parsed(self._tail)))
        inside = html.pop(0)[1:] if html and html[0].startswith("+") else ""
        return inside, "".join(html)

    def close(self) -> list[str]:
        """Finish the open block, as if a blank line had come.

        Returns:
            Its HTML.
        """
        tokens, markdown, plain = self._rest()
        html = self._html(groups_of(tokens))
        self._add(markdown.rstrip("\n"), plain, more=self._goes_on)
        self._tail = self._head = ""
        self._goes_on = False
        return html

    def add(self, markdown: str, plain: str) -> None:
        """Add finished blocks that are harmless already, after `close`."""
        self._add(markdown, plain, more=False)

    def _add(self, markdown: str, plain: str, *, more: bool) -> None:
        if markdown:
            gap = "" if more or self._markdown.end in {"", "\n\n"} else "\n\n"
            self._markdown.add(f"{gap}{markdown}\n\n")
        self._plain.add(f"{plain}\n\n")

    def end(self) -> None:
        """Finish all, as nothing follows: `still` has nothing left to parse."""
        _, markdown, plain = self._rest()
        self._markdown.add(markdown)
        self._plain.add(plain)
        self._tail = self._head = ""
        self._goes_on = False

    def still(self) -> tuple[str, str]:
        """The whole text so far as harmless Markdown and as plain text."""
        _, markdown, plain = self._rest()
        return settled(f"{self._markdown}{markdown}"), plain_settled(f"{self._plain}{plain}")

    def _rest(self) -> tuple[list[Token], str, str]:
        """What is not finished yet: its tokens, and harmless Markdown and plain text of it."""
        tokens, lines = self._parsed(self._tail), lines_of(self._head + self._tail)
        markdown, plain = self._still(tokens, lines)
        return tokens, markdown + missing_fence(tokens, lines), plain

    def _parsed(self, source: str) -> list[Token]:
        tokens = parser().parse(self._head + source, self._env)
        if lists := [group for group in groups_of(tokens) if is_list(group)]:
            lines = lines_of(self._head + source)
            for group in lists:
                mark_looseness(group, lines)
        return tokens

    def _complete(self) -> list[list[Token]]:
        """The blocks of the lines that are complete."""
        return groups_of(self._parsed(self._tail[: self._tail.rfind("\n") + 1]))

    def _html(self, groups: Sequence[Sequence[Token]]) -> list[str]:
        html = [html_of(group, self._env) for group in groups]
        if self._goes_on and html:
            html[0] = f"+{inside_of(html[0])}"
        return [one for one in html if one not in {"", "+"}]

    def _still(
        self, tokens: Sequence[Token], lines: Sequence[str], *, piece: bool = False
    ) -> tuple[str, str]:
        """Some blocks as harmless Markdown and as plain text.

        Args:
            tokens: The blocks'.
            lines: Their source, with the head.
            piece: Whether the block goes on.
        """
        markdown = safe(tokens, lines, self._env)
        return "".join(lines_of(markdown)[len(lines_of(self._head)) :]), self._said(tokens, piece)

    def _said(self, tokens: Sequence[Token], piece: bool) -> str:
        """Plain text of some blocks, the first of them perhaps more of one, or not all of it."""
        if not tokens or not (self._goes_on or piece):
            return plain_blocks(tokens)
        if tokens[0].type == "fence":
            return tokens[0].content + ("" if piece else f"\n\n{plain_blocks(tokens[1:])}")
        if is_list(tokens):
            if self._goes_on:
                tokens[0].attrSet("start", self._number)
            said = plain_blocks(tokens)
            return said[:-1] if piece else said  # its last line ends the list
        rows = lines_of(plain_blocks(tokens))[1 if self._goes_on else 0 :]
        return "".join(rows).rstrip("\n") + "\n" if piece else "".join(rows)

    def _finished(self, groups: list[list[Token]]) -> Iterator[str]:
        if groups[-1][0].meta.get("open"):
            groups.pop()  # a blank line would make it part of the paragraph before it
        if len(groups) < 2:
            return
        yield from self._html(groups[:-1])
        self._keep(groups[:-1], first_line(groups[-1]), piece=False)
        self._head = ""
        self._goes_on = False

    def _pieces(self, groups: Sequence[list[Token]]) -> Iterator[str]:
        """Finish the first lines of a long block that is open: code, rows of a table, items."""
        if len(groups) != 1:
            return
        lines = lines_of(self._head + self._tail)[: self._head.count("\n") + self._tail.count("\n")]
        head, end = cut(groups[0], lines)
        if not end:
            return
        first = "".join(lines[: end + is_list(groups[0])])[len(self._head) :]
        pieces = [without_last_item(group) for group in groups_of(self._parsed(first))]
        yield from self._html(pieces)
        self._keep(pieces, end, piece=True)
        self._head = "".join(lines[:head])
        self._goes_on = True

    def _keep(self, groups: Sequence[Sequence[Token]], end: int, *, piece: bool) -> None:
        """Make the lines before ``end``, counted with the head, part of what is finished."""
        lines = lines_of(self._head + self._tail)
        tokens = [token for group in groups for token in group]
        markdown, plain = self._still(tokens, lines[:end], piece=piece)
        self._markdown.add(markdown)
        self._plain.add(plain)
        self._number = next_number(tokens) if piece else 1
        self._tail = "".join(lines[end:])
