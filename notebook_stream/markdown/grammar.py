r"""The grammar of Markdown here: CommonMark, GitHub's tables, task lists and links, and math.

Raw HTML is text. Math is `$…$`, `$$…$$`, `\(…\)` and `\[…\]`. A formula takes precedence over
emphasis and never extends over a blank line, as in JupyterLab
(``packages/rendermime/src/latex.ts``), so that one which is not closed swallows no other block.
"""

from __future__ import annotations

import html
import re
from functools import cache, partial
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from ..text.controls import CONTROLS
from ..text.slices import map_slices

# Tried and not used: `dollarmath` and `texmath` of mdit-py-plugins 0.7.0. To them a displayed
# formula that is not closed yet is text, so that its lines would be laid out as a list, a rule or a
# heading until it is; and `\[…\]` inside a paragraph is no formula. Three tests of
# tests/unit/test_markdown.py fail with them. `amsmath` reads `\begin{…}` alone, which is none here.
_INSIDE = r"(?:\\.|(?!\n\s*\n)[^\\])"
DISPLAY = rf"\$\$(?P<dollars>{_INSIDE}+?)\$\$|\\\[(?P<brackets>{_INSIDE}+?)\\\]"
# By Pandoc's rule `$5 and $10` is money: no space inside, no digit after the closing dollar.
INLINE = (
    r"\$(?![\s$])(?P<dollar>(?:\\.|(?!\n\s*\n)[^\\$])*?(?:\\.|[^\s\\$]))\$(?!\d)"
    rf"|\\\((?P<parens>{_INSIDE}+?)\\\)"
)
_MATH = re.compile(rf"(?P<display>{DISPLAY})|(?P<inline>{INLINE})", re.DOTALL)
_CLOSING = {"$$": "$$", r"\[": r"\]"}

SCHEMES = frozenset({"http:", "https:", "mailto:", "ftp:", "tel:"})
"""The URL schemes that a link may have."""

LONGEST_PARAGRAPH = 10_000
"""The length of a paragraph, in characters, above which no inline markup is parsed in it.

The time that parsers of Markdown take, ours and JupyterLab's, grows with the square of the length.
"""

LISTS = frozenset({"bullet_list_open", "ordered_list_open"})
"""The types of the tokens that open a list."""

_FORBIDDEN = re.compile(
    r"\\(?:[gex]?def|let|futurelet|global|(?:re|provide)?newcommand|(?:re)?newenvironment|require"
    r"|DeclareMathOperator|rule|Rule|Space)(?![A-Za-z])"
)
"""LaTeX commands that MathJax applies to every cell of the page, or that fill pages."""


def is_safe_latex(latex: str) -> bool:
    """Return whether every reader can render a formula.

    That is: at most 3000 characters, braces and environments at most 25 deep, nothing of
    `_FORBIDDEN`. A deeper formula ends the page's process in MathJax 3.
    """
    depth = deepest = 0
    for sign in re.findall(r"\\.|[{}]", latex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        deepest = max(deepest, depth)
    opened = len(re.findall(r"\\(?:left|begin)(?![A-Za-z])", latex))
    return len(latex) <= 3000 and deepest <= 25 and opened <= 25 and not _FORBIDDEN.search(latex)


def is_allowed_address(address: str) -> bool:
    """Return whether a link may have this address: a relative one, or one of `SCHEMES`.

    Others run code, hold data or start a program. References and percent-encoding are resolved
    first, as a browser does.
    """
    address = re.sub(r"[\s\\\0-\x1f]", "", html.unescape(unquote(address)))
    scheme = re.match(r"[^/?#:]*:", address)
    return not scheme or scheme[0].lower() in SCHEMES


def language_of(info: str) -> str:
    """Return the language that a fence's info string names.

    "text" stands for ``mermaid``: JupyterLab would draw a diagram from the code.
    """
    word = re.match(r"[\w+#.-]*", info.strip())[0]  # type: ignore[index] # it matches anything
    return "text" if word.lower() == "mermaid" else word


_INVISIBLE = re.compile(f"[{CONTROLS}\ufdd0-\ufdef]")


def strip_invisible(text: str) -> str:
    """Return ``text`` without control characters and without Unicode's noncharacters.

    The sanitizer uses a noncharacter as its placeholder.
    """
    return map_slices(partial(_INVISIBLE.sub, ""), text)


def split_lines(text: str) -> list[str]:
    """Return the lines with their line feeds; `str.splitlines` splits at other characters too."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def read_formula(match: re.Match[str]) -> tuple[str, bool]:
    """Return the LaTeX of a matched formula, and whether it is displayed on lines of its own."""
    names = ("dollars", "brackets", "dollar", "parens")
    return next(match[name] for name in names if match[name] is not None), bool(match["display"])


def _parse_inline_math(state: StateInline, silent: bool) -> bool:
    """Parse a formula inside of a paragraph; an inline rule of markdown-it."""
    if state.src[state.pos] not in "$\\":
        return False
    match = _MATH.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        token = state.push("math", "math", 0)
        token.content, display = read_formula(match)
        token.meta["display"] = display
    state.pos = match.end()
    return True


def _parse_math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Parse a formula on lines of its own; a block rule of markdown-it.

    A formula that is not closed extends to the last line, and its token's ``meta["open"]`` is True.
    """
    if state.is_code_block(start):
        return False
    at = state.bMarks[start] + state.tShift[start]
    opener = state.src[at : at + 2]
    if opener not in _CLOSING:
        return False
    found = _find_closing_line(state, start, end, _CLOSING[opener])
    if found is None or silent:
        return found is not None
    token = state.push("math_block", "math", 0)
    content = state.getLines(start, found, state.blkIndent, False).strip()
    token.content = content.removeprefix(opener).removesuffix(_CLOSING[opener])
    token.map = [start, found]
    token.meta["display"] = True
    token.meta["open"] = not content.endswith(_CLOSING[opener]) or content == opener
    state.line = found
    return True


def _find_closing_line(state: StateBlock, start: int, end: int, closing: str) -> int | None:
    """Return the line after the one that ends a formula; None where it is no block of its own."""
    for line in range(start, end):
        left = state.bMarks[line] + state.tShift[line] + (2 if line == start else 0)
        text = state.src[left : state.eMarks[line]]
        if state.isEmpty(line) or state.sCount[line] < state.blkIndent:
            return None
        if closing in text:
            return line + 1 if text.rstrip().endswith(closing) else None
    return end


@cache
def parser() -> MarkdownIt:
    """Return the one parser of this package; it has no state."""
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": 40})
    md.enable(["table", "strikethrough"]).use(tasklists_plugin).use(gfm_autolink_plugin)
    md.block.ruler.before(
        "fence", "math_block", _parse_math_block, {"alt": ["paragraph", "blockquote", "list"]}
    )
    md.inline.ruler.before("escape", "math", _parse_inline_math)
    md.core.ruler.at("inline", _parse_inline)
    md.validateLink = is_allowed_address  # type: ignore[method-assign, assignment] # as its manual says
    return md


def _parse_inline(state: StateCore) -> None:
    """Parse the text of each block, up to `LONGEST_PARAGRAPH`; a core rule of markdown-it."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = token.children or []
        if len(token.content) > LONGEST_PARAGRAPH:
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
