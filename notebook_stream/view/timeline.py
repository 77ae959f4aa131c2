"""The segments of an answer in order: its text, its thinking, its tools and their results."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from ..markdown import GrowingMarkdown
from ..values.block import Block
from .segments import (
    fold_markdown,
    is_web_address,
    render_link,
    render_open_segment,
    render_segment,
)

MOST_AT_ONCE = 50_000
"""The characters of a burst that one `take` renders; they need 0.1 s and 20 MB of memory."""

MOST_UNFOLDED = 5
"""The cited sources that are listed below the text; more are folded behind their number."""


def strip_end(parts: Iterable[str]) -> Iterator[str]:
    """Yield the parts of a text without the white space at its end."""
    gap = ""
    for part in parts:
        text = gap + part
        body = text.rstrip()
        gap = text[len(body) :]
        if body:
            yield body


def _list_sources(links: Sequence[str]) -> str:
    """Return the list of the cited sources as Markdown, folded where it is long."""
    listed = "\n".join(links)
    if len(links) > MOST_UNFOLDED:
        return fold_markdown(f"{len(links)} sources", listed)
    return f"**Sources**\n\n{listed}"


class Timeline:
    """Renders an answer's blocks while they grow, in the order in which they came.

    Attributes:
        has_more: Whether some of what has come is left for the next `take`.
    """

    def __init__(self) -> None:
        self._html: list[str] = []
        self._growing = GrowingMarkdown()
        self.has_more = False
        self._block = 0
        self._taken = 0
        self._sources: dict[str, tuple[int, str]] = {}
        self._open = ""

    def copy(self) -> Timeline:
        """Return a copy, which takes blocks independently."""
        made = copy.copy(self)
        made._html, made._sources = [*self._html], {**self._sources}
        made._growing = self._growing.copy()
        return made

    def take(self, blocks: Sequence[Block], *, whole: bool = False) -> bool:
        """Render what the blocks have gained since the last call, up to `MOST_AT_ONCE` characters.

        Args:
            blocks: All blocks of the answer.
            whole: Whether nothing follows; then all of it is rendered.

        Returns:
            Whether there was anything new.
        """
        before = (self._block, self._taken)
        self.has_more = False
        while self._block < len(blocks):
            block = blocks[self._block]
            done = whole or self._block + 1 < len(blocks)
            if block.type == "text":
                self._take_text(block, whole=whole)
            else:
                self._take_other(block, done=done)
            if self.has_more or not done:
                break
            self._take_citations(block)
            self._block, self._taken = self._block + 1, 0
        return before != (self._block, self._taken)

    def take_finished(self) -> list[str]:
        """Return the HTML of each block or piece that was finished since the last call."""
        html, self._html = self._html, []
        return html

    def render_open_block(self) -> tuple[str, str]:
        """Render what is not finished.

        Returns:
            The HTML that belongs inside of the last finished block, and the HTML after it.
        """
        inside, after = self._growing.render_open_block()
        return inside, after + self._open

    def finish(self) -> None:
        """Finish the text, as nothing follows: `render_static` is quick then."""
        self._growing.finish()

    def render_static(self) -> tuple[str, str]:
        """Return all of it as sanitized Markdown and as plain text, with the sources it cites."""
        markdown, plain = self.read_static()
        return "".join(markdown), "".join(plain)

    def read_static(self) -> tuple[Iterator[str], Iterator[str]]:
        """Return the same in parts, so that a long answer need not be in memory several times."""
        markdown, plain = self._growing.read_static()
        if not self._sources:
            return markdown, plain
        listed = [(number, url, title) for url, (number, title) in self._sources.items()]
        links = [f"{number}. {render_link(url, title)}" for number, url, title in listed]
        lines = [f"{number}. {title} ({url})" for number, url, title in listed]
        return (
            chain(strip_end(markdown), ["\n\n", _list_sources(links)]),
            chain(plain, ["\n".join(["\n\nSources", *lines])]),
        )

    def _take_text(self, block: Block, *, whole: bool) -> None:
        pieces = block.pieces.get("text", [])
        while self._taken < len(pieces):
            self._html += self._growing.grow(self._take_pieces(pieces))
            if not whole:
                break
        self.has_more = self._taken < len(pieces)

    def _take_pieces(self, pieces: Sequence[Any]) -> str:
        """Return the next deltas of a text, about `MOST_AT_ONCE` characters of them."""
        # As much is taken as is unfinished, as all of that is parsed again each time.
        start, left = self._taken, max(MOST_AT_ONCE, self._growing.unfinished)
        while self._taken < len(pieces) and left > 0:
            left -= len(str(pieces[self._taken]))
            self._taken += 1
        return "".join(map(str, pieces[start : self._taken]))

    def _take_other(self, block: Block, *, done: bool) -> None:
        """Render a block that is no text, as a segment of its own after the text before it."""
        if self._taken == 0:
            self._html += self._growing.close_block()
        self._taken = 1 + sum(map(len, block.pieces.values()))
        name = "thinking" if block.type == "thinking" else "partial_json"
        self._open = render_open_segment(
            block.type, str(block.start.get("name")), block.joined(name)
        )
        if not done:
            return
        self._open = ""
        if segment := render_segment(block.finish()):
            self._growing.append_finished(segment.markdown, segment.plain)
            self._html.append(segment.html)

    def _take_citations(self, block: Block) -> None:
        """Append the numbers of the sources that a block cites, once each, as links."""
        cites = block.finish(but="text").get("citations") or ()
        cited = [one for one in cites if isinstance(one, dict)]
        urls = dict.fromkeys(self._number_source(one) for one in cited)
        self._html += self._growing.grow("".join(map(self._render_number, urls)))

    def _number_source(self, citation: dict[str, Any]) -> str:
        """Give a source its number.

        Returns:
            The key by which it is stored: its address, or its title where it has none.
        """
        title = str(citation.get("title") or citation.get("document_title") or "a document")
        url = str(citation.get("url") or title)
        self._sources.setdefault(url, (len(self._sources) + 1, title))
        return url

    def _render_number(self, url: str) -> str:
        """Return a source's number in brackets as Markdown, a link where it has an address."""
        number, _ = self._sources[url]
        label = f"&#91;{number}&#93;"  # Escaped with a backslash they would be a formula.
        return f"[{label}](<{url}>)" if is_web_address(url) else label
