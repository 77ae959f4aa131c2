"""Markdown to HTML while it arrives: finished blocks once, the open one again and again.

A block is finished when a later one has begun on a complete line: no text that follows can change
it any more (link definitions that come later excepted).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Any

import latex2mathml.exceptions
from latex2mathml.converter import convert_to_element
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from .grammar import is_tame, language_of, lines_of, parser, seen
from .kept import Kept
from .still import missing_fence, plain_blocks, plain_settled, safe, settled

_BAD_LATEX: tuple[type[Exception], ...] = (
    *(e for e in vars(latex2mathml.exceptions).values() if isinstance(e, type)),
    *(AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError),
)
_MATH_ATTRIBUTES = frozenset({
    "accent", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle",
    "fence", "form", "height", "linebreak", "linethickness", "lspace", "mathsize", "mathvariant",
    "maxsize", "minsize", "movablelimits", "rowlines", "rowspacing", "rspace", "scriptlevel",
    "separator", "stretchy", "symmetric", "voffset", "width", "xmlns",
})  # fmt: skip


PIECE_LINES = 64
"""Of a long block of code or table that is still open, so many lines are finished at a time."""

LIST_LINES = 16
"""Of a list that is still open, all but the last item is finished once it has so many lines."""

LONGEST_CODE = 20_000
"""Characters of a piece of code that are highlighted; more in so few lines is data."""


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
        return [*self._finished(groups), *self._pieces(self._complete())]

    @property
    def unfinished(self) -> int:
        """Characters that the next call reads again."""
        return len(self._tail)

    def open_block(self) -> tuple[str, str]:
        """The HTML of what is not finished yet: more of the last block, and what follows it."""
        html = self._html(_groups(self._parsed(self._tail)))
        inside = html.pop(0)[1:] if html and html[0].startswith("+") else ""
        return inside, "".join(html)

    def close(self) -> list[str]:
        """Finish the open block, as if a blank line had come.

        Returns:
            Its HTML.
        """
        tokens, markdown, plain = self._rest()
        html = self._html(_groups(tokens))
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
        for group in _groups(tokens):
            if _is_list(group):
                _mark_looseness(group, lines_of(self._head + source))
        return tokens

    def _complete(self) -> list[list[Token]]:
        """The blocks of the lines that are complete."""
        return _groups(self._parsed(self._tail[: self._tail.rfind("\n") + 1]))

    def _html(self, groups: Sequence[Sequence[Token]]) -> list[str]:
        html = [_html(group, self._env) for group in groups]
        if self._goes_on and html:
            html[0] = f"+{_inside(html[0])}"
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
        if _is_list(tokens):
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
        self._keep(groups[:-1], _first_line(groups[-1]), piece=False)
        self._head = ""
        self._goes_on = False

    def _pieces(self, groups: Sequence[list[Token]]) -> Iterator[str]:
        """Finish the first lines of a long block that is open: code, rows of a table, items."""
        if len(groups) != 1:
            return
        lines = lines_of(self._head + self._tail)[: self._head.count("\n") + self._tail.count("\n")]
        head, end = _cut(groups[0], lines)
        if not end:
            return
        first = "".join(lines[: end + _is_list(groups[0])])[len(self._head) :]
        pieces = [_without_last_item(group) for group in _groups(self._parsed(first))]
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
        self._number = _next_number(tokens) if piece else 1
        self._tail = "".join(lines[end:])


def _cut(group: Sequence[Token], lines: Sequence[str]) -> tuple[int, int]:
    """Where an open block may be cut.

    Returns:
        How many of its first lines it needs to be read as what it is, and how many can be finished;
        0 where none can.
    """
    if _is_list(group):
        return 0, _last_item(group, lines)
    head = _head_lines(group, lines)
    ready = (len(lines) - head - 1) // PIECE_LINES * PIECE_LINES
    return head, head + ready if head and ready > 0 else 0


def _last_item(group: Sequence[Token], lines: Sequence[str]) -> int:
    """The line of a long list's last item; 0 for a short one.

    Of items that begin as far in as the first: one that is further in is read otherwise alone.
    """
    starts = [_first_line([token]) for token in _items(group)]
    inset = [len(lines[n]) - len(lines[n].lstrip(" ")) for n in starts]
    last = next(n for n, left in zip(starts[::-1], inset[::-1], strict=True) if left == inset[0])
    return last if last >= LIST_LINES else 0


def _is_list(tokens: Sequence[Token]) -> bool:
    return tokens[0].type in {"bullet_list_open", "ordered_list_open"}


def _without_last_item(group: list[Token]) -> list[Token]:
    """A list without its last item, of which only the first line was read: it ends those before."""
    return [*group[: group.index(_items(group)[-1])], group[-1]] if _is_list(group) else group


def _items(group: Sequence[Token]) -> list[Token]:
    return [token for token in group if token.type == "list_item_open" and token.level == 1]


def _next_number(tokens: Sequence[Token]) -> int:
    """Of the item that follows these, where they are of a list."""
    items = _items(tokens)
    return int(tokens[0].attrGet("start") or 1) + len(items) if items else 1


def _mark_looseness(group: Sequence[Token], lines: Sequence[str]) -> None:
    """Give all items of a list paragraphs, and one a mark where they stand apart.

    Which of the two a list is may show only after its first items were finished, and then holds for
    those too: the view's style tells by the mark.
    """
    group[0].attrs.pop("class", None)  # of lists with a task in them, which may come later too
    paragraphs = [token for token in group if token.level == 2 and token.type in _PARAGRAPH]
    gaps = (lines[_first_line([item]) - 1].isspace() for item in _items(group)[1:])
    if any(gaps) or not all(token.hidden for token in paragraphs):
        group[1].attrJoin("class", "ns-loose")
    for token in paragraphs:
        token.hidden = False


_PARAGRAPH = frozenset({"paragraph_open", "paragraph_close"})


def _head_lines(group: Sequence[Token], lines: Sequence[str]) -> int:
    """How many lines begin the one block that all lines are of; 0 where it cannot be cut."""
    if group[0].map != [0, len(lines)]:
        return 0
    if group[0].type == "fence":
        return 1 if missing_fence(group, lines) else 0
    return 2 if group[0].type == "table_open" else 0


def _inside(html: str) -> str:
    """What is inside of a table's body, of a block of code, or of a list."""
    found = re.match(r"<[uo]l[^>]*>\n(.*)</[uo]l>", html, re.DOTALL) or re.search(
        r"(<tbody>.*</tbody>)|<code>(.*)</code>", html, re.DOTALL
    )
    return next(filter(None, found.groups()), "") if found else ""


def _groups(tokens: Sequence[Token]) -> list[list[Token]]:
    """The tokens of each top-level block."""
    groups: list[list[Token]] = []
    for token in tokens:
        if token.level == 0 and token.nesting >= 0:
            groups.append([])
        groups[-1].append(token)
    return groups


def _first_line(group: Sequence[Token]) -> int:
    lines = group[0].map
    return lines[0] if lines else 0


def _html(tokens: Sequence[Token], env: EnvType) -> str:
    md = parser()
    return str(_Renderer(md).render(tokens, md.options, env))


class _Renderer(RendererHTML):
    """HTML as JupyterLab's own Markdown renderer lays it out."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Code, highlighted where its language is known."""
        token = tokens[idx]
        return _code(_highlighted(token.content, language_of(token.info)))

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Indented code."""
        return _code(html.escape(tokens[idx].content))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A link to the image: nothing is loaded from elsewhere."""
        token = tokens[idx]
        address = str(token.attrGet("src") or "")
        text = self.renderInlineAsText(token.children or [], options, env) or address
        link = html.escape(address)
        return f'<a href="{link}" {_ELSEWHERE}>{html.escape(text)}</a>'

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """A link that opens elsewhere and says nothing of where it was."""
        return f'<a href="{html.escape(str(tokens[idx].attrGet("href") or ""))}" {_ELSEWHERE}>'

    def math(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A formula as MathML, or its source where it cannot be read (yet)."""
        return mathml(tokens[idx].content, display=tokens[idx].meta["display"])

    def math_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """A formula on lines of its own."""
        return f"<p>{self.math(tokens, idx, options, env)}</p>\n"


def _code(inside: str) -> str:
    return f'<pre class="ns-code"><code>{inside}</code></pre>\n'


_ELSEWHERE = 'target="_blank" rel="noopener noreferrer"'


def _highlighted(code: str, language: str) -> str:
    """Code as HTML, in pieces that do not depend on how it came."""
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(code)
    lines = lines_of(code)
    pieces = ("".join(lines[n : n + PIECE_LINES]) for n in range(0, len(lines), PIECE_LINES))
    formatter = HtmlFormatter(nowrap=True, classprefix="ns-")
    return "".join(
        str(highlight(piece, lexer, formatter))
        if len(piece) <= LONGEST_CODE
        else html.escape(piece)
        for piece in pieces
    )


def mathml(latex: str, *, display: bool) -> str:
    r"""MathML of a formula.

    Written out here, element by element: the library leaves ``\text{<script>}`` unescaped and lets
    ``\href`` and ``\style`` through (latex2mathml 3.81).
    """
    known = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{align*}", latex.strip())
    try:
        if is_tame(latex):
            return _element(convert_to_element(known, display="block" if display else "inline"))
    except _BAD_LATEX:
        pass
    return f'<code class="ns-latex">{html.escape(latex.strip())}</code>'


def _element(node: Any) -> str:
    tag = re.sub(r"[^a-z]", "", node.tag)
    attributes = "".join(
        f' {name}="{html.escape(html.unescape(value))}"'
        for name, value in node.attrib.items()
        if name in _MATH_ATTRIBUTES
    )
    text = html.escape(html.unescape(node.text or ""))
    return f"<{tag}{attributes}>{text}{''.join(map(_element, node))}</{tag}>"
