"""The figures in the header of a live view."""

from __future__ import annotations

import re
import time
from typing import Any

from ..ledger.usage import dollars, estimate_tokens, price, session
from ..values.draft import AnswerDraft
from ..values.round import RoundDraft

LEAST_RATE_SECONDS = 0.5
"""The seconds after the first token from which on a rate is shown."""

DOINGS = {
    "web_search": "Searching the web",
    "web_fetch": "Reading a page",
    "code_execution": "Running code",
    "bash_code_execution": "Running code",
    "text_editor_code_execution": "Editing a file",
    "tool_search_tool_bm25": "Searching the tools",
    "tool_search_tool_regex": "Searching the tools",
    "advisor": "Asking the advisor",
}
"""What an answer does while one of the API's own tools is called, by the name of the tool.

Source: https://docs.claude.com/en/docs/agents-and-tools/tool-use/overview
"""

LONGEST_NAME = 40
"""The characters of a tool's name that are shown."""

_RETRY = re.compile(r"in ([\d.]+) s\Z")

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
        self._wait = ""
        self._wait_began = 0.0

    def wait(self, words: str) -> None:
        """Show what the answer waits for; the seconds that ``words`` may end with count down."""
        self._wait = words[:1].upper() + words[1:]
        self._wait_began = time.monotonic()

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
            "wait": describe_doing(draft) or self._describe_wait(draft),
            "model": draft.model,
            "tokens": tokens,
            "exact": draft.counted,
            "seconds": seconds,
            "rate": self._rate(tokens, seconds),
            "cost": self._describe_cost(draft, seconds),
        }

    def _describe_wait(self, draft: AnswerDraft) -> str:
        """Return what the answer waits for, with the seconds that are left; "" once it came."""
        if draft.phase != "waiting":
            return ""
        passed = time.monotonic() - self._wait_began
        return _RETRY.sub(lambda m: f"in {max(0.0, float(m[1]) - passed):.1f} s", self._wait)

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


def describe_doing(draft: AnswerDraft) -> str:
    """Return in words what tool the answer calls at its end; "" where it calls none.

    The name of a tool may be anything, so that its beginning alone is shown.
    """
    last = draft.blocks[-1] if draft.blocks else None
    if last is None or not last.type.endswith("tool_use"):
        return ""
    name = str(last.start.get("name") or "a tool")
    if last.type == "server_tool_use" and name in DOINGS:
        return DOINGS[name]
    return f"Calling {name[:LONGEST_NAME]}"


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
