"""Render Markdown while it arrives: finished blocks once, the open one again and again.

A block is finished when a later one has begun on a complete line: no text that follows changes it,
except link definitions, which may come later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from markdown_it.token import Token

from .deflated import FinishedText
from .grammar import parser, split_lines, strip_invisible
from .pieces import (
    LIST_LINES,
    complete_table_head,
    drop_last_item,
    ends_in_paragraph,
    find_cut,
    first_line,
    is_list,
    next_item_number,
    split_blocks,
)
from .plain import collapse_blank_lines, render_plain_piece
from .rendering import extract_inside, normalize_list, render_block
from .sanitizing import find_missing_fence, resolve_dollars, sanitize_blocks

LONGEST_PARSED = 1_000
"""The characters that are parsed at once, where the open block is no longer.

Their tokens are freed before the next ones are made. Objects that outlive 700 allocations make
Python's garbage collector walk through all objects of the process before long, and it holds the
interpreter lock meanwhile: 50 ms and more.
"""

_DEFINITION = re.compile(r"^[ \t>*+.)\d-]*\[(?:\\.|[^\[\]\\]){1,999}\]:", re.MULTILINE | re.DOTALL)
"""What may be a link definition; every one is matched."""


@dataclass(frozen=True)
class Continuation:
    """What is needed to parse the rest of a block whose first lines are finished.

    Attributes:
        head: The lines that open the block (a fence, a table's head); "" for a list.
        number: The number of the next list item; None where the text begins with a new block.
    """

    head: str = ""
    number: int | None = None

    def __bool__(self) -> bool:
        """Return whether there is a block to continue."""
        return self.number is not None


NEW_BLOCK = Continuation()


def _copy_env(env: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of what the parser stores of a text, without its list of unused definitions."""
    return {"references": {**env.get("references", {})}}


def _parse(source: str, env: dict[str, Any]) -> list[Token]:
    """Return the tokens of some Markdown, its lists normalized (`normalize_list`)."""
    tokens = parser().parse(source, env)
    if lists := [block for block in split_blocks(tokens) if is_list(block)]:
        lines = split_lines(source)
        for block in lists:
            normalize_list(block, lines)
    return tokens


@dataclass
class _OpenText:
    """The end of a text, which is not finished: what follows may change it.

    Attributes:
        tail: The text.
        continuation: The block whose rest the text begins with.
        env: What the parser stores of the whole text, its link definitions among it.
    """

    tail: str = ""
    continuation: Continuation = NEW_BLOCK
    env: dict[str, Any] = field(default_factory=dict)

    def restart(self, tail: str, continuation: Continuation = NEW_BLOCK) -> None:
        """Leave ``tail`` unfinished, as the rest of a block or as new ones."""
        self.tail = tail
        self.continuation = continuation

    def render_rest(self) -> tuple[list[Token], str, str]:
        """Return what is not finished as tokens, as sanitized Markdown and as plain text."""
        tokens, lines = self.parse(), self.lines()
        markdown, plain = self.render_texts(tokens, lines)
        return tokens, markdown + find_missing_fence(tokens, lines), plain

    def parse(self, end: int | None = None) -> list[Token]:
        """Return the tokens of the text up to ``end``, after the head of the block it continues."""
        return _parse(self.continuation.head + self.tail[:end], self.env)

    def lines(self) -> list[str]:
        """Return the lines that `parse` reads."""
        return split_lines(self.continuation.head + self.tail)

    def parse_complete_lines(self) -> list[list[Token]]:
        """Return the tokens of each block in the lines that are complete."""
        return split_blocks(self.parse(self.tail.rfind("\n") + 1))

    def render_html(self, blocks: Sequence[Sequence[Token]]) -> list[str]:
        """Return the HTML of each block or piece that has any."""
        html = [render_block(block, self.env) for block in blocks]
        if self.continuation and html:
            html[0] = f"+{extract_inside(html[0])}"
        return [one for one in html if one not in {"", "+"}]

    def render_texts(
        self, tokens: Sequence[Token], lines: Sequence[str], *, cut: bool = False
    ) -> tuple[str, str]:
        """Return blocks, whose lines begin with the head, as sanitized Markdown and plain text."""
        markdown = split_lines(sanitize_blocks(tokens, lines, self.env))
        plain = render_plain_piece(tokens, number=self.continuation.number, cut=cut)
        return "".join(markdown[self.continuation.head.count("\n") :]), plain


def render_whole(text: str) -> tuple[str, str]:
    """Return Markdown of any origin, which is parsed once, as HTML and as sanitized Markdown.

    Args:
        text: All of it: no text that follows belongs to it.
    """
    whole = _OpenText(strip_invisible(text))
    tokens, markdown, _ = whole.render_rest()
    html = whole.render_html(split_blocks(tokens))
    return "".join(html), "".join(resolve_dollars(lambda: [markdown]))


class GrowingMarkdown:
    """Markdown of any origin that grows, rendered as HTML, sanitized Markdown and plain text.

    A finished block is parsed once for all three. Code, tables and lists that are long are finished
    in pieces: HTML that begins with ``+`` belongs inside of the block before it.
    """

    def __init__(self) -> None:
        self._open = _OpenText()
        self._finished = FinishedText()

    def copy(self) -> GrowingMarkdown:
        """Return a copy, which grows independently."""
        made = GrowingMarkdown()
        made._open = replace(self._open, env=_copy_env(self._open.env))
        made._finished = self._finished.copy()
        return made

    def grow(self, text: str) -> list[str]:
        """Append ``text``, of which a part at a time is parsed.

        The link definitions in it hold for all of it.

        Returns:
            The HTML of each block or piece that it finished, in order.
        """
        text = strip_invisible(text)
        if (
            len(text) > LONGEST_PARSED
            and "]:" in text
            and _DEFINITION.search(self._open.tail + text)
        ):
            ahead = self.copy()
            ahead._grow_in_parts(text)
            self._open.env = _copy_env(ahead._open.env)
        return self._grow_in_parts(text)

    def _grow_in_parts(self, text: str) -> list[str]:
        html: list[str] = []
        start = 0
        while start < len(text):
            # As much is taken as is unfinished, as all of that is parsed again each time.
            end = start + max(LONGEST_PARSED, self.unfinished)
            html += self._grow(text[start:end])
            start = end
        return html

    def _grow(self, text: str) -> list[str]:
        self._open.tail += text
        if "\n" not in text:
            return []
        blocks = self._open.parse_complete_lines()
        if len(blocks) < 2:
            return list(self._finish_piece(blocks))
        finished = list(self._finish_blocks(blocks))
        if self._open.tail.count("\n") < LIST_LINES:
            return finished  # It is too short for `find_cut`: no need to parse it again.
        return [*finished, *self._finish_piece(self._open.parse_complete_lines())]

    @property
    def unfinished(self) -> int:
        """The number of characters that the next call parses again."""
        return len(self._open.tail)

    def render_open_block(self) -> tuple[str, str]:
        """Render what is not finished.

        Returns:
            The HTML that belongs inside of the last finished block, and the HTML after it.
        """
        # The parser stores each link definition as it is first parsed, and this one may be cut.
        source = self._open.continuation.head + self._open.tail
        tokens = _parse(source, _copy_env(self._open.env))
        if ends_in_paragraph(tokens) and (table := complete_table_head(source)):
            tokens = _parse(table, _copy_env(self._open.env))
        html = self._open.render_html(split_blocks(tokens))
        inside = html.pop(0)[1:] if html and html[0].startswith("+") else ""
        return inside, "".join(html)

    def close_block(self) -> list[str]:
        """Finish the open block, as if a blank line followed.

        Returns:
            The HTML of each block or piece that this finished.
        """
        tokens, markdown, plain = self._open.render_rest()
        html = self._open.render_html(split_blocks(tokens))
        continued = bool(self._open.continuation)
        self._finished.append_block(markdown.rstrip("\n"), plain, continued=continued)
        self._open.restart("")
        return html

    def append_finished(self, markdown: str, plain: str) -> None:
        """Append a block that is sanitized already; only after `close_block`."""
        self._finished.append_block(markdown, plain)

    def finish(self) -> None:
        """Finish all text, as nothing follows: `render_static` parses nothing then."""
        _, markdown, plain = self._open.render_rest()
        self._finished.append(markdown, plain)
        self._open.restart("")

    def render_static(self) -> tuple[str, str]:
        """Return the whole text so far as sanitized Markdown and as plain text."""
        markdown, plain = self.read_static()
        return "".join(markdown), "".join(plain)

    def read_static(self) -> tuple[Iterator[str], Iterator[str]]:
        """Return the same in parts, so that a long text need not be in memory several times."""
        _, markdown, plain = self._open.render_rest()
        finished = self._finished
        return (
            resolve_dollars(lambda: chain(finished.markdown.read(), [markdown])),
            collapse_blank_lines(chain(finished.plain.read(), [plain])),
        )

    def _finish_blocks(self, blocks: list[list[Token]]) -> Iterator[str]:
        """Finish all blocks but the last, and yield their HTML."""
        if blocks[-1][0].meta.get("open"):
            blocks.pop()  # A blank line would make it part of the paragraph before it.
        if len(blocks) < 2:
            return
        yield from self._open.render_html(blocks[:-1])
        self._open.restart(self._append_lines(blocks[:-1], first_line(blocks[-1]), cut=False))

    def _finish_piece(self, blocks: Sequence[list[Token]]) -> Iterator[str]:
        """Finish the first lines of a long open block, and yield their HTML."""
        if len(blocks) != 1:
            return
        lines = [line for line in self._open.lines() if line.endswith("\n")]
        head, end = find_cut(blocks[0], lines)
        if not end:
            return
        first = _parse("".join(lines[: end + is_list(blocks[0])]), self._open.env)
        pieces = [drop_last_item(block) for block in split_blocks(first)]
        yield from self._open.render_html(pieces)
        rest = self._append_lines(pieces, end, cut=True)
        number = next_item_number([token for piece in pieces for token in piece])
        self._open.restart(rest, Continuation("".join(lines[:head]), number))

    def _append_lines(self, blocks: Sequence[Sequence[Token]], end: int, *, cut: bool) -> str:
        """Append the lines before ``end``, counted with the head, and return the others."""
        lines = self._open.lines()
        tokens = [token for block in blocks for token in block]
        self._finished.append(*self._open.render_texts(tokens, lines[:end], cut=cut))
        return "".join(lines[end:])
