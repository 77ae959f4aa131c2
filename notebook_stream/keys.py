"""Where keys and passwords are, so that none is shown anywhere."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from .errors import CredentialsError

KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
ADDRESSES = ("ANTHROPIC_BASE_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
SHORTEST = 6
"""Characters that make a secret; shorter ones are words of every sentence."""


def check() -> None:
    """See that the keys can be sent.

    Raises:
        CredentialsError: A key has a space or a line end in it, as one read from a file may.
    """
    for name in KEYS:
        if re.search(r"[^\x21-\x7e]", os.environ.get(name, "")):
            msg = f"{name} cannot be sent as it is; take spaces and line ends out of it."
            raise CredentialsError(msg)


def redact(text: str) -> str:
    """Return `text` with each key and password that this process knows replaced by `…`."""
    for secret in sorted(_secrets(), key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "…")
    return re.sub(r"\bsk-ant-[\w-]{8,}", "…", text)


def _secrets() -> Iterator[str]:
    yield from (os.environ.get(name, "").strip() for name in KEYS)
    for line in os.environ.get(HEADERS, "").splitlines():
        yield line.partition(":")[2].strip()
    for name in (*ADDRESSES, *map(str.lower, ADDRESSES)):
        yield _password(os.environ.get(name, ""))


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return address
