"""ask, aask, stream and astream: Claude from Python, in a notebook or out of one."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any

from . import host
from .conversation.conversation import Conversation
from .conversation.place import Place
from .conversation.queue import PromptQueue, Ticket
from .errors import ClaudeError, OptionError
from .prompt import Filled, fill_in
from .request.options import Options
from .running import waiting
from .running.answer import Answer, Stage
from .running.observers import Observer
from .running.views import view_here
from .values.reply import Reply
from .values.round import Event

_Item = tuple[Event, str] | None
"""An event and the text it adds; None at the end."""


def ask(prompt: str, *, chat: Conversation | None = None, **options: Any) -> Reply:
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
    call = _Call(prompt, chat, options)
    with call.join() as ticket:
        ticket.wait()
        return waiting.block(call.shown(ticket))


async def aask(prompt: str, *, chat: Conversation | None = None, **options: Any) -> Reply:
    """The same as `ask`, awaited. A cancelled task closes the stream."""
    call = _Call(prompt, chat, options)
    with call.join() as ticket:
        await ticket.waited()
        return await waiting.wait(call.shown(ticket))


def stream(prompt: str, *, chat: Conversation | None = None, **options: Any) -> Stream:
    """The answer's text as it comes, shown nowhere.

    Example:
        ```python
        with stream("Name three primes") as s:
            for text in s:
                print(text, end="")
        s.reply.usage
        ```

    Args and errors: as for `ask`.
    """
    return Stream(_Call(prompt, chat, options))


def astream(prompt: str, *, chat: Conversation | None = None, **options: Any) -> AsyncStream:
    """The same as `stream`, for ``async with`` and ``async for``."""
    return AsyncStream(_Call(prompt, chat, options))


class _Items(Observer):
    """Hands each event on to who iterates over the answer, on whatever thread that is."""

    def __init__(self, put: Callable[[_Item], None]) -> None:
        self._put = put

    def take(self, event: Event, text: str) -> None:
        """Put the event where it is read."""
        self._put((event, text))


class _Call:
    """What was asked, where; put together only when its turn in the chat has come.

    Raises:
        OptionError: The chat is none.
    """

    def __init__(self, prompt: str, chat: Any, options: dict[str, Any]) -> None:
        if chat is not None and not isinstance(chat, Conversation):
            msg = f"chat must be a Chat, got {type(chat).__name__}; write chat=Chat()."
            raise OptionError(msg)
        self._prompt = prompt
        self._options = options
        self._cell = host.cell()
        self.chat: Conversation | None = chat

    def join(self) -> Ticket:
        """Stand in the queue of the chat; outside of any there is nothing to wait for."""
        return PromptQueue().join() if self.chat is None else self.chat.join()

    def shown(self, ticket: Ticket) -> Answer:
        """The answer, to be shown where the cell runs."""
        filled, chosen, place = self._given(ticket.leave)
        stage = Stage(view=lambda: view_here("", chosen), notes=filled.notes)
        return Answer(filled.text, chosen, place=place, stage=stage)

    def streamed(self, leave: Callable[[], None], put: Callable[[_Item], None]) -> Answer:
        """The answer, to be shown nowhere; each item is put where it is read."""
        filled, chosen, place = self._given(leave)
        stage = Stage(notes=filled.notes)
        return Answer(filled.text, chosen, place=place, stage=stage, observers=[_Items(put)])

    def _given(self, leave: Callable[[], None]) -> tuple[Filled, Options, Place]:
        chat = self.chat
        place = Place() if chat is None else chat.place(self._cell, leave)
        lasting = {**(chat.options if chat else {}), **place.options()}
        chosen = Options.of({"raw": True, **lasting, **self._options})
        here = host.shell()
        names = here.user_ns if here else {}
        filled = Filled(self._prompt) if chosen.raw else fill_in(self._prompt, names)
        return filled, chosen, place


def _check_started(answer: Answer, how: str) -> None:
    if not answer.started:
        msg = f"the stream has not begun; write: {how}"
        raise ClaudeError(msg)


class _Streamed:
    """What `Stream` and `AsyncStream` have in common: an answer that begins when its turn comes.

    The first answer, which is never sent in a chat, is there to find mistakes in the call at once.
    """

    def __init__(self, call: _Call) -> None:
        self._call = call
        self._ticket: Ticket | None = None
        self._stopped = False
        self._answer = call.streamed(lambda: None, self._put)

    def _put(self, item: _Item) -> None:
        raise NotImplementedError

    def _join(self) -> Ticket:
        self._ticket = ticket = self._call.join()
        if self._stopped:
            ticket.call()
        return ticket

    def _prepare(self, ticket: Ticket) -> None:
        """Put it together with the turns that are before it now."""
        if self._call.chat is not None:
            self._answer = self._call.streamed(ticket.leave, self._put)
        if self._stopped:
            self._answer.stop()

    def stop(self) -> None:
        """Close the connection; the loop over the text ends."""
        self._stopped = True
        self._answer.stop()
        if self._ticket is not None:
            self._ticket.call()


class Stream(_Streamed):
    """An answer as it comes; leaving the ``with`` block closes the connection."""

    def __init__(self, call: _Call) -> None:
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        super().__init__(call)

    def _put(self, item: _Item) -> None:
        self._queue.put(item)

    def __enter__(self) -> Stream:
        ticket = self._join()
        try:
            ticket.wait()
            self._prepare(ticket)
            self._answer.start()
        except BaseException:
            ticket.leave()
            raise
        self._answer.done.add_done_callback(lambda _: self._put(None))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        waiting.settle(self._answer, "interrupted" if kind is KeyboardInterrupt else "stopped")

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
                return self._queue.get(timeout=host.TICK_SECONDS)

    @property
    def reply(self) -> Reply:
        """The Reply; waits for the end."""
        _check_started(self._answer, "with stream(...) as s: ...")
        return self._answer.done.result()


class AsyncStream(_Streamed):
    """An answer as it comes; leaving the ``async with`` block closes the connection."""

    def __init__(self, call: _Call) -> None:
        self._queue: asyncio.Queue[_Item] = asyncio.Queue()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(call)

    def _put(self, item: _Item) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, item)

    async def __aenter__(self) -> AsyncStream:
        self._loop = asyncio.get_running_loop()
        ticket = self._join()
        try:
            await ticket.waited()
            self._prepare(ticket)
            await waiting.begin(self._answer)
        except BaseException:
            ticket.leave()
            raise
        self._answer.done.add_done_callback(lambda _: self._put(None))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await waiting.settle_later(self._answer)

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
