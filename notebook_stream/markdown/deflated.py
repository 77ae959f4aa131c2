"""Text that only grows, compressed in memory until it is read."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Iterator

LEAST_DEFLATED = 20_000
"""The characters that are deflated at once; fewer of them would take more memory."""


class DeflatedText:
    """Text that is appended to, all but its end deflated: about a fifth of its size.

    A `str` takes four bytes for each of its characters as soon as one of them is an emoji.

    Attributes:
        end: The last two characters that were appended.
    """

    def __init__(self) -> None:
        self.end = ""
        self._parts: list[bytes] = []
        self._rest = ""

    def append(self, text: str) -> None:
        """Append ``text``."""
        self.end = text[-2:]
        self._rest += text
        if len(self._rest) >= LEAST_DEFLATED:
            self._parts.append(zlib.compress(self._rest.encode(errors="surrogatepass"), 1))
            self._rest = ""

    def copy(self) -> DeflatedText:
        """Return a copy, to which text is appended independently."""
        made = copy.copy(self)
        made._parts = [*self._parts]
        return made

    def __str__(self) -> str:
        """Return the whole text."""
        return "".join(self.read())

    def read(self) -> Iterator[str]:
        """Yield the text in parts, none of which is much longer than what was appended at once."""
        for part in self._parts:
            yield zlib.decompress(part).decode(errors="surrogatepass")
        yield self._rest


class FinishedText:
    """The finished blocks of an answer in two forms: sanitized Markdown and plain text.

    Attributes:
        markdown: The Markdown, with placeholders for dollar signs (`sanitizing.resolve_dollars`).
        plain: The plain text, with any number of blank lines (`plain.collapse_blank_lines`).
    """

    def __init__(self) -> None:
        self.markdown = DeflatedText()
        self.plain = DeflatedText()

    def copy(self) -> FinishedText:
        """Return a copy, to which blocks are appended independently."""
        made = FinishedText()
        made.markdown, made.plain = self.markdown.copy(), self.plain.copy()
        return made

    def append(self, markdown: str, plain: str) -> None:
        """Append text that already ends as its blocks need it."""
        self.markdown.append(markdown)
        self.plain.append(plain)

    def append_block(self, markdown: str, plain: str, *, continued: bool = False) -> None:
        """Append a block with a blank line after it.

        Args:
            markdown: The block as Markdown; "" appends none.
            plain: The block as plain text.
            continued: Whether it is the rest of the block that was appended last, so that no blank
                line may come between the two.
        """
        if markdown:
            gap = "" if continued or self.markdown.end in {"", "\n\n"} else "\n\n"
            self.markdown.append(f"{gap}{markdown}\n\n")
        self.plain.append(f"{plain}\n\n")
