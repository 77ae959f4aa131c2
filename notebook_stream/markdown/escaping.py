"""Write text as Markdown that no reader takes for markup: escaped, or as code."""

from __future__ import annotations

import re
from functools import partial
from textwrap import dedent

from ..text.slices import map_slices
from .grammar import strip_invisible

MONEY = "<span>&#36;</span>"
r"""A dollar sign that MathJax never takes for the delimiter of a formula.

MathJax reads the page after Markdown, where ``\$`` is ``$`` again, but no formula of it extends
over a tag.
"""

BACKSLASH = "<span>&#92;</span>"
r"""A backslash that MathJax never takes for part of the delimiter ``\(``."""


def escape_markup(text: str) -> str:
    """Return text of any origin as one line of Markdown that shows it literally."""
    return escape_signs(r"[`*\[\]~|<>&]", " ".join(strip_invisible(text).split()))


def escape_signs(signs: str, text: str) -> str:
    """Return ``text`` with character references for its signs.

    Dollar signs and backslashes become `MONEY` and `BACKSLASH` in any case.

    Args:
        signs: A pattern that matches single characters, whatever is beside them.
        text: Of any length.
    """
    return map_slices(partial(_escape_slice, signs), text)


def _escape_slice(signs: str, text: str) -> str:
    escaped = re.sub(signs, as_reference, text)
    return escaped.replace("$", MONEY).replace("\\", BACKSLASH)


def as_reference(match: re.Match[str]) -> str:
    """Return the numeric character reference of a matched character."""
    return f"&#{ord(match[0])};"


def render_code_span(code: str) -> str:
    """Return one line of code as a code span.

    Code with a backtick or ``~~`` in it becomes an HTML ``<code>`` element whose punctuation is
    written as character references: readers of Markdown differ in where such a span ends.
    """
    if not re.search("`|~~", code):
        return f"`{code}`"
    return f"<code>{re.sub(r'[!-/:-@[-`{-~]', as_reference, code)}</code>"


def render_code_block(text: str) -> str:
    """Return lines as a fenced code block, its fence longer than any run of backticks in them."""
    fence = "`" * max([3, *(len(ticks) + 1 for ticks in re.findall("`+", text))])
    return f"{fence}\n{dedent(text).rstrip()}\n{fence}\n"
