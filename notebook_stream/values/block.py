"""A content block of the Messages API while its deltas arrive.

Source: https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import json
from typing import Any

from ..text.surrogates import repair_surrogates


class Block:
    """A content block that grows.

    Args:
        start: The block as its ``content_block_start`` holds it; any other shape than an object
            makes an empty block.

    Attributes:
        start: The fields of the start, without the text and thinking in it.
        pieces: For each field, the values that arrived, in order.
    """

    def __init__(self, start: Any) -> None:
        self.start = dict(start) if isinstance(start, dict) else {}
        self.pieces: dict[str, list[Any]] = {}
        self._halves: dict[str, str] = {}
        for name in ("text", "thinking"):
            if isinstance(begun := self.start.get(name), str):
                del self.start[name]
                self.add({name: begun})

    @property
    def type(self) -> str:
        """The block's type, by the API's name."""
        return str(self.start.get("type"))

    def add(self, delta: dict[str, Any]) -> None:
        """Take one delta, of whatever type."""
        for name, piece in delta.items():
            if name != "type":
                whole = self._whole(name, piece) if isinstance(piece, str) else piece
                self.pieces.setdefault(name, []).append(whole)

    def _whole(self, name: str, piece: str) -> str:
        """Return a piece after the half character that waited; one at its end waits for the next.

        Gateways that cut JSON by UTF-16 units send an emoji as two surrogates in two deltas.
        """
        piece = self._halves.pop(name, "") + piece
        if "\ud800" <= piece[-1:] <= "\udbff":
            self._halves[name] = piece[-1]
            piece = piece[:-1]
        return repair_surrogates(piece)

    def last(self, name: str) -> str:
        """Return the newest piece of one field; "" where it is no text."""
        piece = self.pieces[name][-1] if name in self.pieces else ""
        return piece if isinstance(piece, str) else ""

    def joined(self, name: str) -> str:
        """Return the text of one field so far."""
        return "".join(piece for piece in self.pieces.get(name, ()) if isinstance(piece, str))

    def finish(self, but: str = "") -> dict[str, Any]:
        """Return the block as the API sends it in a response that is not streamed.

        Args:
            but: The name of a field to leave out: a text may be long.
        """
        block = dict(self.start)
        for name, pieces in self.pieces.items():
            if name != but:
                block |= self._finished(name, pieces)
        return block

    def _finished(self, name: str, pieces: list[Any]) -> dict[str, Any]:
        begun = self.start.get(name)
        if name == "citation":
            before = self.start.get("citations")
            return {"citations": [*(before if isinstance(before, list) else ()), *pieces]}
        if name == "partial_json":
            return {"input": parse_input(self.joined(name), self.start.get("input"))}
        if all(isinstance(piece, str) for piece in pieces):
            return {name: (begun if isinstance(begun, str) else "") + "".join(pieces)}
        return {name: pieces[-1]}


def parse_input(text: str, empty: Any) -> Any:
    """Return a tool's input from its JSON; the raw text where that is cut or invalid.

    Args:
        text: The JSON that arrived.
        empty: The input where no JSON arrived: that of the block's start.
    """
    if not text:
        return empty
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
