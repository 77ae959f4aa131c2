"""One turn of a chat, and turns as the messages of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import starmap, takewhile
from operator import eq
from typing import Any

from .message import NOTHING, Content, ConversationDigest, sendable, without_thinking
from .reply import Reply, sound

Cell = tuple[str, str]
"""The id of a notebook's cell, and of one run of it."""


@dataclass(frozen=True, eq=False)
class Turn:
    """One prompt with its reply.

    Attributes:
        prompt: What was sent.
        reply: What came, whole or in part.
        cell: Where it was asked; None where the front end does not say.
        options: What it was asked with; of a chat's first turn they hold for the later ones.
    """

    prompt: str
    reply: Reply
    cell: Cell | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def messages(turns: Iterable[Turn], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The turns as the API takes them (list of dict: role, content), nothing in them left open.

    The thinking of an answer is among them only where all that goes before it is what went before
    it when it was written; so from the first change on there is none.

    Args:
        turns: The turns to send.
        request: The rest of the request's JSON, with its system prompt.
    """
    made: list[dict[str, Any]] = []
    digest = ConversationDigest(request)
    for turn in turns:
        asked = {"role": "user", "content": sound(turn.prompt)}
        digest.add(asked)
        answered = {"role": "assistant", "content": _content(turn.reply, str(digest))}
        digest.add(answered)
        made += [asked, answered]
    return made


def may_stand(reply: Reply) -> bool:
    """Whether a reply can be that of a turn.

    One of which nothing came cannot: its prompt would stand there alone. Nor can one that Claude
    declined, as the next ones would be declined with it
    (https://platform.claude.com/docs/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals).
    """
    nothing = not reply.complete and sendable(_blocks(reply), None) == [NOTHING]
    return not nothing and reply.stop_reason != "refusal"


def _blocks(reply: Reply) -> list[Content]:
    return reply.blocks or [{"type": "text", "text": str(reply)}]  # one that was made by hand


def _content(reply: Reply, before: str) -> list[Content]:
    """What of a reply goes before another prompt: no call of a tool may stay open.

    Args:
        reply: Of a turn.
        before: Digest of the conversation that goes before it.
    """
    blocks = _blocks(reply)
    content = sendable(blocks, None)
    if not before or reply._written_after != before:
        return without_thinking(content)
    # Within a turn too, what goes before thinking may not have changed.
    same = sum(takewhile(bool, starmap(eq, zip(blocks, content, strict=False))))
    return [*content[:same], *without_thinking(content[same:])]
