"""The gate for all that is sent under a budget: money is reserved first and settled afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..background import ForkSafeLock
from ..errors import OptionError
from ..ledger.usage import Sum, dollars, price, session


@dataclass(frozen=True, eq=False)
class Hold:
    """Money that is held for one request, in US dollars.

    Attributes:
        least: What it costs if it is answered with one token.
        most: What it costs if all of its ``max_tokens`` are written.
    """

    least: float = 0.0
    most: float = 0.0


def hold_for(model: str, input_tokens: int, max_tokens: int) -> Hold | None:
    """Return what a request may cost; None where the price of the model is unknown.

    Args:
        model: The id of the model.
        input_tokens: Of the request.
        max_tokens: The most that may be written.
    """
    least = price(model, {"input_tokens": input_tokens, "output_tokens": 1})
    most = price(model, {"input_tokens": input_tokens, "output_tokens": max_tokens})
    return None if least is None or most is None else Hold(least, most)


def unknown_price(model: str, budget: float) -> OptionError:
    """Return what to raise for a model of unknown price, for which no budget can hold money."""
    return OptionError(
        f"the price of {model!r} is unknown, so the budget of ${dollars(budget)} cannot hold for "
        "it; name another model, or allow it with %config ClaudeMagics.allow_unknown_price = True."
    )


class Gate:
    """Lets a request through once the budget has room for it; one lock owns what is held.

    A request needs room for the least that it costs, beside what was spent and the most that each
    answer on its way may cost. So one that fits alone always goes, many that fit together go at
    once, and what is spent in the end exceeds the budget by no more than one answer costs beyond
    its least. A request that has room only once answers on their way have ended waits for them:
    most cost a fraction of their most.

    Args:
        spent: Gives the sums of the session, without what is held.
    """

    def __init__(self, spent: Callable[[], Sum]) -> None:
        self._lock = ForkSafeLock()
        self._spent = spent
        self._unpriced = 0.0
        self._holds: set[Hold] = set()
        self._waiting: list[Callable[[], object]] = []

    @property
    def held(self) -> float:
        """US dollars that are held for answers on their way."""
        with self._lock:
            return sum(hold.most for hold in self._holds)

    @property
    def spent(self) -> float:
        """US dollars that are spent, those included that only the gate knows of."""
        return self._spent().cost + self._unpriced

    async def reserve(self, hold: Hold, budget: float) -> None:
        """Hold the money; wait where it is held for answers on their way. Cancelled, it holds none.

        Raises:
            OptionError: The budget has no room, whatever those answers cost.
        """
        here = asyncio.get_running_loop()
        while True:
            turn = asyncio.Event()
            if self._try(hold, budget, partial(here.call_soon_threadsafe, turn.set)):
                return
            await turn.wait()

    def _try(self, hold: Hold, budget: float, wake: Callable[[], object]) -> bool:
        """Hold the money if there is room; else have ``wake`` called when some comes free."""
        with self._lock:
            # Read under the lock: what another answer holds is not yet spent, or no longer held.
            needed = self.spent + hold.least
            if needed > budget:
                raise OptionError(self._refusal(hold, budget))
            if self._holds and needed + self.held > budget:
                self._waiting.append(wake)
                return False
            self._holds.add(hold)
            return True

    def settle(self, hold: Hold, cost: float | None) -> None:
        """Free what is held, once what it cost is in the session's sums; any number of times.

        Args:
            hold: What `reserve` held.
            cost: US dollars; None where that cannot be known, and then the most counts as spent.
        """
        with self._lock:
            if hold not in self._holds:
                return
            self._holds.remove(hold)
            self._unpriced += hold.most if cost is None else 0.0
            woken, self._waiting = self._waiting, []
        for wake in woken:
            wake()

    def forget(self) -> None:
        """Free all that is held: the answers are on their way in the process that forked."""
        self._holds.clear()
        self._waiting.clear()

    def _refusal(self, hold: Hold, budget: float) -> str:
        unknown = self._spent().unknown
        more = f" + {unknown} of unknown price" if unknown else ""
        return (
            f"the budget of ${dollars(budget)} does not allow this: ${dollars(self.spent)}{more} "
            f"is spent and this costs at least ${dollars(hold.least)}; raise it with "
            f"%config ClaudeMagics.budget = {2 * budget or 1:g}."
        )


gate = Gate(lambda: session.total)
"""The gate of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=gate.forget)
