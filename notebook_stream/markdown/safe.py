"""An answer that is done: Markdown that is safe to save, and the same as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Literal

from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from .grammar import (
    DISPLAY,
    INLINE,
    LISTS,
    LONGEST_PARAGRAPH,
    formula,
    is_tame,
    language_of,
    lines_of,
    links_to,
    parser,
    seen,
)

# Tried and not used: mdformat 1.0.0, which renders Markdown from tokens. It is made for text that
# is trusted: images stay images, ``<b>`` becomes ``\<b>``, and a bracket becomes ``\[``, which
# begins a formula here and in JupyterLab. It lays lists out anew, raises KeyError for tables,
# strikethrough and formulas without plugins, and needs the whole text, not one block at a time.
_SEGMENT = re.compile(
    rf"""
    (?P<code>(?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))
    |(?P<stray>`+)
    |(?P<display>{DISPLAY})
    |(?P<inline>{INLINE})
    |(?P<dollar_sign>\\?\$)
    |(?P<backslash>\\\\ | \\(?=(?:begin|end|(?:eq)?ref)(?![a-z])) | &(?:\#0*92|\#[xX]0*5[cC]|bsol);)
    |(?P<dollar_entity>&(?:\#0*36|\#[xX]0*24|dollar);)
    |(?P<keep>\\. | <(?:https?://|mailto:)[^\s<>$\\]*>)
    |(?P<tag><(?=[A-Za-z/!?]))
    |(?P<link>\](?=(?P<sign>[(:])\s*(?:<(?P<pointed>[^<>\n]*)>|(?P<target>\S*))))(?P=sign)
    |(?P<marks>!+)(?=\[)(?P<nameless>\[(?=\]\((?P<address>[^\s()]*)))?
    """,
    re.DOTALL | re.VERBOSE,
)
_CELLS = re.compile(r"(?<!\\)(\|)")

_MONEY = "\ufdd0"
"""Stands for a dollar sign that is none of a formula's, until the whole text is known."""

MONEY = "<span>&#36;</span>"
r"""A dollar sign that MathJax pairs with no other.

MathJax reads the page, where ``\$`` is ``$`` again, but it never reads a formula across a tag.
"""


BACKSLASH = "<span>&#92;</span>"
r"""A backslash that is none of ``\(``'s to MathJax."""


def harmless(text: str) -> str:
    r"""The answer as Markdown in which nothing runs, loads or swallows what comes after it.

    Outside code, raw HTML is escaped, images become links, ``$`` that is money stays money and
    ``\(…\)`` becomes the ``$…$`` that JupyterLab and GitHub read. A fence left open is closed.

    Args:
        text: Markdown, untrusted.

    Returns:
        Markdown, which shows the same.
    """
    text, env = seen(text), dict[str, Any]()
    tokens, lines = parser().parse(text, env), lines_of(text)
    return settled(safe(tokens, lines, env) + missing_fence(tokens, lines))


def safe(tokens: Sequence[Token], lines: Sequence[str], env: Mapping[str, Any]) -> str:
    """Some blocks as harmless Markdown, all but `settled`.

    Args:
        tokens: The blocks'.
        lines: The blocks' source.
        env: What the parser knows of the text up to here: its link definitions.
    """
    write = _Safe(env.get("references", {}))
    return "".join(_safe_part(write, *part) for part in _parts(tokens, lines))


def settled(text: str) -> str:
    """Harmless Markdown of a whole text: a dollar sign that is alone needs no disguise."""
    alone = text.count("$") + text.count(_MONEY) == 1
    return text.replace(_MONEY, "$" if alone else MONEY)


_Kind = Literal["code", "indented", "row", "text"]


def _parts(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[tuple[_Kind, str]]:
    """The text, part by part: an inline construct never reaches out of its part."""
    line = 0
    for kind, start, end, token in _leaves(tokens):
        if start < line:
            continue  # the next cell of a row
        yield from (("text", blank) for blank in lines[line:start])
        text = "".join(lines[start:end])
        if token.type == "fence" and len(token.markup) > LONGEST_FENCE:
            kind, text = "code", _inert(text)
        elif token.type == "fence":
            text = _opening(lines[start], token) + "".join(lines[start + 1 : end])
        yield kind, text
        line = end
    yield from (("text", blank) for blank in lines[line:])


LONGEST_FENCE = 50
"""Backticks or tildes of a fence; JupyterLab's reader hangs at a million."""


def _opening(line: str, fence: Token) -> str:
    """A fence's first line with its language alone: JupyterLab writes all of it into its HTML."""
    before, markup, rest = line.partition(fence.markup)
    end = "\n" if rest.endswith("\n") else ""
    return f"{before}{markup}{language_of(fence.info)}{end}"


def _leaves(tokens: Sequence[Token]) -> Iterator[tuple[_Kind, int, int, Token]]:
    """The kind, first line and end of each block that holds text itself."""
    for before, token in zip([None, *tokens], tokens, strict=False):
        if not token.map or token.meta.get("open"):
            continue  # an open formula is one to us alone: each line for itself
        start, end = token.map
        if token.type in {"fence", "code_block"}:
            indented = token.type == "code_block" and not token.level
            yield "indented" if indented else "code", start, end, token
        elif token.type in {"inline", "math_block"}:
            in_row = before is not None and before.type in {"th_open", "td_open"}
            yield "row" if in_row else "text", start, end, token


def _safe_part(write: _Safe, kind: _Kind, text: str) -> str:
    if kind == "code":
        return text
    if kind == "indented":
        # Some readers take indented lines for more of the table above.
        return fenced(text) if _ACTIVE.search(text) else text
    if len(text) > LONGEST_PARAGRAPH:
        return _literal_paragraph(text)
    text = _DEEP.sub(lambda deep: deep[1] + re.sub(r"[^\w\s]", _entity, deep[2]), text)
    pieces = _CELLS.split(text) if kind == "row" else [text]
    return "".join(_SEGMENT.sub(write, piece) for piece in pieces)


_DEEP = re.compile(
    r"^([ \t]*(?:(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]*){30})(.*)$", re.MULTILINE
)
"""A line in so many quotes and lists that JupyterLab's reader fails at it."""


def _literal_paragraph(text: str) -> str:
    if len(re.findall(r"[$\\]", text)) > 100:
        return fenced(text)  # a page would take minutes over so many tags
    return _inert(text)


def _inert(text: str) -> str:
    """Text on its lines, none of its signs markup."""
    return _escaped(r"[`*_\[\]~|<>&#:@]|(?<=w)w(?=w\.)", text)


def fenced(text: str) -> str:
    """Lines as a fenced block that nothing in them closes."""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return f"{fence}\n{dedent(text).rstrip()}\n{fence}\n"


@dataclass
class _Safe:
    """Writes a segment of Markdown so that it is harmless.

    Attributes:
        references: The link definitions of the text.
    """

    references: Mapping[str, Any]

    def __call__(self, match: re.Match[str]) -> str:
        if match["display"] or match["inline"]:
            return _formula(match)
        if match["dollar_sign"] or match["dollar_entity"]:
            return _MONEY
        if match["backslash"]:
            return BACKSLASH
        if match["tag"]:
            return "&lt;"
        if match["link"]:
            return _link(match)
        if match["code"]:
            return _code(match)
        if match["stray"]:
            return "&#96;" * len(match[0])  # with no other one to pair with in another reader
        return self._marks(match) if match["marks"] else match[0]

    def _marks(self, match: re.Match[str]) -> str:
        """Exclamation marks before a bracket: the last one may make it an image."""
        literal = "&#33;" * (len(match["marks"]) - 1)
        if match["nameless"]:
            return f"{literal}[{re.sub(r'[<`$*_]', _entity, match['address'])}"
        return literal if self._is_image(match.string[match.end() :]) else f"{literal}&#33;"

    def _is_image(self, rest: str) -> bool:
        label = re.match(r"\[((?:\\.|[^\[\]\\])*)\]([(\[])?", rest)
        return not label or bool(label[2]) or normalizeReference(label[1]) in self.references


def _link(match: re.Match[str]) -> str:
    """The start of a link's address; no link where the address runs something or holds data."""
    good = links_to(match["pointed"] or match["target"] or "")
    return match[0] if good else f"]&#{ord(match['sign'])};"


def _entity(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


_ACTIVE = re.compile(r"<[A-Za-z/!?]|!\[|\][(:]")
"""What would be a tag, an image or a link if it were not code."""


def _code(match: re.Match[str]) -> str:
    """Code on one line, where no reader finds a block that ends it; a line end is a space here."""
    code = re.sub(r"\n[ \t>]*", " ", match[0])
    ambiguous = _ACTIVE.search(code) and re.search("`|~~", code.strip("`"))
    return code_span(code.strip("`").strip()) if ambiguous else code


def code_span(code: str) -> str:
    """One line of code that every reader takes for code.

    Where another construct might begin inside of it, its signs are written as entities.
    """
    if not re.search("`|~~", code):
        return f"`{code}`"
    return f"<code>{re.sub(r'[!-/:-@[-`{-~]', _entity, code)}</code>"


def _formula(match: re.Match[str]) -> str:
    latex, display = formula(match)
    if not is_tame(latex):
        return code_span(" ".join(latex.split()))
    # To a reader without math these are tags, images, links; a formula does not show the space.
    latex = re.sub(r"(?:<(?=[A-Za-z/!?])|!(?=\[)|\](?=[(\[:]))", r"\g<0> ", latex)
    return f"$${latex}$$" if display else f"${latex.strip()}$"


def missing_fence(tokens: Sequence[Token], lines: Sequence[str]) -> str:
    """What closes a fence that is open at the end."""
    fences = [token for token in tokens if token.type == "fence" and token.map]
    if not fences or not fences[-1].map or fences[-1].map[1] < len(lines):
        return ""
    if len(fences[-1].markup) > LONGEST_FENCE:
        return ""
    start, end = fences[-1].map
    closing = rf"[ \t>]*{re.escape(fences[-1].markup)}[`~]*[ \t]*\n?"
    closed = end - start > 1 and re.fullmatch(closing, lines[end - 1])
    indent = re.sub(r"[^>\s]", " ", lines[start].split(fences[-1].markup)[0])
    gap = "" if lines[-1].endswith("\n") else "\n"
    return "" if closed else f"{gap}{indent}{fences[-1].markup}\n"


def literal(text: str) -> str:
    """Text that no reader of Markdown takes for markup: models and errors are not ours to trust."""
    return _escaped(r"[`*\[\]~|<>&]", " ".join(seen(text).split()))


def _escaped(signs: str, text: str) -> str:
    escaped = re.sub(signs, _entity, text)
    return escaped.replace("$", MONEY).replace("\\", BACKSLASH)


def plain(text: str) -> str:
    """The answer without markup.

    Args:
        text: Markdown.

    Returns:
        Text: a blank line between blocks, list items and table rows on lines of their own, code
        and formulas as they are.
    """
    return plain_settled(plain_blocks(parser().parse(seen(text))))


def plain_blocks(tokens: Sequence[Token]) -> str:
    """Some blocks as plain text, all but `plain_settled`."""
    return "".join(_Plain().blocks(tokens))


def plain_settled(text: str) -> str:
    """Plain text of a whole answer: one blank line at most between blocks."""
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


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
        if token.type in LISTS:
            start = int(token.attrs.get("start", 1))
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
