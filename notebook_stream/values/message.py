"""What of an answer can be sent back as messages, so that no later request is refused.

An answer that was cut may end in the middle of anything; the API refuses a message that is empty,
ends with thinking, holds thinking without its signature, a tool's call without its result, or a
result without its call. The newest models also refuse thinking that comes back after another
conversation than it was written in.

Source: https://docs.claude.com/en/api/messages (``messages``),
https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
https://github.com/anthropics/claude-code/issues/23142
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Content = dict[str, Any]
"""A content block, as the API's JSON."""

Exchange = tuple[Sequence[Content], Sequence[Content]]
"""The blocks of one response, and those of the user's message that was sent after it."""

NOTHING = {"type": "text", "text": "(No answer came.)"}
"""Stands for a response of which nothing can be sent; the API takes no empty message."""

THINKING = frozenset({"thinking", "redacted_thinking"})

AHEAD = ("system", "tools")
"""What of a request goes ahead of its messages, and so is part of the conversation."""

GOES_ON = ("tool_use", "pause_turn")
"""The stop reasons after which the next response may bring the result of a server's tool."""


def sendable(blocks: Sequence[Content], stop_reason: str | None) -> list[Content]:
    """Return the content of one response, as the assistant's message.

    Args:
        blocks: All that came.
        stop_reason: The API's, whose open calls may then stay: the next request answers them. None
            where nothing may stay open.
    """
    content: list[Content] = sendable_messages([(blocks, ())], stop_reason)[0]["content"]
    return content


def sendable_messages(
    exchanges: Sequence[Exchange], stop_reason: str | None
) -> list[dict[str, Any]]:
    """Return the messages of an answer, in order (list of dict: role, content).

    Each exchange makes one message of the assistant, and one of the user where something was sent
    after it. Calls without a result are left out, as are results without their call.

    Args:
        exchanges: The answer's responses, each with what was sent after it.
        stop_reason: Of the last response, as for `sendable`.
    """
    repaired = [(_with_objects(blocks, results), results) for blocks, results in exchanges]
    dropped = _open_calls(repaired, stop_reason)
    messages: list[dict[str, Any]] = []
    for blocks, results in repaired:
        content = [one for one in blocks if _is_whole(one) and _call_of(one) not in dropped]
        messages.append({"role": "assistant", "content": _closed(content) or [dict(NOTHING)]})
        calls = {_id(one) for one in content if _is_client_call(one)}
        if answers := [one for one in results if _answers(one, calls)]:
            messages.append({"role": "user", "content": answers})
    return messages


def without_thinking(content: Iterable[Content]) -> list[Content]:
    """Return the content without its thinking."""
    return [block for block in content if _type(block) not in THINKING]


def is_result(block: Content) -> bool:
    """Return whether a block is the result of a tool that the client ran."""
    return _type(block) == "tool_result"


class ConversationDigest:
    """A SHA-256 of a conversation, message by message.

    The newest models take thinking back only after the very system prompt, tools and messages that
    it was written after; else the API answers 400, "bound to a different conversation"
    (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks). The
    digest of these is what a round has of them: it can be pickled, and holds no text.

    Args:
        request: The request's JSON; what goes ahead of the messages is read from it.
    """

    def __init__(self, request: Mapping[str, Any]) -> None:
        self._hash = hashlib.sha256()
        self._readable = True
        self.add({name: request[name] for name in AHEAD if request.get(name)})

    def add(self, part: Mapping[str, Any]) -> None:
        """Go on with another message."""
        try:
            self._hash.update(json.dumps(part, sort_keys=True).encode() + b"\n")
        except (RecursionError, TypeError, ValueError):
            self._readable = False  # what nests too deep, or is no JSON, is not sent either

    def __str__(self) -> str:
        """Return the digest in hexadecimal; "" where the conversation is no JSON."""
        return self._hash.hexdigest() if self._readable else ""

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> str:
        """Return the digest of a request's system prompt, tools and messages."""
        digest = cls(request)
        for message in request["messages"]:
            digest.add(message)
        return str(digest)


def _with_objects(blocks: Sequence[Content], results: Sequence[Content]) -> list[Content]:
    """Return the blocks, with an object as the input of each call that was answered.

    A call whose input is no valid JSON is answered with an error, so it has to go back too:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming
    """
    answered = {_call_of(one) for one in results}
    return [
        {**one, "input": {"INVALID_JSON": str(one.get("input"))}}
        if _is_client_call(one) and _id(one) in answered and not _is_whole(one)
        else one
        for one in blocks
    ]


def _open_calls(exchanges: Sequence[Exchange], stop_reason: str | None) -> set[str]:
    """Return the ids of the calls that cannot be sent: cut ones, and those that nothing answers."""
    blocks = [one for response, _ in exchanges for one in response]
    by_server = {_call_of(one) for one in blocks if not _is_call(one)}
    dropped: set[str] = set()
    for number, (response, results) in enumerate(exchanges, 1):
        by_client = {_call_of(one) for one in results}
        may_be_open = number == len(exchanges) and not results and stop_reason == "tool_use"
        for call in filter(_is_call, response):
            if _is_client_call(call):
                answered = may_be_open or _id(call) in by_client
            else:
                answered = stop_reason in GOES_ON or _id(call) in by_server
            if not (answered and _is_whole(call)):
                dropped.add(_id(call))
    return dropped | set(_made_by(dropped, blocks))


def _made_by(calls: set[str], blocks: Sequence[Content]) -> Iterator[str]:
    """Yield the ids of the calls that the code in one of ``calls`` made."""
    for block in filter(_is_call, blocks):
        caller = block.get("caller")
        if isinstance(caller, dict) and str(caller.get("tool_id")) in calls:
            yield _id(block)


def _answers(block: Content, calls: set[str]) -> bool:
    """Return whether a block of the user's message can stand after those calls."""
    return _call_of(block) in calls if is_result(block) else _is_whole(block)


def _is_whole(block: Content) -> bool:
    match _type(block):
        case "text":
            return bool(str(block.get("text") or "").strip())
        case "thinking":
            return bool(block.get("signature"))
        case "redacted_thinking":
            return bool(block.get("data"))
        case "compaction":
            return bool(block.get("content") or block.get("encrypted_content"))
    return not _is_call(block) or isinstance(block.get("input"), dict)


def _is_call(block: Content) -> bool:
    return _type(block).endswith("tool_use")


def _is_client_call(block: Content) -> bool:
    """Return whether a block calls a tool that the client runs."""
    return _type(block) == "tool_use"


def _type(block: Content) -> str:
    return str(block.get("type"))


def _id(block: Content) -> str:
    return str(block.get("id"))


def _call_of(block: Content) -> str | None:
    """Return the id of the call that a block is, or answers."""
    if _is_call(block):
        return _id(block)
    return str(block["tool_use_id"]) if "tool_use_id" in block else None


def _closed(content: list[Content]) -> list[Content]:
    """Return the content without thinking or a space at its end: the model may have to go on."""
    while content and _type(content[-1]) in THINKING:
        content.pop()
    if content and _type(content[-1]) == "text":
        text = str(content[-1]["text"])
        content[-1] = {**content[-1], "text": text.rstrip() if text[-1:].isspace() else text}
    return content
