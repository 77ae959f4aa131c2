"""An answer that is done: Markdown that is safe to save, and the same as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it.token import Token

from .grammar import DISPLAY, INLINE, formula, parser

_SEGMENT = re.compile(
    rf"""
    (?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    |(?P<display>{DISPLAY})
    |(?P<inline>{INLINE})
    |(?P<dollar_sign>\\?\$)
    |(?P<keep>\\. | <(?:https?://|mailto:)[^\s<>]*>)
    |(?P<tag><(?=[A-Za-z/!?]))
    |(?P<nameless>!\[\]\((?P<address>[^\s()]*))
    |(?P<image>!(?=\[))
    """,
    re.DOTALL | re.VERBOSE,
)


MONEY = "<span>&#36;</span>"
r"""A dollar sign that MathJax pairs with no other.

MathJax reads the page, where ``\$`` is ``$`` again, but it never reads a formula across a tag.
"""


def harmless(text: str) -> str:
    r"""The answer as Markdown in which nothing runs, loads or swallows what comes after it.

    Outside code, raw HTML is escaped, images become links, ``$`` that is money stays money and
    ``\(…\)`` becomes the ``$…$`` that JupyterLab and GitHub read. A fence left open is closed.

    Args:
        text: Markdown, untrusted.

    Returns:
        Markdown, which shows the same.
    """
    tokens = parser().parse(text)
    lines = re.findall(
        r"[^\n]*\n|[^\n]+", text
    )  # splitlines() knows line ends that the parser does not
    parts, line = [], 0
    for start, end in _code_lines(tokens):
        parts += [_SEGMENT.sub(_safe, "".join(lines[line:start])), *lines[start:end]]
        line = end
    parts.append(_SEGMENT.sub(_safe, "".join(lines[line:])))
    return "".join(parts) + _missing_fence(tokens, lines)


def _code_lines(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    for token in tokens:
        if token.type in {"fence", "code_block"} and token.map:
            yield token.map[0], token.map[1]


def _missing_fence(tokens: Sequence[Token], lines: Sequence[str]) -> str:
    fences = [token for token in tokens if token.type == "fence" and token.map]
    if not fences or not fences[-1].map or fences[-1].map[1] < len(lines):
        return ""
    start, end = fences[-1].map
    closing = rf"[ \t>]*{re.escape(fences[-1].markup)}[`~]*[ \t]*\n?"
    closed = end - start > 1 and re.fullmatch(closing, lines[end - 1])
    indent = re.sub(r"[^>\s]", " ", lines[start].split(fences[-1].markup)[0])
    return "" if closed else f"\n{indent}{fences[-1].markup}\n"


def _safe(match: re.Match[str]) -> str:
    if match["display"] or match["inline"]:
        latex, display = formula(match)
        # `a<b` would open a tag; in a formula the space shows nothing.
        latex = re.sub(r"<(?=[A-Za-z/!?])", "< ", latex)
        return f"$${latex}$$" if display else f"${latex.strip()}$"
    if match["dollar_sign"]:
        return MONEY if match.string.count("$") > 1 else "$"
    if match["tag"]:
        return "&lt;"
    if match["nameless"]:
        return f"[{match['address']}]({match['address']}"
    return "" if match["image"] else match[0]


def plain(text: str) -> str:
    """The answer without markup.

    Args:
        text: Markdown.

    Returns:
        Text: a blank line between blocks, list items and table rows on lines of their own, code
        and formulas as they are.
    """
    return re.sub(r"\n{3,}", "\n\n", "".join(_Plain().blocks(parser().parse(text)))).strip("\n")


_AFTER = {
    "th_close": "  ",
    "td_close": "  ",
    "tr_close": "\n",
    "hr": "———\n\n",
    "paragraph_close": "\n\n",
    "heading_close": "\n\n",
    "table_close": "\n\n",
}


class _Plain:
    """Walks block tokens and says them in plain text."""

    def __init__(self) -> None:
        self._numbers: list[int | None] = []

    def blocks(self, tokens: Sequence[Token]) -> Iterator[str]:
        for token in tokens:
            if token.type == "inline":
                yield "".join(_inline(token.children or []))
            elif token.content:
                yield token.content.strip("\n") + "\n\n"
            else:
                yield self._mark(token)

    def _mark(self, token: Token) -> str:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            start = int(token.attrGet("start") or 1)
            self._numbers.append(start if token.type.startswith("ordered") else None)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._numbers.pop()
            return "" if self._numbers else "\n"
        elif token.type == "list_item_open":
            return self._item()
        elif token.type == "paragraph_close" and (token.hidden or self._numbers):
            return "\n"
        return _AFTER.get(token.type, "")

    def _item(self) -> str:
        number = self._numbers[-1]
        indent = "  " * (len(self._numbers) - 1)
        if number is None:
            return f"{indent}• "
        self._numbers[-1] = number + 1
        return f"{indent}{number}. "


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
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
