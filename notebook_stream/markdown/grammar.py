r"""What counts as Markdown here: CommonMark, GitHub's tables and links, and math.

Raw HTML is text. Math is `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, found before emphasis and never
across a blank line, as JupyterLab does (``packages/rendermime/src/latex.ts``); a formula that is
not closed never swallows the page.
"""

from __future__ import annotations

import html
import re
from functools import cache
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from ..text.controls import CONTROLS

# Tried and not used: `dollarmath` and `texmath` of mdit-py-plugins 0.7.0. To them a displayed
# formula that is not closed yet is text, so that its lines would be laid out as a list, a rule or a
# heading until it is; and `\[…\]` inside a paragraph is no formula. Three tests of
# tests/unit/test_markdown.py fail with them. `amsmath` reads `\begin{…}` alone, which is none here.
_INSIDE = r"(?:\\.|(?!\n\s*\n)[^\\])"
DISPLAY = rf"\$\$(?P<dollars>{_INSIDE}+?)\$\$|\\\[(?P<brackets>{_INSIDE}+?)\\\]"
# Pandoc's rule keeps `$5 and $10` money: no space inside, no digit after the closing dollar.
INLINE = (
    r"\$(?![\s$])(?P<dollar>(?:\\.|(?!\n\s*\n)[^\\$])*?(?:\\.|[^\s\\$]))\$(?!\d)"
    rf"|\\\((?P<parens>{_INSIDE}+?)\\\)"
)
_MATH = re.compile(rf"(?P<display>{DISPLAY})|(?P<inline>{INLINE})", re.DOTALL)
_CLOSING = {"$$": "$$", r"\[": r"\]"}


SCHEMES = frozenset({"http:", "https:", "mailto:", "ftp:", "tel:"})
"""What a link may begin with, where it says more than a place on the page."""

LONGEST_PARAGRAPH = 10_000
"""Characters of one paragraph that are read for markup; a longer one is plain text.

Readers of Markdown, ours and JupyterLab's, take a time that grows with its square.
"""

LISTS = frozenset({"bullet_list_open", "ordered_list_open"})
"""The tokens that open a list."""

_DEFINES = re.compile(
    r"\\(?:[gex]?def|let|futurelet|global|(?:re|provide)?newcommand|(?:re)?newenvironment|require"
    r"|DeclareMathOperator|rule|Rule|Space)(?![A-Za-z])"
)
"""MathJax would keep these for every cell of the page, or make pages of one formula."""


def is_tame(latex: str) -> bool:
    """Whether every reader can set a formula: a deep one ends the page's process in MathJax 3."""
    depth = deepest = 0
    for sign in re.findall(r"\\.|[{}]", latex):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        deepest = max(deepest, depth)
    opened = len(re.findall(r"\\(?:left|begin)(?![A-Za-z])", latex))
    return len(latex) <= 3000 and deepest <= 25 and opened <= 25 and not _DEFINES.search(latex)


def links_to(address: str) -> bool:
    """Whether a link may have this address: it runs nothing, holds no data, starts no program."""
    address = re.sub(r"[\s\\\0-\x1f]", "", html.unescape(unquote(address)))
    scheme = re.match(r"[^/?#:]*:", address)
    return not scheme or scheme[0].lower() in SCHEMES


def language_of(info: str) -> str:
    """The language that a fence names; a page would make a picture of a diagram's."""
    word = re.match(r"[\w+#.-]*", info.strip())[0]  # type: ignore[index] # it matches anything
    return "text" if word.lower() == "mermaid" else word


_UNSEEN = re.compile(f"[{CONTROLS}\ufdd0-\ufdef]")


def seen(text: str) -> str:
    """The text without what cannot be seen but changes what is: controls, and our own marks."""
    return _UNSEEN.sub("", text)


def lines_of(text: str) -> list[str]:
    """The lines, with their ends; ``splitlines()`` knows more line ends than Markdown."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def formula(match: re.Match[str]) -> tuple[str, bool]:
    """The LaTeX of a matched formula, and whether it is a displayed one."""
    names = ("dollars", "brackets", "dollar", "parens")
    return next(match[name] for name in names if match[name] is not None), bool(match["display"])


def _math_inline(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] not in "$\\":
        return False
    match = _MATH.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        token = state.push("math", "math", 0)
        token.content, display = formula(match)
        token.meta["display"] = display
    state.pos = match.end()
    return True


def _math_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A displayed formula on lines of its own; one that is still open runs to the end."""
    if state.is_code_block(start):
        return False
    at = state.bMarks[start] + state.tShift[start]
    opener = state.src[at : at + 2]
    if opener not in _CLOSING:
        return False
    found = _closing_line(state, start, end, _CLOSING[opener])
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


def _closing_line(state: StateBlock, start: int, end: int, closing: str) -> int | None:
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
    """The one parser of this package."""
    md = MarkdownIt("commonmark", {"html": False, "maxNesting": 40})
    md.enable(["table", "strikethrough"]).use(tasklists_plugin).use(gfm_autolink_plugin)
    md.block.ruler.before(
        "fence", "math_block", _math_block, {"alt": ["paragraph", "blockquote", "list"]}
    )
    md.inline.ruler.before("escape", "math", _math_inline)
    md.core.ruler.at("inline", _inline)
    md.validateLink = links_to  # type: ignore[method-assign, assignment] # as its manual says
    return md


def _inline(state: StateCore) -> None:
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = token.children or []
        if len(token.content) > LONGEST_PARAGRAPH:
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
