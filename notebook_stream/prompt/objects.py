"""Render objects of a notebook as text for a prompt: whole up to a bound, else its two ends.

``str()`` of a table or of an array is made for a screen and leaves most of it out. Here a table
becomes CSV and an array nested lists (`pieces`); everything else becomes its ``str()``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .pieces import Fragments, Listing, find_listing, make_fragments

BOUND = 100_000
"""The most characters of one value; of a longer one its head and its tail are sent."""


@dataclass(frozen=True)
class Rendered:
    """A value as text.

    Attributes:
        text: The text to send.
        sent: How much of the value it is, such as "1,200 of 100,000 rows were sent"; "" for all.
    """

    text: str
    sent: str


def render(value: Any) -> Rendered:
    """Return the text of a value: all of it up to `BOUND` characters, else its head and tail.

    Head and tail consist of whole pieces (rows, items) where these fit, with a sentence between
    them that counts what was left out. No more of the value is read than is sent. A string is sent
    whole, however long it is.

    Raises:
        NoTextError: The value is, or holds, an object whose only text is its address.
    """
    if isinstance(value, str):
        return Rendered(str(value), "")
    whole = _take_beginning(make_fragments(value, 1, str), BOUND + 1)
    if len(whole) <= BOUND:
        return Rendered(whole, "")
    head, tail, sent = _take_pieces(value) or _take_ends(value)
    return Rendered(f"{head}[… left out here: {sent} …]{tail}", sent)


def _take_beginning(fragments: Fragments, room: int) -> str:
    """Return the first ``room`` characters; no fragment after these is made."""
    return "".join(_take_until(fragments, room))[:room]


def _take_end(fragments: Fragments, room: int) -> str:
    """Return the last ``room`` characters of a text whose fragments come from the last on."""
    return "".join(reversed(_take_until(fragments, room)))[-room:]


def _take_until(fragments: Fragments, room: int) -> list[str]:
    """Return the first fragments, up to the one with which they have ``room`` characters."""
    taken: list[str] = []
    for fragment in fragments:
        taken.append(fragment)
        room -= len(fragment)
        if room <= 0:
            break
    return taken


def _take_pieces(value: Any) -> tuple[str, str, str] | None:
    """Return head and tail in whole pieces, and a sentence that counts these; None if none fits."""
    listing = find_listing(value)
    if listing is None:
        return None
    before, after = listing.brackets
    half = (BOUND - len(before) - len(after)) // 2
    first = _take_fitting(listing, 1, half)
    last = _take_fitting(listing, -1, half)[::-1]
    if not first and not last:
        return None
    separator = listing.separator
    sent = f"{len(first) + len(last):,} of {listing.count:,} {listing.unit} were sent"
    head = before + "".join(piece + separator for piece in first)
    return head, "".join(separator + piece for piece in last) + after, sent


def _take_fitting(listing: Listing, step: int, room: int) -> list[str]:
    """Return the pieces at one end that fit whole into ``room`` characters, outermost first."""
    pieces: list[str] = []
    for fragments in listing.pieces(step):
        parts = _take_until(fragments, room + 1)
        piece = "".join(parts[::step])
        room -= len(piece) + len(listing.separator)
        if room < 0:
            break
        pieces.append(piece)
    return pieces


def _take_ends(value: Any) -> tuple[str, str, str]:
    """Return the first and the last characters, and a sentence that counts them."""
    half = BOUND // 2
    head = _take_beginning(make_fragments(value, 1, str), half)
    tail = _take_end(make_fragments(value, -1, str), half)
    return head, tail, f"the first {half:,} and the last {half:,} characters were sent"
