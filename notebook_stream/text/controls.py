"""Control characters: what a terminal obeys instead of showing."""

from __future__ import annotations

import re

CONTROLS = "\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
"""Ranges for a regular expression's ``[…]``: the controls of ECMA-48, but for tab and line feed,
and the characters that reorder the text around them.

Sources: https://ecma-international.org/publications-and-standards/standards/ecma-48/ and
https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
"""

_CONTROL = re.compile(f"[{CONTROLS}]")


def strip_controls(text: str) -> str:
    """Return `text` without control characters, so that a terminal shows all of it and obeys none.

    Each character is judged alone: an escape sequence that comes in pieces loses its introducer
    like a whole one, and what is left of it is shown as text.
    """
    return _CONTROL.sub("", text)
