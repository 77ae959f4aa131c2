"""The figures in the header of a live view."""

from __future__ import annotations

import time
from typing import Any

from ..ledger.usage import dollars, estimate_tokens, price, session
from ..values.draft import AnswerDraft
from ..values.round import RoundDraft

LEAST_RATE_SECONDS = 0.5
"""The seconds after the first token from which on a rate is shown."""

PRICE_SECONDS = 1.0
"""The seconds between two computations of the cost."""


class Header:
    """Computes the figures of an answer on its way: seconds, tokens, tokens per second, cost.

    Args:
        recorded: Whether the answer comes from a recording, which costs nothing.
        budget: The US dollars of this session; with None only the answer's own cost is shown.
    """

    def __init__(self, *, recorded: bool, budget: float | None) -> None:
        self._recorded = recorded
        self._budget = budget
        self._opened = time.monotonic()
        self._first_token: float | None = None
        self._priced: float | None = None
        self._cost: str | None = None
        self.wait = ""

    @property
    def seconds(self) -> float:
        """The seconds since the view was made."""
        return time.monotonic() - self._opened

    def describe(self, draft: AnswerDraft) -> dict[str, Any]:
        """Return the fields of a message that are shown in the header."""
        tokens = count_output(draft)
        seconds = self.seconds
        return {
            "phase": draft.phase,
            "wait": self.wait if draft.phase == "waiting" else "",
            "model": draft.model,
            "tokens": tokens,
            "exact": draft.counted,
            "seconds": seconds,
            "rate": self._rate(tokens, seconds),
            "cost": self._describe_cost(draft, seconds),
        }

    def _rate(self, tokens: int, seconds: float) -> int | None:
        """Return the tokens per second since the first one; None before `LEAST_RATE_SECONDS`."""
        if tokens and self._first_token is None:
            self._first_token = seconds
        took = seconds - self._first_token if self._first_token is not None else 0.0
        return round(tokens / took) if took > LEAST_RATE_SECONDS else None

    def _describe_cost(self, draft: AnswerDraft, seconds: float) -> str | None:
        """Return the cost so far in words, computed anew each `PRICE_SECONDS`."""
        if self._priced is None or seconds >= self._priced + PRICE_SECONDS:
            self._priced = seconds
            of_open = price_open_round(draft)
            costs = [*(one.cost for one in draft.rounds), of_open]
            cost = None if None in costs else sum(filter(None, costs))
            about = "" if draft.counted else "≈ "
            own = None if cost is None else f"{about}${dollars(cost)}"
            self._cost = " · ".join(filter(None, (own, self._describe_budget(of_open)))) or None
        return self._cost

    def _describe_budget(self, of_open: float | None) -> str | None:
        """Return what is spent in words; rounds that have ended are in the session's sums."""
        if self._budget is None:
            return None
        spent = session.total.cost + (0 if self._recorded else of_open or 0)
        return f"${dollars(spent)} of ${dollars(self._budget)} spent"


def count_output(draft: AnswerDraft | RoundDraft) -> int:
    """Return the output tokens so far: the API's count, or an estimate."""
    counted = draft.usage.tokens("output_tokens") if draft.counted else None
    return estimate_tokens(draft.written) if counted is None else counted


def price_open_round(draft: AnswerDraft) -> float | None:
    """Return what the round that is open costs so far, in US dollars; None where unknown."""
    if not draft.has_open_round:
        return 0.0
    usage = {**draft.round.usage, "output_tokens": count_output(draft.round)}
    return price(draft.round.model, usage)
