"""The rounds of an answer: the request of each, and what is measured of its response."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ClaudeError
from ..ledger import usage
from ..values.draft import AnswerDraft
from ..values.message import ConversationDigest
from ..values.round import RoundDraft, RoundFacts

if TYPE_CHECKING:
    from .. import api

PAUSED = "pause_turn"
"""The stop reason of a response that Claude goes on with once it is sent back.

Source: https://docs.claude.com/en/api/handling-stop-reasons (``pause_turn``)
"""

MOST_ROUNDS = 10
"""The requests that are sent for one answer."""


@dataclass
class SentRound:
    """A request that was sent, or is about to be, and when.

    Attributes:
        body: The request's JSON, without ``stream``.
        sent_at: When it was sent, on `time.monotonic`.
        first_token_at: When the first token came; None before.
        exchange: The request on its way; None before it is sent.
    """

    body: dict[str, Any]
    sent_at: float = field(default_factory=time.monotonic)
    first_token_at: float | None = None
    exchange: api.Exchange | None = None

    @property
    def seconds(self) -> float:
        """The seconds since it was sent."""
        return time.monotonic() - self.sent_at

    @property
    def first_token_seconds(self) -> float | None:
        """The seconds from sending to the first token; None where none came."""
        return None if self.first_token_at is None else self.first_token_at - self.sent_at

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user on how the response came."""
        return self.exchange.notes if self.exchange else ()

    def measure(
        self, draft: RoundDraft, error: ClaudeError | None, *, recorded: bool
    ) -> RoundFacts:
        """Return what the events do not say of a response that has ended.

        Args:
            draft: What came.
            error: Why it failed; None where it did not.
            recorded: Whether a recording answers. The thinking in it is not bound to the request,
                which may be another one than it was made with.
        """
        in_header = self.exchange.request_id if self.exchange else None
        estimated = not draft.counted and bool(draft.usage or draft.written)
        counted = draft.usage.tokens("output_tokens")
        output = usage.estimate_tokens(draft.written) if estimated else counted
        return RoundFacts(
            request_id=in_header or (error.request_id if error else None),
            seconds=self.seconds,
            first_token_seconds=self.first_token_seconds,
            cost=usage.price(draft.model, {**draft.usage, "output_tokens": output}),
            output_tokens=output,
            estimated=estimated,
            recorded=recorded,
            written_after="" if recorded else ConversationDigest.of(self.body),
        )


def continue_body(body: dict[str, Any], draft: AnswerDraft) -> dict[str, Any]:
    """Return the request of the next round: the first one's, with all that came since.

    Args:
        body: Of the first round. A start of the answer that it ends with is in the draft, too.
        draft: The answer so far, in which the last round has ended.
    """
    *before, last = body["messages"]
    asked = before if last["role"] == "assistant" else [*before, last]
    beside = _name_container(draft.round.message.get("container"))
    return {**body, **beside, "messages": [*asked, *draft.messages]}


def _name_container(container: Any) -> dict[str, str]:
    """Return the field that has the server's tools find their files of the round before."""
    name = container.get("id") if isinstance(container, dict) else None
    return {"container": name} if isinstance(name, str) else {}
