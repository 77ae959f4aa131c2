"""Check that the SDK finds credentials, by the rules of the SDK itself."""

from __future__ import annotations

import os

import anthropic
import httpx2

from ..errors import CredentialsError


def check_credentials() -> None:
    """Check that the SDK finds a key, a token, a profile or an authorization header.

    Raises:
        CredentialsError: It finds none of them.
    """
    if not _has_credentials():
        msg = (
            "no API key was found; set ANTHROPIC_API_KEY, or point ANTHROPIC_BASE_URL at a local "
            "server (with any key), or run %claude_demo for the recorded replies."
        )
        raise CredentialsError(msg)


def _has_credentials() -> bool:
    """Return whether a client of the SDK has credentials; it is made without a TLS context."""
    idle = httpx2.AsyncClient(verify=False, trust_env=False)  # Sends nothing.
    try:
        client = anthropic.AsyncAnthropic(http_client=idle, base_url="http://localhost")
    except anthropic.CredentialsError:
        return False
    headers = os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").lower()
    return bool(client.api_key or client.auth_token or client.credentials) or (
        "authorization:" in headers
    )
