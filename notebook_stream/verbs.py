"""ask, aask, stream and astream: Claude from Python, in a notebook or out of one."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator, Iterator
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import host
from .answering import TICK_SECONDS, Answer, view_here
from .errors import ClaudeError, OptionError
from .options import Options
from .prompt import Filled, fill_in
from .reply import Event, Reply
from .turns import Place

if TYPE_CHECKING:
    from .chat import Chat

_Item = tuple[Event, str] | None
"""An event and the text it adds; None at the end."""


def ask(prompt: str, *, chat: Chat | None = None, **options: Any) -> Reply:
    """Ask Claude and wait for the answer; a notebook shows it as it grows.

    Args:
        prompt: What to ask, sent as it is (``raw=False`` fills in ``{{ expressions }}``).
        chat: The chat that it is the next turn of.
        options: ``model``, ``system``, ``max_tokens``, ``record``, ``replay``, as in `%%claude?`.

    Returns:
        The answer: a ``str`` that also knows its usage, cost and stop reason.

    Raises:
        ClaudeError: It failed; ``.reply`` has what came, None where nothing was sent.
    """
    return _shown(prompt, chat, options).block()


async def aask(prompt: str, *, chat: Chat | None = None, **options: Any) -> Reply:
    """The same as `ask`, awaited. A cancelled task closes the stream."""
    return await _shown(prompt, chat, options).awaited()


def stream(prompt: str, *, chat: Chat | None = None, **options: Any) -> Stream:
    """The answer's text as it comes, shown nowhere.

    Example:
        with stream("Name three primes") as s:
            for text in s:
                print(text, end="")
        s.reply.usage

    Args and errors: as for `ask`.
    """
    return Stream(*_given(prompt, chat, options))


def astream(prompt: str, *, chat: Chat | None = None, **options: Any) -> AsyncStream:
    """The same as `stream`, for ``async with`` and ``async for``."""
    return AsyncStream(*_given(prompt, chat, options))


def _shown(prompt: str, chat: Chat | None, options: dict[str, Any]) -> Answer:
    filled, chosen, place = _given(prompt, chat, options)
    answer = Answer(
        filled.text,
        chosen,
        view=lambda: view_here("", chosen),
        place=place,
        bind=partial(place.keep, filled.text),
    )
    answer.notes = filled.notes
    return answer


_Asked = tuple[Filled, Options, Place]


def _given(prompt: str, chat: Chat | None, options: dict[str, Any]) -> _Asked:
    place = _place(chat)
    chosen = Options.of(
        {"raw": True, **(chat.options if chat else {}), **place.options(), **options}
    )
    here = host.shell()
    names = here.user_ns if here else {}
    return (Filled(prompt) if chosen.raw else fill_in(prompt, names)), chosen, place


def _place(chat: Any) -> Place:
    if chat is None:
        return Place()
    if not hasattr(chat, "place"):
        msg = f"chat must be a Chat, got {type(chat).__name__}; write chat=Chat()."
        raise OptionError(msg)
    place: Place = chat.place()
    return place


def _check_started(answer: Answer, how: str) -> None:
    if not answer.started:
        msg = f"the stream has not begun; write: {how}"
        raise ClaudeError(msg)


class Stream:
    """An answer as it comes; leaving the ``with`` block closes the connection."""

    def __init__(self, prompt: Filled, options: Options, place: Place) -> None:
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        put = self._queue.put
        self._answer = Answer(
            prompt.text,
            options,
            place=place,
            bind=partial(place.keep, prompt.text),
            on_event=lambda *item: put(item),
        )
        self._answer.notes = prompt.notes

    def __enter__(self) -> Stream:
        self._answer.start()
        self._answer.done.add_done_callback(lambda _: self._queue.put(None))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._answer.settle("interrupted" if kind is KeyboardInterrupt else "stopped")

    def __iter__(self) -> Iterator[str]:
        """The pieces of text, as they come."""
        return (text for _, text in self._items() if text)

    def events(self) -> Iterator[Event]:
        """The API's raw events (dict), as they come."""
        return (event for event, _ in self._items())

    def _items(self) -> Iterator[tuple[Event, str]]:
        _check_started(self._answer, "with stream(...) as s: ...")
        while (item := self._next()) is not None:
            yield item
        self._queue.put(None)  # a second loop ends at once
        self._answer.outcome()

    def _next(self) -> _Item:
        """The next item; the wait is short enough for Ctrl-C on Windows."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._queue.get(timeout=TICK_SECONDS)

    def stop(self) -> None:
        """Close the connection; the loop over the text ends."""
        self._answer.stop()

    @property
    def reply(self) -> Reply:
        """The Reply; waits for the end."""
        _check_started(self._answer, "with stream(...) as s: ...")
        return self._answer.done.result()


class AsyncStream:
    """An answer as it comes; leaving the ``async with`` block closes the connection."""

    def __init__(self, prompt: Filled, options: Options, place: Place) -> None:
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answer = Answer(
            prompt.text,
            options,
            place=place,
            bind=partial(place.keep, prompt.text),
            on_event=lambda *item: self._put(item),
        )
        self._answer.notes = prompt.notes

    def _put(self, item: _Item) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def __aenter__(self) -> AsyncStream:
        self._loop = asyncio.get_running_loop()
        await self._answer.begin()
        self._answer.done.add_done_callback(lambda _: self._put(None))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._answer.settled()

    def __aiter__(self) -> AsyncIterator[str]:
        """The pieces of text, as they come."""
        return self._texts()

    async def _texts(self) -> AsyncIterator[str]:
        async for _, text in self._items():
            if text:
                yield text

    async def events(self) -> AsyncIterator[Event]:
        """The API's raw events (dict), as they come."""
        async for event, _ in self._items():
            yield event

    async def _items(self) -> AsyncIterator[tuple[Event, str]]:
        _check_started(self._answer, "async with astream(...) as s: ...")
        while (item := await self._queue.get()) is not None:
            yield item
        self._queue.put_nowait(None)  # a second loop ends at once
        self._answer.outcome()

    def stop(self) -> None:
        """Close the connection; the loop over the text ends."""
        self._answer.stop()

    @property
    def reply(self) -> Reply:
        """The Reply.

        Raises:
            ClaudeError: The answer goes on.
        """
        _check_started(self._answer, "async with astream(...) as s: ...")
        if not self._answer.done.done():
            msg = "the answer goes on; read .reply after the loop over it, or call .stop() first."
            raise ClaudeError(msg)
        return self._answer.done.result()
