"""An answer that grows (Draft) and an answer that is done (Reply).

The one fold of the Messages API's stream of events. Knows nothing of Jupyter, network or clock.

Source: https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Literal

from .message import sendable

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
        return value if type(value) is int and 0 <= value < MOST_TOKENS else None


MOST_TOKENS = 10**12
"""A count from here on is none."""


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
        message: The API's message (dict): id, role, content, stop_reason, usage …, and as
            ``events`` those that are not known. Role and content can be sent back as the
            assistant's turn: of an answer that was cut, ``blocks`` may hold more.
        recorded: True when it came from a recording.
        chat: The name of the chat it was asked in; None outside of any.
        turn: Which turn of that chat it is, from 1; None outside of any.
        error: One sentence saying what went wrong; None where nothing did.
        request: The request's JSON; None in a copy or a pickle, as it may hold anything.
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
    parsed: Any = None
    recorded: bool = False
    chat: str | None = None
    turn: int | None = None
    error: str | None = None

    request: dict[str, Any] | None = None
    _written_after: str = ""
    """Digest of the conversation to which the thinking is bound; "" where that is not known."""

    _outline: tuple[dict[str, Any], ...] = ()
    _envelope: dict[str, Any] | None = None
    _shown_now: Callable[[], bool] | None = None

    def __new__(cls, text: str = "", **facts: Any) -> Reply:
        """Make a reply of ``text`` with the attributes given."""
        self = super().__new__(cls, text)
        self.__dict__.update(facts)
        return self

    @cached_property
    def blocks(self) -> list[dict[str, Any]]:
        """The content blocks, in the API's order."""
        # A long text is held once: here until someone asks for the block that it is.
        return [
            {**block, "text": str(self)} if block.get("text") is ... else dict(block)
            for block in self._outline
        ]

    @cached_property
    def message(self) -> dict[str, Any] | None:
        """The API's message, with as its content what can be sent back."""
        if self._envelope is None:
            return None
        content = sendable(self.blocks, self._envelope.get("stop_reason"))
        envelope = {"role": "assistant", **self._envelope}
        return {**envelope, "content": content, "usage": dict(self.usage)}

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The blocks in which the model calls a tool of yours."""
        return [block for block in self.blocks if block.get("type") == "tool_use"]

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The citations of all text blocks, in order."""
        lists = (block.get("citations") for block in self.blocks)
        return [cited for cites in lists if isinstance(cites, list) for cited in cites]

    def __getstate__(self) -> dict[str, Any]:
        left = {"_shown_now", "request"}
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def _ipython_display_(self) -> None:
        """Show nothing where the running cell has shown this reply; else let Markdown speak.

        IPython takes NotImplementedError as "ask the object's other formats".
        """
        if not (self._shown_now and self._shown_now()):
            raise NotImplementedError

    def _repr_markdown_(self) -> str:
        from .. import markdown

        return markdown.sanitize(self)


class Block:
    """A content block that grows: what its start said, and the pieces of each delta."""

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
        """The API's word for what it is."""
        return str(self.start.get("type"))

    def add(self, delta: dict[str, Any]) -> None:
        """Take one delta, of whatever type."""
        for name, piece in delta.items():
            if name != "type":
                whole = self._whole(name, piece) if isinstance(piece, str) else piece
                self.pieces.setdefault(name, []).append(whole)

    def _whole(self, name: str, piece: str) -> str:
        """The piece, and half a character before it; half of one at its end waits for the next.

        Gateways that cut JSON by UTF-16 send an emoji in two halves.
        """
        piece = self._halves.pop(name, "") + piece
        if "\ud800" <= piece[-1:] <= "\udbff":
            self._halves[name] = piece[-1]
            piece = piece[:-1]
        return sound(piece)

    def last(self, name: str) -> str:
        """The newest piece of one field; "" where it is no text."""
        piece = self.pieces[name][-1] if name in self.pieces else ""
        return piece if isinstance(piece, str) else ""

    def joined(self, name: str) -> str:
        """The text of one field so far."""
        return "".join(piece for piece in self.pieces.get(name, ()) if isinstance(piece, str))

    def finish(self, but: str = "") -> dict[str, Any]:
        """The block as the API would send it whole.

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


def sound(text: str) -> str:
    """The text with halves of characters put together, and lone ones replaced: it can be sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def parse_input(text: str, empty: Any) -> Any:
    """A tool's input from its JSON; the raw text where a stream was cut or sent invalid JSON."""
    if not text:
        return empty
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
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


SILENT = ("ping", "content_block_stop", "message_stop")
"""Events that say nothing of their own."""


def _index(event: Event) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


def _object(event: dict[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _said(message: dict[str, Any]) -> dict[str, Any]:
    """What a message says: no nulls, and text where the API has text."""
    words = {name: sound(str(message[name])) for name in WORDS if message.get(name) is not None}
    return {name: value for name, value in message.items() if value is not None} | words


WORDS = ("id", "model", "stop_reason")


class Draft:
    """An answer that grows, event by event.

    Liberal in what it takes: unknown events, blocks and deltas are kept, a delta without its
    block's start opens one, and what has another shape than the API's is left out.

    Attributes:
        parts: The text deltas so far, in order; the reply's text is their concatenation.
        written: Characters the model has written: text, thinking and tool input.
        counted: True once the API has said how many tokens it wrote in all.
        phase: "waiting", "thinking" or "writing".
        usage: The counts so far; the API's are cumulative and overwrite.
        blocks: The content blocks so far, in order.
    """

    def __init__(self, model: str | None = None, begun: str = "") -> None:
        self.parts: list[str] = []
        self.written = 0
        self.phase: Literal["waiting", "thinking", "writing"] = "waiting"
        self.usage = Usage()
        self.counted = False
        self.message: dict[str, Any] = {"model": model}
        self.blocks: list[Block] = []
        self._open: dict[int, Block] = {}
        if begun:
            self._start_block(-1, {"type": "text", "text": begun})

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
                return self._delta(_index(event), _object(event, "delta"))
            case "content_block_start":
                return self._start_block(_index(event), event.get("content_block"))
            case "message_start":
                return self._start(_object(event, "message"))
            case "message_delta":
                self._finish(event)
            case kind if kind not in SILENT:
                self.message.setdefault("events", []).append(event)
        return ""

    def _start(self, message: dict[str, Any]) -> str:
        if message.get("id") is None or message.get("id") != self.message.get("id"):
            self._open.clear()
        content = message.get("content")
        self.message |= {**_said(message), "content": []}
        self._count(message.get("usage"))
        # Programmatic tool calls begin with whole blocks.
        begun = content if isinstance(content, list) else []
        return "".join([self._start_block(n, block) for n, block in enumerate(begun)])

    def _finish(self, event: Event) -> None:
        usage = event.get("usage")
        beside = {n: v for n, v in event.items() if n not in {"type", "delta", "usage"}}
        self.message |= {**beside, **_said(_object(event, "delta"))}
        self._count(usage)
        counted = usage.get("output_tokens") if isinstance(usage, dict) else None
        self.counted |= bool(counted) or (counted == 0 and not self.written)

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage.update({k: v for k, v in usage.items() if v is not None})

    def _start_block(self, index: int, start: Any) -> str:
        block = self._open[index] = Block(start)
        self.blocks.append(block)
        if "thinking" in block.type:
            self.phase = "thinking"
        if block.type == "fallback":
            self.message["model"] = _object(block.start, "to").get("model") or self.model
        return self._write(block.last("text"))

    def _delta(self, index: int, delta: dict[str, Any]) -> str:
        if index not in self._open:
            self._start_block(index, {"type": DELTA_BLOCKS.get(str(delta.get("type")), "text")})
        block = self._open[index]
        block.add(delta)
        self.written += sum(len(block.last(name)) for name in WRITTEN if name in delta)
        return self._write(block.last("text")) if "text" in delta else ""

    def _write(self, text: str) -> str:
        if text:
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
        stop_reason = ending or self.stop_reason
        return Reply(
            self.text,
            usage=self.usage,
            stop_reason=stop_reason,
            complete=stop_reason in WHOLE,
            model=self.model,
            thinking="\n\n".join(self.thinking()),
            _outline=tuple(map(self._outlined, self.blocks)),
            _envelope=dict(self.message),
            **facts,
        )

    def _outlined(self, block: Block) -> dict[str, Any]:
        """A block as it is now, without the text where that is all of the answer's."""
        if self.parts and self.parts == list(filter(None, block.pieces.get("text", ()))):
            return {**block.finish(but="text"), "text": ...}
        return block.finish()
