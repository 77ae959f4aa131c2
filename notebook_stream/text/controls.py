"""Strip control characters, which a terminal obeys instead of showing."""

from __future__ import annotations

import re
from functools import partial

from .slices import map_slices

CONTROLS = "\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
"""Ranges for a regular expression's ``[…]``: the control characters of ECMA-48 except tab and line
feed, and the Unicode characters that reorder the text around them.

Sources: https://ecma-international.org/publications-and-standards/standards/ecma-48/ and
https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
"""

_CONTROL = re.compile(f"[{CONTROLS}]")


def strip_controls(text: str) -> str:
    """Return ``text`` without control characters, so that a terminal executes none of it.

    Each character is removed independently of its neighbours: an escape sequence that arrives in
    pieces loses its introducer as a whole one does, and the rest of it is shown as text.
    """
    return map_slices(partial(_CONTROL.sub, ""), text)
