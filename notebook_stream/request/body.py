"""The body of a request: a prompt after the turns before it, or an answer that goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..conversation.place import Place
from ..errors import CredentialsError, OptionError
from ..text import keys
from ..text.surrogates import repair_surrogates
from ..values.reply import Reply
from ..values.turn import messages
from .models import supports_prefill
from .options import Options


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
    if not options.recorded and (name := keys.find_unsendable()):
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
    body = options.body()
    asked = {"role": "user", "content": repair_surrogates(prompt)}
    return {**body, "messages": [*messages(place.before(), body), asked]}


def _continued(beginning: Beginning) -> dict[str, Any]:
    """The request of a reply that was cut, with what came of it as the start of the answer.

    Raises:
        OptionError: The model takes no start of an answer.
    """
    begun = beginning.reply
    body = begun.request or {}
    model = str(begun.model)
    if not begun.strip():
        msg = "nothing of the answer came, so there is nothing to go on from; ask again."
        raise OptionError(msg)
    if not supports_prefill(model):
        msg = (
            f"{model} cannot go on from a partial answer (the API takes no start of one since "
            "Claude 4.6); ask again, or put what came into a new prompt as {{ name }}."
        )
        raise OptionError(msg)
    start = {"role": "assistant", "content": begun.rstrip()}
    *before, last = body["messages"]
    asked = before if last["role"] == "assistant" else [*before, last]  # it was gone on from before
    return {**body, "model": model, "messages": [*asked, start]}
