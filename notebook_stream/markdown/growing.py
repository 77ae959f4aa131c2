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

from .grammar import lines_of, parser, seen
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


class Growing:
    """A text that grows: as HTML blocks, and as what is left of it at the end.

    Each block is parsed for good once, for all three.
    """

    def __init__(self) -> None:
        self._tail = ""
        self._env: dict[str, Any] = {}
        self._markdown: list[str] = []
        self._plain: list[str] = []

    def grow(self, text: str) -> list[str]:
        """Add ``text``.

        Returns:
            The HTML of each block that it finished, in order.
        """
        self._tail += seen(text)
        return list(self._finished()) if "\n" in text else []

    def open_block(self) -> str:
        """The HTML of what is not finished yet."""
        return _html(parser().parse(self._tail, self._env), self._env)

    def close(self) -> list[str]:
        """Finish the open block, as if a blank line had come.

        Returns:
            Its HTML.
        """
        made = self.open_block()
        tokens, lines = parser().parse(self._tail, self._env), lines_of(self._tail)
        last = safe(tokens, lines, self._env) + missing_fence(tokens, lines)
        self._tail = ""
        self.add(last.rstrip("\n"), plain_blocks(tokens))
        return [made] if made else []

    def add(self, markdown: str, plain: str) -> None:
        """Add finished blocks that are harmless already, after `close`."""
        if markdown:
            gap = "" if not self._markdown or self._markdown[-1].endswith("\n\n") else "\n\n"
            self._markdown.append(f"{gap}{markdown}\n\n")
        self._plain.append(f"{plain}\n\n")

    def still(self) -> tuple[str, str]:
        """The whole text so far as harmless Markdown and as plain text."""
        tokens, lines = parser().parse(self._tail, self._env), lines_of(self._tail)
        last = safe(tokens, lines, self._env) + missing_fence(tokens, lines)
        plain = plain_settled("".join([*self._plain, plain_blocks(tokens)]))
        return settled("".join([*self._markdown, last])), plain

    def _finished(self) -> Iterator[str]:
        complete = self._tail[: self._tail.rindex("\n") + 1]
        groups = _groups(parser().parse(complete, self._env))
        if groups and groups[-1][0].meta.get("open"):
            groups.pop()  # a blank line would make it part of the paragraph before it
        if len(groups) < 2:
            return
        start = _first_line(groups[-1])
        lines = lines_of(self._tail)
        tokens = [token for group in groups[:-1] for token in group]
        self._markdown.append(safe(tokens, lines[:start], self._env))
        self._plain.append(plain_blocks(tokens))
        self._tail = "".join(lines[start:])
        for group in groups[:-1]:
            yield _html(group, self._env)


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
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        return f'<pre class="ns-code"><code>{_highlighted(token.content, language)}</code></pre>\n'

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


_ELSEWHERE = 'target="_blank" rel="noopener noreferrer"'


def _highlighted(code: str, language: str) -> str:
    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return html.escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="ns-")))


def mathml(latex: str, *, display: bool) -> str:
    r"""MathML of a formula.

    Written out here, element by element: the library leaves ``\text{<script>}`` unescaped and lets
    ``\href`` and ``\style`` through (latex2mathml 3.81).
    """
    try:
        tree = convert_to_element(latex.strip(), display="block" if display else "inline")
    except _BAD_LATEX:
        return f'<code class="ns-latex">{html.escape(latex.strip())}</code>'
    return _element(tree)


def _element(node: Any) -> str:
    tag = re.sub(r"[^a-z]", "", node.tag)
    attributes = "".join(
        f' {name}="{html.escape(html.unescape(value))}"'
        for name, value in node.attrib.items()
        if name in _MATH_ATTRIBUTES
    )
    text = html.escape(html.unescape(node.text or ""))
    return f"<{tag}{attributes}>{text}{''.join(map(_element, node))}</{tag}>"
