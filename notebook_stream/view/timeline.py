"""An answer as it is told: its text, and between it thinking, tools and their results, in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..markdown import GrowingMarkdown
from ..values.reply import Block
from .segments import aside, is_web, marked_link, open_aside

MOST_AT_ONCE = 50_000
"""Characters of a burst that are read at a time: a tenth of a second, and 20 MB."""


class Story:
    """Takes an answer's blocks while they grow.

    Attributes:
        waits: Whether some of what has come is left for the next `take`.
    """

    def __init__(self) -> None:
        self._html: list[str] = []
        self._growing = GrowingMarkdown()
        self.waits = False
        self._block = 0
        self._taken = 0
        self._sources: dict[str, tuple[int, str]] = {}
        self._open = ""

    def take(self, blocks: Sequence[Block], *, whole: bool = False) -> bool:
        """Take what the blocks have gained.

        Args:
            blocks: All of the answer's.
            whole: Whether nothing follows.

        Returns:
            Whether there was anything new.
        """
        before = (self._block, self._taken)
        self.waits = False
        while self._block < len(blocks):
            block = blocks[self._block]
            done = whole or self._block + 1 < len(blocks)
            if block.type == "text":
                self._text(block, whole=whole)
            else:
                self._aside(block, done=done)
            if self.waits or not done:
                break
            self._cite(block)
            self._block, self._taken = self._block + 1, 0
        return before != (self._block, self._taken)

    def finished(self) -> list[str]:
        """The HTML of each block that was finished since the last call."""
        html, self._html = self._html, []
        return html

    def open_block(self) -> tuple[str, str]:
        """The HTML of what is not finished yet: more of the last block, and what follows it."""
        inside, after = self._growing.render_open_block()
        return inside, after + self._open

    def end(self) -> None:
        """Read what is left of the text, as nothing follows: `still` is quick then."""
        self._growing.finish()

    def still(self) -> tuple[str, str]:
        """All of it as harmless Markdown and as plain text, with the sources it cites."""
        markdown, plain = self._growing.render_static()
        if not self._sources:
            return markdown, plain
        listed = [(number, url, title) for url, (number, title) in self._sources.items()]
        marked = [f"{number}. {marked_link(url, title)}" for number, url, title in listed]
        told = [f"{number}. {title} ({url})" for number, url, title in listed]
        return (
            "\n".join([f"{markdown.rstrip()}\n\n**Sources**\n", *marked]),
            "\n".join([f"{plain}\n\nSources", *told]),
        )

    def _text(self, block: Block, *, whole: bool) -> None:
        pieces = block.pieces.get("text", [])
        while self._taken < len(pieces):
            self._html += self._growing.grow(self._next(pieces))
            if not whole:
                break
        self.waits = self._taken < len(pieces)

    def _next(self, pieces: Sequence[Any]) -> str:
        """As much of the text that has come as is read at a time."""
        # Where nothing is finished ever more is taken, as each time all of it is read again.
        start, left = self._taken, max(MOST_AT_ONCE, self._growing.unfinished)
        while self._taken < len(pieces) and left > 0:
            left -= len(str(pieces[self._taken]))
            self._taken += 1
        return "".join(map(str, pieces[start : self._taken]))

    def _aside(self, block: Block, *, done: bool) -> None:
        if self._taken == 0:
            self._html += self._growing.close_block()
        self._taken = 1 + sum(map(len, block.pieces.values()))
        name = "thinking" if block.type == "thinking" else "partial_json"
        self._open = open_aside(block.type, str(block.start.get("name")), block.joined(name))
        if not done:
            return
        self._open = ""
        if made := aside(block.finish()):
            self._growing.append_finished(made.markdown, made.plain)
            self._html.append(made.html)

    def _cite(self, block: Block) -> None:
        """Number what the text cites, once each, as links behind it."""
        cites = block.finish(but="text").get("citations") or ()
        cited = [one for one in cites if isinstance(one, dict)]
        urls = dict.fromkeys(self._source(one) for one in cited)
        self._html += self._growing.grow("".join(map(self._mark, urls)))

    def _source(self, citation: dict[str, Any]) -> str:
        """What a source is known by: its address, else its title."""
        title = str(citation.get("title") or citation.get("document_title") or "a document")
        url = str(citation.get("url") or title)
        self._sources.setdefault(url, (len(self._sources) + 1, title))
        return url

    def _mark(self, url: str) -> str:
        number, _ = self._sources[url]
        label = f"&#91;{number}&#93;"  # brackets with a backslash would be a formula
        return f"[{label}](<{url}>)" if is_web(url) else label
