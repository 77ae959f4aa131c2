"""Make the body of a request from a prompt and the turns before it, or from a cut answer."""

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
    """A reply that was cut, whose text becomes the beginning of the next answer.

    Attributes:
        reply: The reply.
    """

    reply: Reply


def request_body(prompt: str | Beginning, options: Options, place: Place) -> dict[str, Any]:
    """Check a prompt and its options, and make the body of the request without ``stream``.

    Args:
        prompt: What to ask, or the reply to continue.
        options: The options of the call.
        place: The place of the prompt in its chat.

    Raises:
        OptionError: The prompt or an option cannot be used.
        CredentialsError: The key cannot be sent as it is.
    """
    if isinstance(prompt, Beginning):
        body = _continue_reply(prompt)
    else:
        body = _ask_prompt(prompt, options, place)
    if not options.recorded and (name := keys.find_unsendable()):
        msg = f"{name} cannot be sent as it is; take spaces and line ends out of it."
        raise CredentialsError(msg)
    return body


def _ask_prompt(prompt: Any, options: Options, place: Place) -> dict[str, Any]:
    """Make the body that asks a prompt after the turns before it."""
    if not isinstance(prompt, str):
        msg = f"the prompt must be text, got {type(prompt).__name__}; write str(…) around it."
        raise OptionError(msg)
    if not prompt.strip():
        msg = "the prompt is empty; write what to ask."
        raise OptionError(msg)
    body = options.body()
    asked = {"role": "user", "content": repair_surrogates(prompt)}
    return {**body, "messages": [*messages(place.before(), body), asked]}


def _continue_reply(beginning: Beginning) -> dict[str, Any]:
    """Make the body of the reply's own request, with its text as the beginning of the answer.

    Raises:
        OptionError: The reply has no text, or its model does not continue a given beginning.
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
    # A last message of the assistant is the beginning that an earlier continuation gave.
    asked = before if last["role"] == "assistant" else [*before, last]
    return {**body, "model": model, "messages": [*asked, start]}
