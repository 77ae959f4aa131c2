"""Which proxy of the environment is on the way to the API, to name its variable."""

from __future__ import annotations

import os
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

DEFAULT_ADDRESS = "https://api.anthropic.com"

ANY = "HTTPS_PROXY"
"""What to name where no variable is set: the proxy is the system's, or a gateway's own."""


def variable() -> str:
    """The name of the environment's variable that sets the proxy to the API.

    The client reads them as Python does: one for the address's scheme before ALL_PROXY, the
    spelling in lower case before the other
    (https://docs.python.org/3/library/urllib.request.html#urllib.request.getproxies).
    """
    names = (f"{_scheme()}_proxy", "all_proxy")
    spellings = [spelling for name in names for spelling in (name, name.upper())]
    return next((one for one in spellings if os.environ.get(one)), ANY)


def applies() -> bool:
    """Whether the API is asked through a proxy that the environment sets."""
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
