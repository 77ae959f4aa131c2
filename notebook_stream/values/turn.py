"""One turn of a chat, and turns as the messages of a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import starmap, takewhile
from operator import eq
from typing import Any

from ..text.surrogates import repair_surrogates
from .message import NOTHING, Content, ConversationDigest, without_thinking
from .reply import Reply
from .round import Round

Cell = tuple[str, str]
"""The id of a notebook's cell, and of one run of it."""


@dataclass(frozen=True, eq=False)
class Turn:
    """One prompt with its reply.

    Attributes:
        prompt: The text of what was sent.
        reply: What came, whole or in part.
        cell: Where it was asked; None where the front end does not say.
        options: What it was asked with; of a chat's first turn they hold for the later ones.
        content: The content blocks that were sent, where that was more than the text (list of
            dict); None where it was the text alone.
    """

    prompt: str
    reply: Reply
    cell: Cell | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    content: list[Content] | None = None

    @property
    def message(self) -> dict[str, Any]:
        """The user's message, as the API takes it."""
        text = repair_surrogates(self.prompt)
        return {"role": "user", "content": text if self.content is None else self.content}


def messages(turns: Iterable[Turn], request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the turns as messages of the API (list of dict: role, content), none left open.

    The thinking of a round is among them only where all that goes before it is what went before
    it when it was written; so from the first change on there is none.

    Args:
        turns: The turns to send.
        request: The rest of the request's JSON, with its system prompt.
    """
    made: list[dict[str, Any]] = []
    digest = ConversationDigest(request)
    for turn in turns:
        digest.add(turn.message)
        made += [turn.message, *_answered(turn.reply, digest)]
    return made


def may_stand(reply: Reply) -> bool:
    """Return whether a reply can be that of a turn.

    One of which nothing came cannot: its prompt would stand there alone. Nor can one that Claude
    declined, as the next ones would be declined with it
    (https://platform.claude.com/docs/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals).
    """
    nothing = not reply.complete and all(one["content"] == [NOTHING] for one in reply.messages)
    return not nothing and reply.stop_reason != "refusal"


def _answered(reply: Reply, digest: ConversationDigest) -> Iterator[dict[str, Any]]:
    """Yield the messages of a reply before another prompt, without thinking bound elsewhere.

    Args:
        reply: Of a turn.
        digest: Of the conversation before it; each message is added.
    """
    rounds = iter(reply.rounds)
    for message in _up_to_an_answer(reply.messages):
        sent = message
        if message["role"] == "assistant":
            content = _bound(message["content"], next(rounds, None), str(digest))
            sent = {**message, "content": content}
        digest.add(sent)
        yield sent


def _up_to_an_answer(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages, with one of the assistant after a tool's result that ends them."""
    answer = {"role": "assistant", "content": [dict(NOTHING)]}
    return given if given[-1]["role"] == "assistant" else [*given, answer]


def _bound(content: list[Content], made: Round | None, before: str) -> list[Content]:
    """Return the content of a message, with as much of its thinking as may be sent.

    Args:
        content: What can be sent of a round.
        made: The round; None for an answer that was made by hand.
        before: Digest of the conversation that goes before it.
    """
    if made is None or not before or made.written_after != before:
        return without_thinking(content)
    # Within a message too, what goes before thinking may not have changed.
    unchanged = sum(takewhile(bool, starmap(eq, zip(made.blocks, content, strict=False))))
    return [*content[:unchanged], *without_thinking(content[unchanged:])]
