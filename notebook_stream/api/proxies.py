"""Find the variable of the environment that sets a proxy to the API, to name it in messages."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

DEFAULT_ADDRESS = "https://api.anthropic.com"

ANY = "HTTPS_PROXY"
"""The variable to name where none is set, as the proxy is the system's or a gateway's."""


def variable() -> str:
    """Return the name of the variable that sets the proxy to the API.

    The client reads the variables as Python does: the one for the address's scheme before
    ALL_PROXY, and the spelling in lower case before the one in upper case
    (https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies).
    """
    names = (f"{_scheme()}_proxy", "all_proxy")
    spellings = [spelling for name in names for spelling in (name, name.upper())]
    return next((one for one in spellings if os.environ.get(one)), ANY)


def applies() -> bool:
    """Return whether requests to the API go through a proxy that the environment sets."""
    proxies = getproxies_environment()
    if not (proxies.get(_scheme()) or proxies.get("all")):
        return False
    return not proxy_bypass(_host())


def _address() -> str:
    return os.environ.get("ANTHROPIC_BASE_URL") or DEFAULT_ADDRESS


def _scheme() -> str:
    return _address().partition(":")[0].lower()


def _host() -> str:
    try:
        return urlsplit(_address()).hostname or ""
    except ValueError:
        return ""
