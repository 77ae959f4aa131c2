"""The SDK's clients: one for each set of settings and credentials, with its pool of connections.

To make a client takes about 30 ms, most of it for its TLS context, and each has connections of its
own; so one is used for all requests that are sent in the same way. The pool belongs to the
background loop alone: nothing else may touch it, and it needs no lock.
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
    choose_recording,
    current,
    on_replay_stopped,
    on_request,
    on_response,
    on_retry,
)

CONNECT_SECONDS = 5.0
"""As the SDK itself."""

MOST_CLIENTS = 8
"""Clients that are open at once, but for those in use: a key may be changed any number of times."""

CLOSE_SECONDS = 1.0
"""How long the end of the process waits for connections to be closed."""

Key = tuple[object, ...]
"""What two requests have in common that can go through one client."""


class _Pooled:
    """A client, and how many requests use it now."""

    def __init__(self, client: anthropic.AsyncAnthropic) -> None:
        self.client = client
        self.users = 0
        self.retired = False

    async def leave(self) -> None:
        self.users -= 1
        await self.close_if_unused()

    async def close_if_unused(self) -> None:
        if self.retired and not self.users:
            await self.client.close()


_clients: OrderedDict[Key, _Pooled] = OrderedDict()
_orphans: list[object] = []
"""The clients of the parent process: to delete one would close the parent's connections."""


@asynccontextmanager
async def client_for(exchange: Exchange) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Give the client through which an exchange goes, and make it the current one of this task.

    Raises:
        ConnectionLostError: The settings of the environment make no client.
    """
    current.set(exchange)
    pooled = await _find(exchange)
    pooled.users += 1
    try:
        yield pooled.client
    finally:
        await pooled.leave()


async def _find(exchange: Exchange) -> _Pooled:
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
    """Read the settings and credentials anew: one that was changed is used at once.

    Of the environment all variables count, as the SDK and its transport read many (keys, addresses,
    proxies, certificates, profiles). A profile's files count where no variable has a key.
    """
    settings = (exchange.timeout, exchange.max_retries, exchange.replay is None)
    profile = () if _has_key() else _profile_files()
    return (*settings, frozenset(os.environ.items()), profile)


def _has_key() -> bool:
    return any(os.environ.get(name) for name in keys.SENT)


def _profile_files() -> tuple[tuple[str, int], ...]:
    """Name and time of the last change of each of the SDK's files of profiles."""
    home = os.environ.get("ANTHROPIC_CONFIG_DIR") or Path("~/.config/anthropic").expanduser()
    with suppress(OSError, RuntimeError):
        return tuple((str(one), one.stat().st_mtime_ns) for one in sorted(Path(home).rglob("*")))
    return ()


def _make(exchange: Exchange) -> anthropic.AsyncAnthropic:
    replaying = exchange.replay is not None
    keys.remember()
    try:
        http = anthropic.DefaultAsyncHttpxClient(
            transport=ReplayTransport(choose_recording, on_replay_stopped) if replaying else None,
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
    if _clients:
        closing = asyncio.run_coroutine_threadsafe(_close_all(), background.loop())
        background.wait(closing, CLOSE_SECONDS)


def _forget() -> None:
    _orphans.append(list(_clients.values()))
    _clients.clear()


atexit.register(_close_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
