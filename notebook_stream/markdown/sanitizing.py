"""Sanitize Markdown: write it so that no reader of it runs or loads anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token

from .escaping import (
    BACKSLASH,
    MONEY,
    as_reference,
    escape_signs,
    render_code_block,
    render_code_span,
)
from .grammar import (
    DISPLAY,
    INLINE,
    LONGEST_PARAGRAPH,
    is_allowed_address,
    is_safe_latex,
    language_of,
    parser,
    read_formula,
    split_lines,
    strip_invisible,
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
    |(?P<unchanged>\\. | <(?:https?://|mailto:)[^\s<>$\\]*>)
    |(?P<tag><(?=[A-Za-z/!?]))
    |(?P<link>\](?=(?P<sign>[(:])\s*(?:<(?P<pointed>[^<>\n]*)>|(?P<target>\S*))))(?P=sign)
    |(?P<exclamations>!+)(?=\[)(?P<nameless>\[(?=\]\((?P<address>[^\s()]*)))?
    """,
    re.DOTALL | re.VERBOSE,
)
"""The constructs of inline Markdown that are rewritten, or that hide signs which would be."""

_CELLS = re.compile(r"(?<!\\)(\|)")

_DOLLAR = "\ufdd0"
"""The placeholder of a dollar sign that is none of a formula's, until the whole text is known."""


def sanitize(text: str) -> str:
    r"""Return Markdown of any origin as Markdown that is safe to save and looks the same.

    Nothing in the result runs, loads or swallows what follows it. Outside of code, raw HTML is
    escaped, images become links, and a ``$`` that delimits no formula is one in no reader;
    ``\(…\)`` becomes the ``$…$`` that JupyterLab and GitHub read. An open fence is closed.

    Args:
        text: Markdown, untrusted.
    """
    text, env = strip_invisible(text), dict[str, Any]()
    tokens, lines = parser().parse(text, env), split_lines(text)
    blocks = sanitize_blocks(tokens, lines, env)
    return "".join(resolve_dollars(lambda: [blocks, find_missing_fence(tokens, lines)]))


def sanitize_blocks(tokens: Sequence[Token], lines: Sequence[str], env: Mapping[str, Any]) -> str:
    """Return blocks as sanitized Markdown with placeholders for dollar signs (`resolve_dollars`).

    Args:
        tokens: The tokens of the blocks.
        lines: The source of the blocks.
        env: What the parser stored of the text up to here: its link definitions.
    """
    rewrite = _SegmentRewriter(env.get("references", {}))
    return "".join(_sanitize_part(rewrite, *part) for part in _parts(tokens, lines))


def resolve_dollars(read: Callable[[], Iterable[str]]) -> Iterator[str]:
    """Replace the placeholders for dollar signs in the sanitized Markdown of a whole text.

    The only dollar sign of a text stays as it is; where there are others it becomes `MONEY`.

    Args:
        read: Returns the text in parts, each time anew.

    Returns:
        The text in parts.
    """
    alone = sum(part.count("$") + part.count(_DOLLAR) for part in read()) == 1
    return (part.replace(_DOLLAR, "$" if alone else MONEY) for part in read())


_Kind = Literal["code", "indented", "row", "text"]


def _parts(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[tuple[_Kind, str]]:
    """Yield the lines in parts, with the kind of each: no inline construct extends over two."""
    line = 0
    for kind, start, end, token in _leaves(tokens):
        if start < line:
            continue  # It is another cell of the same row.
        yield from (("text", blank) for blank in lines[line:start])
        text = "".join(lines[start:end])
        if token.type == "fence" and len(token.markup) > LONGEST_FENCE:
            kind, text = "code", _escape_all(text)
        elif token.type == "fence":
            text = _shorten_info(lines[start], token) + "".join(lines[start + 1 : end])
        yield kind, text
        line = end
    yield from (("text", blank) for blank in lines[line:])


LONGEST_FENCE = 50
"""The most backticks or tildes of a fence; JupyterLab's parser hangs at a million."""


def _shorten_info(line: str, fence: Token) -> str:
    """Return a fence's first line with no more than the language after it.

    JupyterLab writes all that follows the fence into its HTML, unescaped.
    """
    before, markup, rest = line.partition(fence.markup)
    end = "\n" if rest.endswith("\n") else ""
    return f"{before}{markup}{language_of(fence.info)}{end}"


def _leaves(tokens: Sequence[Token]) -> Iterator[tuple[_Kind, int, int, Token]]:
    """Yield kind, first line, end line and token of each block that has text of its own."""
    for before, token in zip([None, *tokens], tokens, strict=False):
        if not token.map or token.meta.get("open"):
            continue  # Other readers know no open formula: each line is a part of its own.
        start, end = token.map
        if token.type in {"fence", "code_block"}:
            indented = token.type == "code_block" and not token.level
            yield "indented" if indented else "code", start, end, token
        elif token.type in {"inline", "math_block"}:
            in_row = before is not None and before.type in {"th_open", "td_open"}
            yield "row" if in_row else "text", start, end, token


def _sanitize_part(rewrite: _SegmentRewriter, kind: _Kind, text: str) -> str:
    """Return the sanitized text of one part."""
    if kind == "code":
        return text
    if kind == "indented":
        # Some readers take indented lines for more of the table above.
        return render_code_block(text) if _ACTIVE.search(text) else text
    if len(text) > LONGEST_PARAGRAPH:
        return _escape_paragraph(text)
    text = _DEEP.sub(lambda deep: deep[1] + re.sub(r"[^\w\s]", as_reference, deep[2]), text)
    pieces = _CELLS.split(text) if kind == "row" else [text]
    return "".join(_SEGMENT.sub(rewrite, piece) for piece in pieces)


_DEEP = re.compile(
    r"^([ \t]*(?:(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))[ \t]*){30})(.*)$", re.MULTILINE
)
"""A line inside of 30 quotes and lists; JupyterLab's parser fails at more."""


def _escape_paragraph(text: str) -> str:
    if text.count("$") + text.count("\\") > 100:
        return render_code_block(text)  # A page would take minutes over so many tags.
    return _escape_all(text)


def _escape_all(text: str) -> str:
    """Return lines of text in which no sign is markup, and no address becomes a link."""
    return escape_signs(r"[`*_\[\]~|<>&#:@]", text).replace("www.", "w&#119;w.")


@dataclass
class _SegmentRewriter:
    """Rewrites a match of `_SEGMENT` so that it is safe.

    Attributes:
        references: The link definitions of the text.
    """

    references: Mapping[str, Any]

    def __call__(self, match: re.Match[str]) -> str:
        if match["display"] or match["inline"]:
            return _rewrite_formula(match)
        if match["dollar_sign"] or match["dollar_entity"]:
            return _DOLLAR
        if match["backslash"]:
            return BACKSLASH
        if match["tag"]:
            return "&lt;"
        if match["link"]:
            return _rewrite_address(match)
        if match["code"]:
            return _rewrite_code(match)
        if match["stray"]:
            return "&#96;" * len(match[0])  # Another reader finds no second one to pair it with.
        return self._rewrite_image(match) if match["exclamations"] else match[0]

    def _rewrite_image(self, match: re.Match[str]) -> str:
        """Remove the exclamation mark that makes an image of what follows; escape all others."""
        literal = "&#33;" * (len(match["exclamations"]) - 1)
        if match["nameless"]:
            return f"{literal}[{re.sub(r'[<`$*_]', as_reference, match['address'])}"
        return literal if self._is_image(match.string[match.end() :]) else f"{literal}&#33;"

    def _is_image(self, rest: str) -> bool:
        label = re.match(r"\[((?:\\.|[^\[\]\\])*)\]([(\[])?", rest)
        return not label or bool(label[2]) or normalizeReference(label[1]) in self.references


def _rewrite_address(match: re.Match[str]) -> str:
    """Return the start of a link's address, escaped where the address is not allowed."""
    allowed = is_allowed_address(match["pointed"] or match["target"] or "")
    return match[0] if allowed else f"]&#{ord(match['sign'])};"


_ACTIVE = re.compile(r"<[A-Za-z/!?]|!\[|\][(:]")
"""What would be a tag, an image or a link if it were not code."""


def _rewrite_code(match: re.Match[str]) -> str:
    """Return a code span on one line, where no reader finds a block that ends it.

    A line end in a code span is shown as a space.
    """
    code = re.sub(r"\n[ \t>]*", " ", match[0])
    ambiguous = _ACTIVE.search(code) and re.search("`|~~", code.strip("`"))
    return render_code_span(code.strip("`").strip()) if ambiguous else code


def _rewrite_formula(match: re.Match[str]) -> str:
    latex, display = read_formula(match)
    if not is_safe_latex(latex):
        return render_code_span(" ".join(latex.split()))
    # To a reader without math these are tags, images, links; a formula does not show the space.
    latex = re.sub(r"(?:<(?=[A-Za-z/!?])|!(?=\[)|\](?=[(\[:]))", r"\g<0> ", latex)
    return f"$${latex}$$" if display else f"${latex.strip()}$"


def find_missing_fence(tokens: Sequence[Token], lines: Sequence[str]) -> str:
    """Return the line that closes a fence which is open at the end; "" where none is open."""
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
