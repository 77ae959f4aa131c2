"""What answers cost: tokens, price, and the session's ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from operator import add
from typing import TYPE_CHECKING, Any

from ..background import ForkSafeLock
from ..markdown import table
from ..values.reply import Reply
from ..values.round import Round
from ..values.usage import Usage

if TYPE_CHECKING:
    import pandas

CHARACTERS_PER_TOKEN = 4
"""Of English prose, roughly; used only where the API has not counted."""


def estimate_tokens(characters: int) -> int:
    """Return the tokens that a text of so many characters may have; at least 1 for any text."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def price(model: str | None, usage: Mapping[str, Any]) -> float | None:
    """Return what the tokens cost, by genai-prices.

    Args:
        model: The id that the API reported.
        usage: The API's usage object, input counts without the cached tokens.

    Returns:
        US dollars, or None where the model's price or the counts are unknown.
    """
    prices = [_price(model, usage), *(_price(*apart) for apart in _apart(model, usage))]
    return None if None in prices else sum(filter(None, prices))


def _apart(model: str | None, usage: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Model and counts of what the counts of the whole do not hold: summaries, advice.

    Source: https://docs.claude.com/en/api/messages (``usage.iterations``).
    """
    iterations = usage.get("iterations")
    for one in iterations if isinstance(iterations, list) else ():
        if isinstance(one, dict) and one.get("type") in {"compaction", "advisor_message"}:
            yield one.get("model") or model, one


def _price(model: Any, usage: Mapping[str, Any]) -> float | None:
    if not model or not isinstance(usage.get("input_tokens"), int):
        return None
    from genai_prices import extract_usage

    counts = {name: value for name, value in usage.items() if name != "iterations"}
    try:
        extracted = extract_usage({"model": model, "usage": counts}, provider_id="anthropic")
        return float(extracted.calc_price().total_price)
    except Exception:  # noqa: BLE001 - the counts come from a server, which may send anything
        return None


@dataclass(frozen=True)
class Sum:
    """Totals of some requests: tokens, US dollars, seconds.

    Attributes:
        thinking: Tokens of ``output_tokens`` that were thought, where the API says so.
        unknown: How many of them had no known price (their cost is not in ``cost``).
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    thinking: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cost: float = 0.0
    unknown: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, used: Reply | Round) -> Sum:
        """Return what one reply, or one round of it, used; what was recorded costs nothing."""
        details = used.usage.output_tokens_details
        return cls(
            requests=1,
            input_tokens=used.usage.tokens("input_tokens") or 0,
            output_tokens=used.output_tokens or 0,
            thinking=(details.tokens("thinking_tokens") or 0) if isinstance(details, Usage) else 0,
            cache_read=used.usage.tokens("cache_read_input_tokens") or 0,
            cache_write=used.usage.tokens("cache_creation_input_tokens") or 0,
            cost=0.0 if used.recorded else used.cost or 0.0,
            unknown=int(not used.recorded and used.cost is None and bool(used.usage)),
            seconds=used.seconds or 0.0,
        )

    def __add__(self, other: Sum) -> Sum:
        return Sum(*map(add, vars(self).values(), vars(other).values()))

    def row(self, *names: str) -> tuple[str, ...]:
        """Return the cells of a table row, as text."""
        counts = (self.requests, self.input_tokens, self.output_tokens, self.thinking)
        cached = (self.cache_read, self.cache_write)
        cost = f"${self.cost:,.4f}" + (f" + {self.unknown} of unknown price" * bool(self.unknown))
        return (*names, *(f"{n:,}" for n in (*counts, *cached)), cost, f"{self.seconds:.1f} s")


COUNTED = ("requests", "in", "out", "thinking", "cache read", "cache write", "cost", "time")
"""The columns of `Sum.row`."""


@dataclass(repr=False)
class Ledger:
    """Replies, or rounds, summed by some names; recorded ones apart, as they cost nothing.

    Attributes:
        names: What each row is named by, the model last.
        sums: The sum of each row, by its names.
    """

    names: tuple[str, ...] = ("model",)
    sums: dict[tuple[str, ...], Sum] = field(default_factory=dict)

    def add(self, used: Reply | Round, *names: str) -> None:
        """Enter what a reply, or one round of it, used in the row of those names and its model."""
        model = used.model or "unknown model"
        row = (*names, f"{model} (recorded)" if used.recorded else model)
        self.sums[row] = self.sums.get(row, Sum()) + Sum.of(used)

    @property
    def total(self) -> Sum:
        """The sum of all rows."""
        return sum(self.sums.values(), Sum())

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the names of the columns, a row for each sum, then the total, as text."""
        named = self._named()
        yield (*(self.names[n] for n in named), *COUNTED)
        for names, total in self.sums.items():
            yield total.row(*(names[n] for n in named))
        if len(self.sums) > 1:
            yield self.total.row("total", *[""] * (len(named) - 1))

    def _named(self) -> list[int]:
        """Return the names that say something: the model, and what any row has."""
        last = len(self.names) - 1
        return [n for n in range(last) if any(names[n] for names in self.sums)] + [last]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as numbers (list of dict), without the total."""
        return [
            {**dict(zip(self.names, names, strict=True)), **asdict(total)}
            for names, total in self.sums.items()
        ]

    def to_frame(self) -> pandas.DataFrame:
        """Return the rows as a table of pandas.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas

        columns = [*self.names, *(one.name for one in fields(Sum))]
        return pandas.DataFrame(self.records(), columns=columns).set_index(list(self.names))

    def __repr__(self) -> str:
        return table.render_plain(list(self.rows()))

    def _repr_markdown_(self) -> str:
        return table.render_markdown(list(self.rows()), len(self._named()))


class Session:
    """The ledger of this process: entered on one thread, read on any.

    One lock owns it; what is read is a copy, which later replies do not change.
    """

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._ledger = Ledger(("chat", "model"))

    def add(self, used: Reply | Round, chat: str) -> None:
        """Enter a round; chat is the name of the one it was asked in, "" outside of any."""
        with self._lock:
            self._ledger.add(used, chat)

    def snapshot(self) -> Ledger:
        """Return the ledger as it is now."""
        with self._lock:
            return Ledger(self._ledger.names, dict(self._ledger.sums))

    @property
    def total(self) -> Sum:
        """The sum of all requests so far."""
        return self.snapshot().total


session = Session()


def dollars(cost: float) -> str:
    """Return US dollars with the digits that matter: 12.35, 0.0057, 0.000021."""
    if cost >= 1 or cost == 0:
        return f"{cost:,.2f}"
    return f"{cost:.4f}" if cost >= 0.001 else f"{cost:.6f}"
