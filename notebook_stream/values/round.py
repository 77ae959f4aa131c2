"""A round: one request of an answer, with the response to it. Its events fold into a `Round`.

Source: https://docs.claude.com/en/docs/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..text.surrogates import repair_surrogates
from .block import Block
from .message import Content, sendable
from .usage import Usage

Event = dict[str, Any]
"""One server-sent event of the stream, as the API's JSON."""

Phase = Literal["waiting", "thinking", "writing"]

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

EMPTY = ("ping", "content_block_stop", "message_stop")
"""Events that hold nothing to fold."""

APART = ("content", "usage")
"""The fields of a message that are folded apart from it."""

TEXTS = ("id", "model", "stop_reason")
"""The fields of a message that are text, or null."""


@dataclass(frozen=True, kw_only=True)
class RoundFacts:
    """What is known of a round beside its events: it is measured, looked up or in the headers.

    Attributes:
        request_id: The API's id of the request.
        seconds: From sending the request to the end of the response. None when never sent.
        first_token_seconds: From sending to the first token. None when none came.
        cost: US dollars; None where the price is unknown.
        output_tokens: Tokens written: the API's count, or the estimate; None where unknown.
        estimated: True where the API sent no output count and it is guessed from the text.
        recorded: True where a recording answered, which costs nothing.
        written_after: The `ConversationDigest` of the request, to which the thinking is bound; ""
            where that is unknown, so that the thinking is never sent back.
    """

    request_id: str | None = None
    seconds: float | None = None
    first_token_seconds: float | None = None
    cost: float | None = None
    output_tokens: int | None = None
    estimated: bool = False
    recorded: bool = False
    written_after: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Round(RoundFacts):
    """One request of an answer, with the response to it.

    Attributes:
        text: The text of the response.
        usage: Tokens, by the API's names.
        stop_reason: The API's word; where it sent none, how the answer ended ("stopped" …).
        model: The model the API reports, else the one that was asked for.
        results: The content of the user's message that was sent after it, with the results of the
            tools it called (list of dict); empty where none was.
        blocks: The content blocks of the response (list of dict, in the API's order).
        thinking: The thinking that was shown, as one text.
        message: The API's message (dict); its role and content can be sent back.
    """

    text: str = ""
    usage: Usage = field(default_factory=Usage)
    stop_reason: str | None = None
    model: str | None = None
    results: tuple[Content, ...] = ()
    _outline: tuple[Content, ...] = field(default=(), repr=False)
    """The blocks; ``...`` stands for a block's text that is all of the round's."""
    _envelope: dict[str, Any] = field(default_factory=dict, repr=False)
    """The API's message without its content."""

    @cached_property
    def blocks(self) -> list[Content]:
        """The content blocks, in the API's order."""
        return [
            {**block, "text": self.text} if block.get("text") is ... else dict(block)
            for block in self._outline
        ]

    @property
    def thinking(self) -> str:
        """The thinking that was shown, the blocks apart by an empty line."""
        thoughts = (block.get("thinking") for block in self._outline)
        return "\n\n".join(text for text in thoughts if isinstance(text, str) and text)

    @cached_property
    def message(self) -> dict[str, Any]:
        """The API's message, with as its content what can be sent back."""
        content = sendable(self.blocks, self._envelope.get("stop_reason"))
        beside = {"role": "assistant", "content": content, "usage": dict(self.usage)}
        return {**self._envelope, **beside}


class RoundDraft:
    """One response while its events arrive.

    Liberal in what it takes: unknown events, blocks and deltas stay in the message, a delta
    without its block's start opens one, and what has another shape than the API's is left out.

    Args:
        model: The model asked for.
        begun: Text that the answer begins with: it was sent as the start of the response.
        parts: The list that the text deltas are added to; one of its own by default.
        blocks: The list that the content blocks are added to; one of its own by default.

    Attributes:
        written: Characters the model has written: text, thinking and tool input.
        counted: True once the API has sent the number of tokens of the whole response.
        phase: "waiting", "thinking" or "writing".
        usage: The counts so far; the API's are cumulative and overwrite.
        message: The API's message so far, without content and usage.
        received: True once an event came that is more than a ping.
    """

    def __init__(
        self,
        model: str | None = None,
        begun: str = "",
        *,
        parts: list[str] | None = None,
        blocks: list[Block] | None = None,
    ) -> None:
        self._parts = [] if parts is None else parts
        self._blocks = [] if blocks is None else blocks
        self._first_part, self._first_block = len(self._parts), len(self._blocks)
        self._open: dict[int, Block] = {}
        self._unknown: list[Event] = []
        self.written = 0
        self.counted = False
        self.phase: Phase = "waiting"
        self.usage = Usage()
        self.message: dict[str, Any] = {"model": model}
        if begun:
            self._start_block(-1, {"type": "text", "text": begun})
        self.received = False

    @property
    def parts(self) -> list[str]:
        """The text deltas so far, in order; the text is their concatenation."""
        return self._parts[self._first_part :]

    @property
    def blocks(self) -> list[Block]:
        """The content blocks so far, in order."""
        return self._blocks[self._first_block :]

    @property
    def model(self) -> str | None:
        """The model the API reports, else the one asked for."""
        return self.message.get("model")

    @property
    def stop_reason(self) -> str | None:
        """The API's stop reason, once it has sent one."""
        return self.message.get("stop_reason")

    def add(self, event: Event) -> str:
        """Fold one event in.

        Returns:
            The text it added; "" for most events.
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
            case kind if kind not in EMPTY:
                self.received = True
                self._unknown.append(event)
        return ""

    def _start(self, message: dict[str, Any]) -> str:
        self.received = True
        if message.get("id") is None or message.get("id") != self.message.get("id"):
            self._open.clear()
        content = message.get("content")
        self.message |= _without_nulls({n: v for n, v in message.items() if n not in APART})
        self._count(message.get("usage"))
        # Programmatic tool calls begin with whole blocks.
        begun = content if isinstance(content, list) else []
        return "".join([self._start_block(n, block) for n, block in enumerate(begun)])

    def _finish(self, event: Event) -> None:
        self.received = True
        usage = event.get("usage")
        beside = {n: v for n, v in event.items() if n not in {"type", "delta", "usage"}}
        self.message |= _without_nulls(beside) | _without_nulls(_object(event, "delta"))
        self._count(usage)
        counted = usage.get("output_tokens") if isinstance(usage, dict) else None
        self.counted |= bool(counted) or (counted == 0 and not self.written)

    def _count(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage.update({k: v for k, v in usage.items() if v is not None})

    def _start_block(self, index: int, start: Any) -> str:
        self.received = True
        block = self._open[index] = Block(start)
        self._blocks.append(block)
        if "thinking" in block.type:
            self.phase = "thinking"
        if block.type == "fallback":
            self.message |= _without_nulls({"model": _object(block.start, "to").get("model")})
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
            self._parts.append(text)
        return text

    def freeze(self, facts: RoundFacts | None = None) -> Round:
        """Return the round, with all that came of the response.

        Args:
            facts: What the events do not say.
        """
        parts = self.parts
        usage = self.usage
        if facts and facts.estimated and facts.output_tokens is not None:
            usage = Usage({**usage, "output_tokens": facts.output_tokens})
        return Round(
            text="".join(parts),
            usage=usage,
            stop_reason=self.stop_reason,
            model=self.model,
            _outline=tuple(_outlines(self.blocks, parts)),
            _envelope=self.message | ({"events": self._unknown} if self._unknown else {}),
            **vars(facts or RoundFacts()),
        )


def _outlines(blocks: list[Block], parts: list[str]) -> Iterator[Content]:
    """Yield the blocks as they are now, with ``...`` for a text that is all of the round's.

    So a long text is in memory once: where the round is.
    """
    for block in blocks:
        if parts and parts == list(filter(None, block.pieces.get("text", ()))):
            yield {**block.finish(but="text"), "text": ...}
        else:
            yield block.finish()


def _index(event: Event) -> int:
    index = event.get("index")
    return index if isinstance(index, int) else 0


def _object(event: dict[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _without_nulls(message: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a message has, and text where the API has text."""
    texts = {n: repair_surrogates(str(message[n])) for n in TEXTS if message.get(n) is not None}
    return {name: value for name, value in message.items() if value is not None} | texts
