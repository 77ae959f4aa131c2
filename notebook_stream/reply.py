"""An answer that grows (Draft) and an answer that is done (Reply).

The one fold of the Messages API's stream of events. Knows nothing of Jupyter, network or clock.

Source: https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

Event = dict[str, Any]
"""One item off the wire, as the API's JSON."""

Ending = Literal["stopped", "interrupted", "connection_lost", "error"]
"""How an answer can end other than by the API's own stop reasons."""

WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})
"""The stop reasons of an answer that is all there."""

USAGE_FIELDS = frozenset({
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens",
    "cache_creation", "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens",
    "output_tokens_details", "thinking_tokens", "server_tool_use", "web_search_requests",
    "web_fetch_requests", "service_tier", "inference_geo", "speed", "iterations",
})  # fmt: skip


class Usage(dict[str, Any]):
    """Token counts as the API gave them, its names also as attributes (None where it gave none)."""

    def __getattr__(self, name: str) -> Any:
        if name not in self and name not in USAGE_FIELDS:
            raise AttributeError(name)
        value = self.get(name)
        return Usage(value) if isinstance(value, dict) else value

    def tokens(self, name: str) -> int | None:
        """A count; None where the API gave none, or something that is no count."""
        value = self.get(name)
        return value if type(value) is int else None


class Reply(str):
    """The text of an answer, which also knows how it came about.

    Attributes:
        usage: Tokens, by the API's names.
        cost: US dollars, by the model the API reports; None when the price is unknown.
        estimated: True where the API did not say the output count and it is guessed from the text.
        output_tokens: Tokens written: the API's count, or the estimate; None where unknown.
        stop_reason: The API's word, or "stopped", "interrupted", "connection_lost", "error".
        complete: True when the model ended the answer itself.
        model: The model the API reports, else the one that was asked for.
        request_id: The API's id of the request.
        seconds: From sending to the end. None when never sent.
        first_token_seconds: From sending to the first token. None when none came.
        thinking: The thinking that was shown, as one text.
        blocks: The content blocks (list of dict, in the API's order).
        tool_calls: The blocks of type ``tool_use``.
        citations: The citations of all text blocks, in order.
        parsed: The answer as an object, where a type was asked for.
        message: The API's message (dict): id, role, content, stop_reason, usage …
        recorded: True when it came from a recording.
        error: One sentence saying what went wrong; None where nothing did.
    """

    usage: Usage = Usage()
    cost: float | None = None
    estimated: bool = False
    output_tokens: int | None = None
    stop_reason: str | None = None
    complete: bool = False
    model: str | None = None
    request_id: str | None = None
    seconds: float | None = None
    first_token_seconds: float | None = None
    thinking: str = ""
    blocks: tuple[dict[str, Any], ...] | list[dict[str, Any]] = ()
    parsed: Any = None
    message: dict[str, Any] | None = None
    recorded: bool = False
    error: str | None = None

    _shown_now: Callable[[], bool] | None = None

    def __new__(cls, text: str = "", **facts: Any) -> Reply:
        """Make a reply of ``text`` with the attributes given."""
        self = super().__new__(cls, text)
        self.__dict__.update(facts)
        return self

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The blocks in which the model calls a tool of yours."""
        return [block for block in self.blocks if block.get("type") == "tool_use"]

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The citations of all text blocks, in order."""
        return [cited for block in self.blocks for cited in block.get("citations") or ()]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_shown_now"}

    def _ipython_display_(self) -> None:
        """Show nothing where the running cell has shown this reply; else let Markdown speak.

        IPython takes NotImplementedError as "ask the object's other formats".
        """
        if not (self._shown_now and self._shown_now()):
            raise NotImplementedError

    def _repr_markdown_(self) -> str:
        from . import markdown  # heavy, and seldom asked for

        return markdown.harmless(self)


class Block:
    """A content block that grows: what its start said, and the pieces of each delta."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.start = start
        self.pieces: dict[str, list[Any]] = {}

    @classmethod
    def of(cls, block: dict[str, Any]) -> Block:
        """A block that is whole."""
        made = cls({name: value for name, value in block.items() if name != "text"})
        if "text" in block:
            made.add({"text": block["text"]})
        return made

    @property
    def type(self) -> str:
        """The API's word for what it is."""
        return str(self.start.get("type"))

    def add(self, delta: dict[str, Any]) -> None:
        """Take one delta, of whatever type."""
        for name, piece in delta.items():
            if name != "type":
                self.pieces.setdefault(name, []).append(piece)

    def joined(self, name: str) -> str:
        """The text of one field so far."""
        return "".join(piece for piece in self.pieces.get(name, ()) if isinstance(piece, str))

    def finish(self) -> dict[str, Any]:
        """The block as the API would send it whole."""
        block = dict(self.start)
        for name, pieces in self.pieces.items():
            block |= _finished(name, pieces, block)
        return block


def _finished(name: str, pieces: list[Any], block: dict[str, Any]) -> dict[str, Any]:
    if name == "citation":
        return {"citations": [*(block.get("citations") or []), *pieces]}
    if name == "partial_json":
        return {"input": parse_input("".join(pieces), block.get("input"))}
    if all(isinstance(piece, str) for piece in pieces):
        return {name: (block.get(name) or "") + "".join(pieces)}
    return {name: pieces[-1]}


def parse_input(text: str, empty: Any) -> Any:
    """A tool's input from its JSON; the raw text where a stream was cut or sent invalid JSON."""
    if not text:
        return empty
    try:
        return json.loads(text)
    except ValueError:
        return text


WRITTEN = ("text", "thinking", "partial_json")
"""The fields of a delta that hold what the model writes."""

DELTA_BLOCKS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
    "citations_delta": "text",
}
"""The block a delta belongs to, for streams that never sent the block's start."""


class Draft:
    """An answer that grows, event by event.

    Liberal in what it takes: unknown events are counted, unknown blocks and deltas are kept, a
    delta without its block's start opens one.

    Attributes:
        parts: The text deltas so far, in order; the reply's text is their concatenation.
        written: Characters the model has written: text, thinking and tool input.
        counted: True once the API has said how many tokens it wrote in all.
        phase: "waiting", "thinking" or "writing".
        usage: The counts so far; the API's are cumulative and overwrite.
        blocks: The content blocks so far, in order.
    """

    def __init__(self, model: str | None = None) -> None:
        self.parts: list[str] = []
        self.written = 0
        self.phase: Literal["waiting", "thinking", "writing"] = "waiting"
        self.usage = Usage()
        self.counted = False
        self.message: dict[str, Any] = {"model": model}
        self.blocks: list[Block] = []
        self._open: dict[int, Block] = {}

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self.parts)

    @property
    def model(self) -> str | None:
        """The model the API reports, else the one asked for."""
        return self.message.get("model")

    @property
    def stop_reason(self) -> str | None:
        """The API's stop reason, once it has said one."""
        return self.message.get("stop_reason")

    def add(self, event: Event) -> str:
        """Fold one event in.

        Returns:
            The text it added to the answer; "" for most events.
        """
        match event.get("type"):
            case "content_block_delta":
                return self._delta(event.get("index", 0), event.get("delta") or {})
            case "content_block_start":
                self._start_block(event.get("index", 0), event.get("content_block") or {})
            case "message_start":
                self._start(event.get("message") or {})
            case "message_delta":
                self._finish(event)
        return ""

    def _start(self, message: dict[str, Any]) -> None:
        if message.get("id") is None or message.get("id") != self.message.get("id"):
            self._open.clear()
        known = {name: value for name, value in message.items() if value is not None}
        self.message |= {**known, "content": []}
        self._count(message.get("usage"))

    def _finish(self, event: Event) -> None:
        delta = event.get("delta") or {}
        self.message |= {name: value for name, value in delta.items() if value is not None}
        self._count(event.get("usage"))
        self.counted = bool((event.get("usage") or {}).get("output_tokens"))

    def _count(self, usage: dict[str, Any] | None) -> None:
        self.usage.update({k: v for k, v in (usage or {}).items() if v is not None})

    def _start_block(self, index: int, start: dict[str, Any]) -> None:
        self._open[index] = Block(start)
        self.blocks.append(self._open[index])
        if "thinking" in str(start.get("type")):
            self.phase = "thinking"

    def _delta(self, index: int, delta: dict[str, Any]) -> str:
        if index not in self._open:
            kind = DELTA_BLOCKS.get(str(delta.get("type")), "text")
            self._start_block(index, {"type": kind})
        self._open[index].add(delta)
        self.written += sum(len(delta.get(name) or "") for name in WRITTEN)
        if delta.get("type") != "text_delta":
            return ""
        text = str(delta.get("text") or "")
        self.phase = "writing"
        self.parts.append(text)
        return text

    def thinking(self) -> Iterator[str]:
        """The thinking of each block so far."""
        yield from filter(None, (block.joined("thinking") for block in self.blocks))

    def freeze(self, ending: Ending | None = None, **facts: Any) -> Reply:
        """End it: a reply that holds all that came.

        Args:
            ending: Why it ended, where the API did not end it.
            facts: What the fold cannot know: seconds, cost, request_id …
        """
        blocks = [block.finish() for block in self.blocks]
        stop_reason = ending or self.stop_reason
        return Reply(
            self.text,
            usage=self.usage,
            stop_reason=stop_reason,
            complete=stop_reason in WHOLE,
            model=self.model,
            thinking="\n\n".join(self.thinking()),
            blocks=blocks,
            message=self._message(blocks),
            **facts,
        )

    def _message(self, blocks: list[dict[str, Any]]) -> dict[str, Any]:
        return {"role": "assistant", **self.message, "content": blocks, "usage": dict(self.usage)}
