"""Blocks as the HTML of the live view."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import latex2mathml.exceptions
from latex2mathml.converter import convert_to_element
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from .grammar import is_tame, language_of, lines_of, parser
from .pieces import PIECE_LINES, first_line, items_of

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

LONGEST_CODE = 20_000
"""Characters of a piece of code that are highlighted; more in so few lines is data."""


def html_of(tokens: Sequence[Token], env: EnvType) -> str:
    """The HTML of a block."""
    return str(_renderer().render(tokens, parser().options, env))


def inside_of(html: str) -> str:
    """What is inside of a table's body, of a block of code, or of a list."""
    found = re.match(r"<[uo]l[^>]*>\n(.*)</[uo]l>", html, re.DOTALL) or re.search(
        r"(<tbody>.*</tbody>)|<code>(.*)</code>", html, re.DOTALL
    )
    return next(filter(None, found.groups()), "") if found else ""


def mark_looseness(group: Sequence[Token], lines: Sequence[str]) -> None:
    """Give all items of a list paragraphs, and one a mark where they stand apart.

    Which of the two a list is may show only after its first items were finished, and then holds for
    those too: the page gives the mark to the list.
    """
    group[0].attrs.pop("class", None)  # of lists with a task in them, which may come later too
    paragraphs = [token for token in group if token.level == 2 and token.type in _PARAGRAPH]
    gaps = (lines[first_line([item]) - 1].isspace() for item in items_of(group)[1:])
    if any(gaps) or not all(token.hidden for token in paragraphs):
        for token in group[:2]:  # the list, and the first item of what may be more of one
            token.attrJoin("class", "ns-loose")
    for token in paragraphs:
        token.hidden = False


_PARAGRAPH = frozenset({"paragraph_open", "paragraph_close"})


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


@lru_cache(64)
def _lexer_class(language: str) -> type[Lexer] | None:
    """Return the class of a language's lexer, which is looked for in a list of hundreds."""
    try:
        return type(get_lexer_by_name(language))
    except ClassNotFound:
        return None


@cache
def _formatter() -> HtmlFormatter[str]:
    """Return the one formatter: to make one builds a style sheet, and it has no state."""
    return HtmlFormatter(nowrap=True, classprefix="ns-")


@cache
def _renderer() -> _Renderer:
    """Return the one renderer: making one looks through all its methods; it has no state."""
    return _Renderer(parser())


def _code(inside: str) -> str:
    return f'<pre class="ns-code"><code>{inside}</code></pre>\n'


_ELSEWHERE = 'target="_blank" rel="noopener noreferrer"'


def _highlighted(code: str, language: str) -> str:
    """Code as HTML, in pieces that do not depend on how it came."""
    lexer_class = _lexer_class(language)
    if lexer_class is None:
        return html.escape(code)
    lexer = lexer_class(stripnl=False, ensurenl=False)
    lines = lines_of(code)
    pieces = ("".join(lines[n : n + PIECE_LINES]) for n in range(0, len(lines), PIECE_LINES))
    return "".join(
        str(highlight(piece, lexer, _formatter()))
        if len(piece) <= LONGEST_CODE
        else html.escape(piece)
        for piece in pieces
    )


@lru_cache(512)
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
