"""What answers cost: tokens, price, and the session's ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field
from operator import add
from typing import Any

from .reply import Reply

CHARACTERS_PER_TOKEN = 4
"""Of English prose, roughly; used only where the API has not counted."""


def estimate_tokens(characters: int) -> int:
    """Tokens that a text of so many characters may have; at least 1 for any text."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def price(model: str | None, usage: Mapping[str, Any]) -> float | None:
    """What the tokens cost, by genai-prices.

    Args:
        model: The id that the API reported.
        usage: The API's usage object, input counts without the cached tokens.

    Returns:
        US dollars, or None where the model's price or the counts are unknown.
    """
    if not model or not isinstance(usage.get("input_tokens"), int):
        return None
    from genai_prices import extract_usage

    try:
        extracted = extract_usage({"model": model, "usage": dict(usage)}, provider_id="anthropic")
        return float(extracted.calc_price().total_price)
    except Exception:  # noqa: BLE001 - the counts come from a server, which may send anything
        return None


@dataclass
class Sum:
    """Totals of some replies: tokens, US dollars, seconds.

    Attributes:
        unknown: How many of them had no known price (their cost is not in ``cost``).
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost: float = 0.0
    unknown: int = 0
    seconds: float = 0.0

    def add(self, reply: Reply) -> None:
        """Take one more reply in."""
        self.requests += 1
        self.input_tokens += reply.usage.tokens("input_tokens") or 0
        self.output_tokens += reply.output_tokens or 0
        self.cache_read += reply.usage.tokens("cache_read_input_tokens") or 0
        self.cache_write += reply.usage.tokens("cache_creation_input_tokens") or 0
        self.seconds += reply.seconds or 0.0
        if not reply.recorded:
            self.cost += reply.cost or 0.0
            self.unknown += reply.cost is None and bool(reply.usage)

    def __add__(self, other: Sum) -> Sum:
        return Sum(*map(add, astuple(self), astuple(other)))

    def row(self, name: str) -> tuple[str, ...]:
        """The cells of a table row, as text."""
        counts = (self.requests, self.input_tokens, self.output_tokens)
        cached = (self.cache_read, self.cache_write)
        cost = f"${self.cost:,.4f}" + (f" + {self.unknown} of unknown price" * bool(self.unknown))
        return (name, *(f"{n:,}" for n in (*counts, *cached)), cost, f"{self.seconds:.1f} s")


COLUMNS = ("model", "requests", "in", "out", "cache read", "cache write", "cost", "time")


@dataclass(repr=False)
class Ledger:
    """Every reply of this session, summed by model; recorded ones apart, as they cost nothing."""

    sums: defaultdict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))

    def add(self, reply: Reply) -> None:
        """Enter a reply."""
        self.sums[self._line(reply)].add(reply)

    @staticmethod
    def _line(reply: Reply) -> str:
        model = reply.model or "unknown model"
        return f"{model} (recorded)" if reply.recorded else model

    def rows(self) -> Iterator[tuple[str, ...]]:
        """A row for each model, then the total: what a table of `COLUMNS` shows."""
        yield from (total.row(model) for model, total in self.sums.items())
        if len(self.sums) > 1:
            yield sum(self.sums.values(), Sum()).row("total")

    def __repr__(self) -> str:
        rows = [COLUMNS, *self.rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _repr_markdown_(self) -> str:
        rows = [COLUMNS, (":---", *["---:"] * (len(COLUMNS) - 1)), *self.rows()]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows).replace("$", "\\$")


session = Ledger()
"""The ledger of this process."""
