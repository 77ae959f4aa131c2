"""Work on a long text slice by slice, so that no other thread has to wait for the whole of it.

A regular expression or an encoder holds Python's global interpreter lock until it returns: 5 to 50
ns for each character, which for texts of megabytes is longer than an event loop on another thread
may stand still. Between two slices the lock is handed over to a thread that waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

LONGEST_SLICE = 50_000
"""The characters of a slice; the slowest pattern of this package takes 2 ms for them."""


def split_slices(text: str) -> Iterator[str]:
    """Yield the parts of ``text``, in order, each of `LONGEST_SLICE` characters at the most."""
    for start in range(0, len(text), LONGEST_SLICE):
        yield text[start : start + LONGEST_SLICE]


def map_slices(function: Callable[[str], str], text: str) -> str:
    """Return the results of ``function`` for the slices of ``text`` as one text.

    Where none of them is changed this is ``text`` itself, which then is in memory once.

    Args:
        function: Handles each character independently of those beside it.
        text: Of any length.
    """
    parts: list[str] = []
    start = unchanged = 0
    for part in split_slices(text):
        end = start + len(part)
        if (made := function(part)) != part:
            parts += [text[unchanged:start], made]
            unchanged = end
        start = end
    return "".join([*parts, text[unchanged:]]) if parts else text
