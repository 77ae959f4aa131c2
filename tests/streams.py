"""Streams of this project's own, with everything that the Messages API sends, and their readers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .loopback import event

RECORDINGS = os.environ.get("NOTEBOOK_STREAM_RECORDINGS", "")
CORPUS = sorted(Path(RECORDINGS).rglob("*.sse")) if RECORDINGS else []
"""Real streams, where the person who runs the tests has some."""

Block = tuple[dict[str, Any], list[dict[str, Any]]]
"""What a block's start holds, and its deltas."""


def text(*pieces: str, **start: Any) -> Block:
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return {"type": "text", "text": "", **start}, deltas


def thinking(*pieces: str, signature: str = "c2lnbg==") -> Block:
    deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": p} for p in pieces]
    deltas.append({"type": "signature_delta", "signature": signature})
    return {"type": "thinking", "thinking": "", "signature": ""}, deltas


def call(kind: str, name: str, *pieces: str) -> Block:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return {"type": kind, "id": f"toolu_{name}", "name": name, "input": {}}, deltas


def whole(kind: str, **fields: Any) -> Block:
    return {"type": kind, **fields}, []


def stream(*blocks: Block, stop_reason: str = "end_turn", **usage: Any) -> bytes:
    """The body of an answer of such blocks."""
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1, "service_tier": "standard"},
    }
    parts = [event("message_start", message=message), event("ping")]
    for index, (start, deltas) in enumerate(blocks):
        parts.append(event("content_block_start", index=index, content_block=start))
        parts += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
        parts.append(event("content_block_stop", index=index))
    ended = {"stop_reason": stop_reason, "stop_sequence": None}
    parts.append(event("message_delta", delta=ended, usage={"output_tokens": 40, **usage}))
    return b"".join([*parts, event("message_stop")])


CITED = {
    "type": "web_search_result_location",
    "cited_text": "tides",
    "url": "https://example.org/tides",
    "title": "Tides",
    "encrypted_index": "eA==",
}
FOUND = {
    "type": "web_search_result",
    "url": "https://example.org/tides",
    "title": "Tides",
    "encrypted_content": "eA==",
    "page_age": None,
}

STREAMS = {
    "text": stream(text("Hel", "lo **wör", "ld** 🌊.\n\n", "潮汐")),
    "thinking": stream(thinking("Hm, ", "let me see."), text("Yes.")),
    "thinking omitted": stream(thinking(), text("Yes.")),
    "redacted": stream(whole("redacted_thinking", data="ZGF0YQ=="), text("Yes.")),
    "tool": stream(text("I look."), call("tool_use", "tide", '{"po', 'rt": "Brest"}'),
                   stop_reason="tool_use"),
    "tool without input": stream(call("tool_use", "now"), stop_reason="tool_use"),
    "tool cut by max_tokens": stream(text("I look."), call("tool_use", "tide", '{"port": "Br'),
                                     stop_reason="max_tokens"),
    "search": stream(
        call("server_tool_use", "web_search", '{"query": "tide', 's"}'),
        whole("web_search_tool_result", tool_use_id="toolu_web_search", content=[FOUND]),
        (text("There are two a day")[0] | {"citations": []},
         [*text("There are two", " a day")[1], {"type": "citations_delta", "citation": CITED}]),
        text("."),
        server_tool_use={"web_search_requests": 1},
        cache_read_input_tokens=5,
    ),
    "paused": stream(text("One moment."), call("server_tool_use", "web_search", '{"query": "x"}'),
                     stop_reason="pause_turn"),
    "refusal": stream(stop_reason="refusal"),
    "blank": stream(text("\n", " ")),
    "two texts": stream(text("\n\n"), thinking("…"), text("Done.\n")),
}  # fmt: skip
"""Streams that the SDK reads as we do."""

BETA = {
    "mcp": stream(
        call("mcp_tool_use", "lookup", '{"a": 1}'),
        whole("mcp_tool_result", tool_use_id="toolu_lookup", is_error=False,
              content=[{"type": "text", "text": "2", "citations": None}]),
        text("Two."),
    ),
    "compaction": stream(
        ({"type": "compaction", "content": None, "encrypted_content": None},
         [{"type": "compaction_delta", "content": "So far.", "encrypted_content": "eA=="}]),
        text("On."),
    ),
}  # fmt: skip

BEGUN = event(
    "message_start",
    message={
        "id": "msg_2", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5",
        "content": [{"type": "text", "text": "Hello"}, call("tool_use", "now")[0]],
        "stop_reason": "tool_use", "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 4},
    },
) + event("message_stop")  # fmt: skip
"""A message that comes whole in its first event, as in programmatic tool calling."""


def events(body: bytes) -> Iterator[dict[str, Any]]:
    """The JSON of each whole data line; a corpus file may be cut inside one."""
    for line in body.decode(errors="replace").splitlines():
        if line.startswith("data:"):
            try:
                yield json.loads(line[5:])
            except ValueError:
                return


def refused(content: list[dict[str, Any]], *, calls_answered: bool) -> str:
    """Why the API would refuse these blocks as an assistant's turn; "" where it would not.

    Source: the Messages API's own errors, as in https://docs.claude.com/en/api/errors.

    Args:
        content: The turn's.
        calls_answered: Whether the next turn answers the calls of tools.
    """
    if not content:
        return "empty content"
    if content[-1]["type"] in {"thinking", "redacted_thinking"}:
        return "the final block is thinking"
    results = {block.get("tool_use_id") for block in content}
    faults = (_fault(block, results, calls_answered=calls_answered) for block in content)
    last = content[-1]
    blank = last["type"] == "text" and last["text"][-1:].isspace()
    return next(filter(None, faults), "trailing whitespace" if blank else "")


def refused_messages(messages: list[dict[str, Any]], *, calls_answered: bool) -> str:
    """Why the API would refuse these messages after a prompt; "" where it would not.

    Args:
        messages: Of the assistant, and of the user with the results of tools.
        calls_answered: Whether what follows them answers the calls of tools.
    """
    nothing: dict[str, Any] = {"role": "", "content": []}
    before, after = [nothing, *messages], [*messages[1:], nothing]
    blocks = [block for message in messages for block in message["content"]]
    faults = [_fault_among(blocks, calls_answered=calls_answered)]
    for n, message in enumerate(messages):
        if message["role"] == "user":
            faults.append(_fault_of_results(before[n]["content"], message["content"]))
        elif message["role"] == "assistant":
            may_be_open = calls_answered and n == len(messages) - 1
            faults.append(refused(message["content"], calls_answered=True))
            if not may_be_open and _calls(message["content"]) - _answers(after[n]["content"]):
                faults.append("a call that its next message does not answer")
        else:
            faults.append("a role that is none")
    return next(filter(None, faults), "")


def _calls(blocks: list[dict[str, Any]]) -> set[str]:
    return {block["id"] for block in blocks if block["type"] == "tool_use"}


def _answers(blocks: list[dict[str, Any]]) -> set[str]:
    return {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}


def _fault_of_results(before: list[dict[str, Any]], content: list[dict[str, Any]]) -> str:
    if not content:
        return "empty content"
    return "a result without its call" if _answers(content) - _calls(before) else ""


def _fault_among(blocks: list[dict[str, Any]], *, calls_answered: bool) -> str:
    calls = {block["id"] for block in blocks if block["type"].endswith("tool_use")}
    results = {block.get("tool_use_id") for block in blocks}
    if not calls_answered and calls - results:
        return "a server's call that nothing answers"
    made_by = {(block.get("caller") or {}).get("tool_id") for block in blocks} - {None}
    return "a call by code that is not there" if made_by - calls else ""


def _fault(block: dict[str, Any], results: set[Any], *, calls_answered: bool) -> str:
    kind = block["type"]
    if kind == "text" and not block["text"].strip():
        return "a text block is blank"
    if kind == "thinking" and not block.get("signature"):
        return "thinking without its signature"
    if not kind.endswith("tool_use"):
        return ""
    if not isinstance(block["input"], dict):
        return "an input is no object"
    answered = calls_answered or block["id"] in results
    return "" if answered else "a call that nothing answers"
