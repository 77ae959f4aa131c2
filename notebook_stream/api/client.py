"""The pool of the SDK's clients: one for each set of settings and credentials.

It takes about 30 ms to make a client, most of it for its TLS context, and each client has its own
connections; so all requests with the same settings and credentials share one. Only code that runs
on the background loop uses the pool, so that it needs no lock.
"""

from __future__ import annotations

import asyncio
import atexit
import os
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anthropic
import httpx2

from .. import background, host
from ..recording.transport import ReplayTransport
from ..text import keys
from . import failures
from .exchange import (
    Exchange,
    choose_round,
    current,
    on_replay_stopped,
    on_request,
    on_response,
    on_retry,
)

CONNECT_SECONDS = 5.0
"""The seconds in which a connection must be made; the SDK's own default."""

MOST_CLIENTS = 8
"""The most clients that stay open while no request uses them, as keys may be changed often."""

CLOSE_SECONDS = 1.0
"""The seconds that the end of the process waits for connections to be closed."""

Key = tuple[object, ...]
"""The settings and credentials of a client, by which it is found in the pool."""


class _Pooled:
    """A client in the pool.

    Attributes:
        client: The client.
        users: The number of requests that use it now.
        retired: Whether it was removed from the pool; then its last user closes it.
    """

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self.client = client
        self.users = 0
        self.retired = False

    async def leave(self) -> None:
        """Count one user less; close the client if it is retired and that was the last one."""
        self.users -= 1
        await self.close_if_unused()

    async def close_if_unused(self) -> None:
        """Close the client if it is retired and no request uses it."""
        if self.retired and not self.users:
            await self.client.close()


_clients: OrderedDict[Key, _Pooled] = OrderedDict()
_orphans: list[object] = []
"""The clients of the parent process, in a child: to delete one would close its connections."""


@asynccontextmanager
async def client_for(exchange: Exchange) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Provide the client for an exchange, and make the exchange the current one of this task.

    Raises:
        ConnectionLostError: No client can be made, as an address, a proxy or a certificate in the
            environment is not valid.
    """
    current.set(exchange)
    pooled = await _find(exchange)
    pooled.users += 1
    try:
        yield pooled.client
    finally:
        await pooled.leave()


async def _find(exchange: Exchange) -> _Pooled:
    """Return the client from the pool, made if needed; retire those that were used longest ago."""
    key = _key(exchange)
    if key not in _clients:
        _clients[key] = _Pooled(_make(exchange))
    _clients.move_to_end(key)
    pooled = _clients[key]
    while len(_clients) > MOST_CLIENTS:
        _, oldest = _clients.popitem(last=False)
        oldest.retired = True
        await oldest.close_if_unused()
    return pooled


def _key(exchange: Exchange) -> Key:
    """Return the settings and credentials that a request has now.

    They are read anew for each request, so that a change takes effect at once. All variables of the
    environment are among them, as the SDK and its transport read many (keys, addresses, proxies,
    certificates, profiles), and the files of profiles where no variable holds a key.
    """
    settings = (exchange.timeout, exchange.max_retries, exchange.replay is None)
    profile = () if _has_key() else _profile_files()
    return (*settings, frozenset(os.environ.items()), profile)


def _has_key() -> bool:
    return any(os.environ.get(name) for name in keys.SENT)


def _profile_files() -> tuple[tuple[str, int], ...]:
    """Return path and time of the last change (ns) of each file of the SDK's profiles."""
    home = os.environ.get("ANTHROPIC_CONFIG_DIR") or Path("~/.config/anthropic").expanduser()
    with suppress(OSError, RuntimeError):
        return tuple((str(one), one.stat().st_mtime_ns) for one in sorted(Path(home).rglob("*")))
    return ()


def _make(exchange: Exchange) -> anthropic.AsyncAnthropic:
    """Make a client, which plays recordings where the exchange asks for that.

    Raises:
        ConnectionLostError: As `client_for`.
    """
    replaying = exchange.replay is not None
    keys.remember()
    try:
        http = anthropic.DefaultAsyncHttpxClient(
            transport=ReplayTransport(choose_round, on_replay_stopped) if replaying else None,
            event_hooks={"request": [on_request], "response": [on_response]},
            follow_redirects=False,
        )
        made = anthropic.AsyncAnthropic(
            api_key="recorded" if replaying else None,
            http_client=http,
            max_retries=0 if replaying else exchange.max_retries,
            timeout=httpx2.Timeout(exchange.timeout, connect=CONNECT_SECONDS),
        )
    except (ValueError, ImportError, OSError, httpx2.InvalidURL) as error:
        raise failures.explain_unusable_client(error) from None
    host.before_retry(made, on_retry)
    return made


async def _close_all() -> None:
    while _clients:
        _, pooled = _clients.popitem()
        await pooled.client.close()


def _close_at_exit() -> None:
    """Close all connections, so that servers do not wait for a process that has ended."""
    if _clients:
        closing = asyncio.run_coroutine_threadsafe(_close_all(), background.loop())
        background.wait(closing, CLOSE_SECONDS)


def _forget() -> None:
    """Empty the pool in a child process without closing the connections, which the parent uses."""
    _orphans.append(list(_clients.values()))
    _clients.clear()


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
