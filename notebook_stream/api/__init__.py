"""The Messages API: models, credentials, the stream of events, and failures in our words.

The one importer of `anthropic`. Events are taken from the SDK's raw stream as JSON: nothing that
the API sends is lost to a type that does not know it, at a fifth of the cost of its typed events.

Source: https://docs.claude.com/en/api/messages-streaming, https://docs.claude.com/en/api/errors
"""

from .credentials import check_credentials
from .exchange import Exchange
from .models import model_id, models
from .stream import count_tokens, events

__all__ = [
    "Exchange",
    "check_credentials",
    "count_tokens",
    "events",
    "model_id",
    "models",
]
