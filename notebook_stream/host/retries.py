"""Observe the retries of the Anthropic SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def before_retry(client: Any, notify: Callable[[float], None]) -> None:
    """Call ``notify`` with the seconds for which the SDK waits before it sends a request again.

    The SDK has no event for it and writes them to its log alone; it calls its client's private
    `BaseClient._calculate_retry_timeout` once for each wait (_base_client.py; read in anthropic
    2.11 and 2.13). A client without that method waits unobserved.

    Args:
        client: A client of the SDK, which is changed in place.
        notify: The function to call, in the thread and the task that sends the request.
    """
    calculate = getattr(client, "_calculate_retry_timeout", None)
    if calculate is None:
        return

    def calculate_and_notify(*args: Any, **named: Any) -> float:
        seconds = float(calculate(*args, **named))
        notify(seconds)
        return seconds

    client._calculate_retry_timeout = calculate_and_notify
