"""Text that grows and is read when it is done."""

from __future__ import annotations

import zlib


class Kept:
    """Finished text, deflated: as a `str` it takes four bytes a character wherever an emoji is.

    Attributes:
        end: The last two characters.
    """

    def __init__(self) -> None:
        self.end = ""
        self._pieces: list[bytes] = []

    def add(self, text: str) -> None:
        """Add ``text``."""
        self.end = text[-2:]
        self._pieces.append(zlib.compress(text.encode(errors="surrogatepass"), 1))

    def __str__(self) -> str:
        """All of it."""
        return b"".join(map(zlib.decompress, self._pieces)).decode(errors="surrogatepass")
