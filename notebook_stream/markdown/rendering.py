"""Render blocks as the HTML of the live view."""

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

from .grammar import LISTS, is_safe_latex, language_of, parser, split_lines
from .pieces import PIECE_LINES, first_line

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
"""The length of a piece of code, in characters, above which it is not highlighted: it is data."""


_DIRECTED = LISTS | {"blockquote_open", "table_open"}


def render_block(tokens: Sequence[Token], env: EnvType) -> str:
    """Return the HTML of a block; a list, quote or table has the direction of its first letter."""
    if tokens and tokens[0].type in _DIRECTED:
        tokens[0].attrSet("dir", "auto")
    return str(_renderer().render(tokens, parser().options, env))


def extract_inside(html: str) -> str:
    """Return the HTML inside of a list or a code block, or the body of a table; "" of any other."""
    found = re.match(r"<[uo]l[^>]*>\n(.*)</[uo]l>", html, re.DOTALL) or re.search(
        r"(<tbody>.*</tbody>)|<code>(.*)</code>", html, re.DOTALL
    )
    return next(filter(None, found.groups()), "") if found else ""


def normalize_list(block: Sequence[Token], lines: Sequence[str]) -> None:
    """Change the tokens of a list so that its items look the same in whichever piece they come.

    All items have paragraphs, also those of a tight list; the class ``ns-loose`` tells the two
    kinds apart. A list may turn out to be loose only after its first items were finished, and all
    of its items are loose then: the page copies the class from an item to the list.
    """
    block[0].attrs.pop("class", None)  # A list with a task in it; one may also come later.
    paragraphs = [token for token in block if token.level == 2 and token.type in _PARAGRAPH]
    if _has_gap(block, lines) or not all(token.hidden for token in paragraphs):
        for token in block[:2]:  # The list, and its first item, of which a piece has only that.
            token.attrJoin("class", "ns-loose")
    for token in paragraphs:
        token.hidden = False


def _has_gap(block: Sequence[Token], lines: Sequence[str]) -> bool:
    """Return whether a blank line stands before an item of a list, or between blocks of an item."""
    starts = {
        first_line([token]) for token in block if token.level in {1, 2} and token.nesting >= 0
    }
    return any(lines[start - 1].isspace() for start in starts if start > first_line(block))


_PARAGRAPH = frozenset({"paragraph_open", "paragraph_close"})


class _Renderer(RendererHTML):
    """Renders HTML with the structure that JupyterLab's own Markdown renderer gives it."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Render code, highlighted where its language is known."""
        token = tokens[idx]
        return _wrap_code(_highlight(token.content, language_of(token.info)))

    def code_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Render indented code."""
        return _wrap_code(html.escape(tokens[idx].content))

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Render a link to the image: the page loads nothing from elsewhere."""
        token = tokens[idx]
        address = str(token.attrGet("src") or "")
        text = self.renderInlineAsText(token.children or [], options, env) or address
        link = html.escape(address)
        return f'<a href="{link}" {_ELSEWHERE}>{html.escape(text)}</a>'

    def link_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Render a link that opens in a tab of its own and sends no referrer."""
        return f'<a href="{html.escape(str(tokens[idx].attrGet("href") or ""))}" {_ELSEWHERE}>'

    def html_inline(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Render the box of a task, the only inline HTML there is, with a label to read aloud."""
        label = "done" if 'checked="' in tokens[idx].content else "to do"
        return tokens[idx].content.replace("<input ", f'<input aria-label="{label}" ')

    def math(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Render a formula as MathML, or its source where it cannot be parsed (yet)."""
        return render_mathml(tokens[idx].content, display=tokens[idx].meta["display"])

    def math_block(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Render a formula on lines of its own."""
        return f"<p>{self.math(tokens, idx, options, env)}</p>\n"


@lru_cache(64)
def _lexer_class(language: str) -> type[Lexer] | None:
    """Return the class of a language's lexer, which Pygments searches in a list of hundreds."""
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


def _wrap_code(inside: str) -> str:
    return f'<pre class="ns-code"><code>{inside}</code></pre>\n'


_ELSEWHERE = 'target="_blank" rel="noopener noreferrer"'


def _highlight(code: str, language: str) -> str:
    """Return code as HTML, highlighted in pieces of `PIECE_LINES` lines.

    So the HTML does not depend on the pieces in which the code arrived.
    """
    lexer_class = _lexer_class(language)
    if lexer_class is None:
        return html.escape(code)
    lexer = lexer_class(stripnl=False, ensurenl=False)
    lines = split_lines(code)
    pieces = ("".join(lines[n : n + PIECE_LINES]) for n in range(0, len(lines), PIECE_LINES))
    return "".join(
        str(highlight(piece, lexer, _formatter()))
        if len(piece) <= LONGEST_CODE
        else html.escape(piece)
        for piece in pieces
    )


@lru_cache(512)
def render_mathml(latex: str, *, display: bool) -> str:
    r"""Return the MathML of a formula; its source as code where it cannot be converted.

    The elements are written here, with allowed attributes alone: latex2mathml 3.81 itself leaves
    ``\text{<script>}`` unescaped and lets ``\href`` and ``\style`` through.
    """
    known = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{align*}", latex.strip())
    try:
        if is_safe_latex(latex):
            return _write_element(
                convert_to_element(known, display="block" if display else "inline")
            )
    except _BAD_LATEX:
        pass
    return f'<code class="ns-latex">{html.escape(latex.strip())}</code>'


def _write_element(node: Any) -> str:
    """Return an element and what is in it, with the attributes of `_MATH_ATTRIBUTES`."""
    tag = re.sub(r"[^a-z]", "", node.tag)
    attributes = "".join(
        f' {name}="{html.escape(html.unescape(value))}"'
        for name, value in node.attrib.items()
        if name in _MATH_ATTRIBUTES
    )
    text = html.escape(html.unescape(node.text or ""))
    return f"<{tag}{attributes}>{text}{''.join(map(_write_element, node))}</{tag}>"
