"""Surrogates: halves of characters, which UTF-16 has and UTF-8 cannot encode."""

from __future__ import annotations


def repair_surrogates(text: str) -> str:
    """Return `text` with each pair of surrogates as its character, and lone ones as U+FFFD.

    Programs that cut JSON by UTF-16 units send an emoji as two surrogates; text that holds one can
    be neither sent, written to a file nor printed.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
