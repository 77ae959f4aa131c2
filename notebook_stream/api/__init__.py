"""The Messages API: models, credentials, the stream of events, and messages about failures.

This is the only package that imports `anthropic`. Events are read from the SDK's raw stream as
JSON, so that fields which the SDK's types do not know are not lost; this takes a fifth of the time
that its typed events take.

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
