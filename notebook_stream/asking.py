"""What is sent: the request's body, and whether it may be sent at all."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import background, keys, usage
from .errors import OptionError
from .options import ALIASES, Options
from .reply import Reply, sound
from .turns import Place, messages

if TYPE_CHECKING:
    from .replay import Recording


@dataclass(frozen=True)
class Beginning:
    """A reply that was cut, to go on from."""

    reply: Reply


def request_body(prompt: str | Beginning, options: Options, place: Place) -> dict[str, Any]:
    """The request's JSON, without ``stream``, once nothing is wrong with it.

    Raises:
        OptionError: The prompt or an option cannot be used, or the budget does not allow it.
        CredentialsError: There is no key and no recording.
    """
    body = _continued(prompt) if isinstance(prompt, Beginning) else _asked(prompt, options, place)
    _check(options)
    _check_budget(body, options)
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


def _check_budget(body: dict[str, Any], options: Options) -> None:
    """See that what is spent and what this costs at least are within the budget.

    Raises:
        OptionError: They are not.
    """
    if options.budget is None or options.recorded:
        return
    from . import api

    model = api.model_id(options.model)
    tokens = usage.estimate_tokens(len(json.dumps([body["messages"], body.get("system")])))
    if usage.over_budget(model, 10 * tokens, options.budget):
        # So near to it that the API's own count matters, where there is one.
        counting = api.count_tokens({**body, "model": model})
        counted = asyncio.run_coroutine_threadsafe(counting, background.loop()).result()
        if refusal := usage.over_budget(model, counted or tokens, options.budget):
            raise OptionError(refusal)


def recording_for(options: Options) -> Callable[[dict[str, Any]], Recording] | None:
    """What answers instead of the API, if anything does."""
    if options.replay:
        from .replay import load

        recording = load(options.replay)
        return lambda body: recording
    if options.demo:
        from .demo import recorded_reply

        return recorded_reply
    return None


def _check(options: Options) -> None:
    """Find mistakes before anything is shown, without waiting for the SDK where that can be."""
    if options.model not in ALIASES and "claude" not in options.model:
        from . import api

        api.model_id(options.model)
    if options.recorded:
        return
    keys.check()
    if not os.environ.get("ANTHROPIC_API_KEY"):
        from . import api

        api.check_credentials()
