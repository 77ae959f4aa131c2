"""What is sent: the request's body, and whether it may be sent at all."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import background, keys
from .errors import ClaudeError, CredentialsError, OptionError, StreamError
from .gate import Hold, gate, hold_for, unknown_price
from .options import ALIASES, Options
from .recording import Recording, difference, load
from .redaction import as_recorded
from .reply import Reply, sound
from .turns import Place, messages
from .usage import estimate_tokens

log = keys.logger(__name__)


@dataclass(frozen=True)
class Beginning:
    """A reply that was cut, to go on from."""

    reply: Reply


def request_body(prompt: str | Beginning, options: Options, place: Place) -> dict[str, Any]:
    """The request's JSON, without ``stream``, once nothing is wrong with it.

    Raises:
        OptionError: The prompt or an option cannot be used.
        CredentialsError: The key cannot be sent as it is.
    """
    body = _continued(prompt) if isinstance(prompt, Beginning) else _asked(prompt, options, place)
    if not options.recorded and (name := keys.unsendable()):
        msg = f"{name} cannot be sent as it is; take spaces and line ends out of it."
        raise CredentialsError(msg)
    return body


def _asked(prompt: Any, options: Options, place: Place) -> dict[str, Any]:
    if not isinstance(prompt, str):
        msg = f"the prompt must be text, got {type(prompt).__name__}; write str(…) around it."
        raise OptionError(msg)
    if not prompt.strip():
        msg = "the prompt is empty; write what to ask."
        raise OptionError(msg)
    body: dict[str, Any] = {"model": options.model, "max_tokens": options.max_tokens}
    if options.system:
        body["system"] = sound(options.system)
    asked = {"role": "user", "content": sound(prompt)}
    return {**body, "messages": [*messages(place.before(), body), asked]}


def _continued(beginning: Beginning) -> dict[str, Any]:
    """The request of a reply that was cut, with what came of it as the start of the answer.

    Raises:
        OptionError: The model takes no start of an answer.
    """
    from . import api

    begun = beginning.reply
    body = begun.request or {}
    model = str(begun.model)
    if not begun.strip():
        msg = "nothing of the answer came, so there is nothing to go on from; ask again."
        raise OptionError(msg)
    if not api.takes_start(model):
        msg = (
            f"{model} cannot go on from a partial answer (the API takes no start of one since "
            "Claude 4.6); ask again, or put what came into a new prompt as {{ name }}."
        )
        raise OptionError(msg)
    start = {"role": "assistant", "content": begun.rstrip()}
    *before, last = body["messages"]
    asked = before if last["role"] == "assistant" else [*before, last]  # it was gone on from before
    return {**body, "model": model, "messages": [*asked, start]}


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
    """Whether there is nothing to find out, so that nothing need wait for it."""
    known = options.model in ALIASES or "claude" in options.model
    has_key = options.recorded or bool(os.environ.get("ANTHROPIC_API_KEY"))
    return known and has_key and (options.recorded or options.budget is None)


async def _admit(body: dict[str, Any], options: Options) -> Hold:
    """Hold the money for a request with which nothing is wrong.

    Raises:
        OptionError: There is no such model, or the budget does not allow it.
        CredentialsError: There is no key and no recording.
    """
    await background.imported()
    from . import api

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
    """What a request may cost, by the API's own count of tokens where the budget is near.

    Raises:
        OptionError: The price of the model is unknown, and that is not allowed.
    """
    from . import api

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


def recording_for(options: Options) -> Callable[[dict[str, Any]], Recording] | None:
    """What answers instead of the API, if anything does."""
    if options.replay:
        recording = load(options.replay)
        return lambda body: recording
    if options.demo:
        from .demo import recorded_reply

        return recorded_reply
    return None


def replay_notes(recording: Recording, body: dict[str, Any]) -> tuple[str, ...]:
    """Sentences on what else than the request's body the recording that answers was made with."""
    note = difference(recording, as_recorded(body))
    return (note,) if note else ()
