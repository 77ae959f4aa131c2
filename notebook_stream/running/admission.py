"""Whether a request may be sent: that there is such a model, a key, and the money for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
from typing import Any

from .. import background
from ..errors import ClaudeError, StreamError
from ..ledger.usage import estimate_tokens
from ..request.options import ALIASES, Options
from ..text import keys
from .gate import Hold, gate, hold_for, unknown_price
from .imports import import_needed

log = keys.logger(__name__)


class Admission:
    """Whether a request may be sent: that there is such a model, a key, and the money for it.

    It is found out on the background loop, as that needs the SDK, may ask the API for its count of
    tokens, and waits for money that is held for answers on their way.

    Args:
        body: The request's JSON.
        options: Of the call.

    Attributes:
        hold: What the gate holds for it; nothing without a budget.
        refusal: Why it may not be sent; None where it may.
    """

    def __init__(self, body: dict[str, Any], options: Options) -> None:
        self._body = body
        self._options = options
        self._task: asyncio.Task[Hold] | None = None
        self._cancelled = False
        self._done: concurrent.futures.Future[None] | None = None
        self.hold = Hold()
        self.refusal: ClaudeError | None = None

    def begin(self) -> concurrent.futures.Future[None]:
        """Begin to find out, unless that has begun.

        Returns:
            What is done once it is known, and never fails.
        """
        if self._done is None:
            if _is_plain(self._options):
                self._done = concurrent.futures.Future()
                self._done.set_result(None)
            else:
                self._done = asyncio.run_coroutine_threadsafe(self._find_out(), background.loop())
        return self._done

    async def _find_out(self) -> None:
        if self._cancelled:
            return
        self._task = asyncio.create_task(_admit(self._body, self._options))
        await asyncio.wait({self._task})
        if self._task.cancelled():
            return
        error = self._task.exception()
        if error is None:
            self.hold = self._task.result()
        elif isinstance(error, ClaudeError):
            self.refusal = error
        else:
            log.error("a request could not be admitted", exc_info=error)
            self.refusal = StreamError(f"the request could not be prepared ({_words(error)}).")

    async def renew(self, body: dict[str, Any]) -> None:
        """Hold the money for another request of the same answer, in place of what is settled.

        Raises:
            OptionError: The budget does not allow it.
        """
        self.hold = await _admit(body, self._options)

    def cancel(self) -> None:
        """Wait no longer; on the background loop."""
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    def withdraw(self) -> None:
        """Free what is held, or will be, for a request that is not to be sent; from anywhere."""
        background.loop().call_soon_threadsafe(self.cancel)
        self.begin().add_done_callback(lambda _: gate.settle(self.hold, 0.0))


def _words(error: BaseException) -> str:
    return keys.redact_message(f"{type(error).__name__}: {' '.join(str(error).split())}")


def _is_plain(options: Options) -> bool:
    """Return whether there is nothing to find out, so that nothing need wait for it."""
    known = options.model in ALIASES or "claude" in options.model
    has_key = options.recorded or bool(os.environ.get("ANTHROPIC_API_KEY"))
    return known and has_key and (options.recorded or options.budget is None)


async def _admit(body: dict[str, Any], options: Options) -> Hold:
    """Hold the money for a request with which nothing is wrong.

    Raises:
        OptionError: There is no such model, or the budget does not allow it.
        CredentialsError: There is no key and no recording.
    """
    await import_needed()
    from .. import api

    model = api.model_id(options.model)
    if options.recorded:
        return Hold()
    if not os.environ.get("ANTHROPIC_API_KEY"):
        await asyncio.to_thread(api.check_credentials)
    if options.budget is None:
        return Hold()
    hold = await _hold({**body, "model": model}, options, options.budget)
    await gate.reserve(hold, options.budget)
    return hold


async def _hold(body: dict[str, Any], options: Options, budget: float) -> Hold:
    """Return what a request may cost, by the API's own count of tokens where the budget is near.

    Raises:
        OptionError: The price of the model is unknown, and that is not allowed.
    """
    from .. import api

    model, most = body["model"], options.max_tokens
    tokens = estimate_tokens(len(json.dumps([body["messages"], body.get("system")])))
    estimated, ten_times = hold_for(model, tokens, most), hold_for(model, 10 * tokens, most)
    if estimated is None or ten_times is None:
        if options.allow_unknown_price:
            return Hold()
        raise unknown_price(model, budget)
    if gate.spent + ten_times.least <= budget:
        return estimated
    counted = await api.count_tokens(body)
    return (hold_for(model, counted, most) if counted else None) or estimated
