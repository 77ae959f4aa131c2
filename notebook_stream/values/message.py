"""What of an answer can be sent back as the assistant's turn, so that no later request is refused.

An answer that was cut may end in the middle of anything; the API refuses a turn that is empty, ends
with thinking, holds thinking without its signature, or a tool's call without its result. The newest
models also refuse thinking that comes back after another conversation than it was written in.

Source: https://docs.claude.com/en/api/messages (``messages``),
https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
https://github.com/anthropics/claude-code/issues/23142
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Content = dict[str, Any]

NOTHING = {"type": "text", "text": "(No answer came.)"}
"""Stands for an answer of which nothing can be sent; the API takes no empty turn."""

THINKING = frozenset({"thinking", "redacted_thinking"})

AHEAD = ("system", "tools")
"""What of a request goes ahead of its messages, and so is part of the conversation."""


def sendable(blocks: Sequence[Content], stop_reason: str | None) -> list[Content]:
    """The content of the assistant's turn.

    Args:
        blocks: All that came.
        stop_reason: The API's; None where it did not end the answer.
    """
    kept = [block for block in blocks if _is_whole(block)]
    called = {_id(block) for block in kept if _is_call(block)}
    dropped = {_id(block) for block in blocks if _is_call(block)} - called
    answered = {_call_of(block) for block in kept if not _is_call(block)}
    if stop_reason != "pause_turn":
        server = {_id(one) for one in kept if _is_call(one) and _type(one) != "tool_use"}
        dropped |= server - answered
    if stop_reason != "tool_use":
        dropped |= {_id(one) for one in kept if _type(one) == "tool_use"}
    kept = [one for one in kept if not {_call_of(one)} & dropped]
    while kept and _type(kept[-1]) in THINKING:
        kept.pop()
    return _ended(kept) or [dict(NOTHING)]


def without_thinking(content: Iterable[Content]) -> list[Content]:
    """The content, less its thinking; a turn that does not end with thinking stays one."""
    return [block for block in content if _type(block) not in THINKING]


class ConversationDigest:
    """A SHA-256 of a conversation, message by message.

    The newest models take thinking back only after the very system prompt, tools and messages that
    it was written after; else the API answers 400, "bound to a different conversation"
    (https://platform.claude.com/docs/en/build-with-claude/preserved-thinking/prefix-checks). The
    digest of these is what a reply keeps of them: it can be pickled, and holds no text.

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
        """The digest in hexadecimal; "" where the conversation is no JSON."""
        return self._hash.hexdigest() if self._readable else ""

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> str:
        """The digest of all that a request says."""
        digest = cls(request)
        for message in request["messages"]:
            digest.add(message)
        return str(digest)


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


def _type(block: Content) -> str:
    return str(block.get("type"))


def _id(block: Content) -> str:
    return str(block.get("id"))


def _call_of(block: Content) -> str | None:
    """The call that a block is, or answers."""
    if _is_call(block):
        return _id(block)
    return str(block["tool_use_id"]) if "tool_use_id" in block else None


def _ended(kept: list[Content]) -> list[Content]:
    """A turn that the model is to go on with may not end with a space."""
    if kept and _type(kept[-1]) == "text":
        text = str(kept[-1]["text"])
        kept[-1] = {**kept[-1], "text": text.rstrip() if text[-1:].isspace() else text}
    return kept
