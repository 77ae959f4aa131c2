"""Render Markdown as plain text, without markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markdown_it.token import Token

from .grammar import LISTS, parser, split_lines, strip_invisible
from .pieces import is_list


def render_plain(text: str) -> str:
    """Return Markdown without its markup.

    Args:
        text: Markdown of any origin.

    Returns:
        Text with a blank line between blocks; list items and table rows have lines of their own,
        code and formulas are as they were written.
    """
    plain = render_plain_blocks(parser().parse(strip_invisible(text)))
    return "".join(collapse_blank_lines([plain]))


def render_plain_blocks(tokens: Sequence[Token]) -> str:
    """Return the plain text of blocks, before `collapse_blank_lines`."""
    return "".join(_PlainRenderer().render(tokens))


def render_plain_piece(tokens: Sequence[Token], *, number: int | None, cut: bool) -> str:
    """Return the plain text of blocks, the first of which may be part of a longer block.

    Args:
        tokens: The tokens of the blocks.
        number: The number of the first list item, where the first block is the continuation of a
            list, a table or code that was rendered up to there; None where it is not.
        cut: Whether the only block is continued after these tokens.
    """
    continued = number is not None
    if not tokens or not (continued or cut):
        return render_plain_blocks(tokens)
    if tokens[0].type == "fence":
        return tokens[0].content + ("" if cut else f"\n\n{render_plain_blocks(tokens[1:])}")
    if is_list(tokens):
        if number is not None:
            tokens[0].attrSet("start", number)
        text = render_plain_blocks(tokens)
        return text[:-1] if cut else text  # The last line end is that of the whole list.
    rows = split_lines(render_plain_blocks(tokens))[1 if continued else 0 :]
    return "".join(rows).rstrip("\n") + "\n" if cut else "".join(rows)


def collapse_blank_lines(parts: Iterable[str]) -> Iterator[str]:
    """Yield the plain text of a whole answer with at most one blank line between blocks.

    Args:
        parts: The text; it is returned in parts, too.
    """
    gap = None
    for part in parts:
        text = part.lstrip("\n") if gap is None else gap + part
        body = text.rstrip("\n")
        gap = text[len(body) :][:2] if body or gap is not None else None
        if body:
            yield _collapse(body)


def _collapse(text: str) -> str:
    while "\n\n\n" in text:  # `str.replace` takes a tenth of the time of a regular expression.
        text = text.replace("\n\n\n", "\n\n")
    return text


_AFTER = {
    "th_close": "  ",
    "td_close": "  ",
    "tr_close": "\n",
    "hr": "———\n\n",
    "paragraph_close": "\n\n",
    "heading_close": "\n\n",
    "table_close": "\n\n",
}
"""The text that stands for a token without content, by its type."""


class _PlainRenderer:
    """Walks the tokens of blocks and counts the items of the lists that are open."""

    def __init__(self) -> None:
        self._numbers: list[int | None] = []

    def render(self, tokens: Sequence[Token]) -> Iterator[str]:
        """Yield the plain text of each token."""
        for token in tokens:
            if token.type == "inline":
                yield "".join(_render_inline(token.children or []))
            elif token.content:
                yield token.content.strip("\n") + "\n\n"
            else:
                yield self._render_structure(token)

    def _render_structure(self, token: Token) -> str:
        """Return what stands for the start or the end of a block."""
        if token.type in LISTS:
            start = int(token.attrs.get("start", 1))
            self._numbers.append(start if token.type.startswith("ordered") else None)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._numbers.pop()
            return "" if self._numbers else "\n"
        elif token.type == "list_item_open":
            return self._render_item_marker()
        elif token.type == "paragraph_close" and (token.hidden or self._numbers):
            return "\n"
        return _AFTER.get(token.type, "")

    def _render_item_marker(self) -> str:
        number = self._numbers[-1]
        indent = "  " * (len(self._numbers) - 1)
        if number is None:
            return f"{indent}• "
        self._numbers[-1] = number + 1
        return f"{indent}{number}. "


def _render_inline(tokens: Sequence[Token]) -> Iterator[str]:
    """Yield the plain text of inline tokens, with the address of a link or image after it."""
    address = ""
    for token in tokens:
        if token.type == "link_open":
            address = str(token.attrGet("href") or "")
        elif token.type == "link_close" and token.info != "auto":
            yield f" ({address})"
        elif token.type in {"softbreak", "hardbreak"}:
            yield "\n"
        elif token.type == "image":
            yield f"{token.content} ({token.attrGet('src')})".lstrip()
        elif "checkbox" in token.content and token.type == "html_inline":
            yield "☑" if "checked" in token.content else "☐"
        else:
            yield token.content
