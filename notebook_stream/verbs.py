"""The functions ask, aask, stream and astream, which ask Claude from Python.

`ask` and `aask` show the answer where they are called and return the whole of it; `stream` and
`astream` show nothing and give its text to a loop.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Literal, overload

from . import background, host
from .conversation.conversation import Conversation
from .conversation.queue import Ticket
from .errors import ClaudeError
from .request.options import Options
from .running import waiting
from .running.answer import Answer, Stage
from .running.call import Call
from .running.detached import can_detach, detach
from .running.items import ItemQueue
from .running.observers import Observer
from .running.pending import PendingAnswer
from .running.views import view_here
from .values.reply import Reply
from .values.round import Event
from .view import View

_Item = tuple[Event, str] | None
"""An event of the API with the text that it adds to the answer; None after the last one."""


@overload
def ask(
    prompt: str,
    *,
    chat: Conversation | None = None,
    background: Literal[False] = False,
    **options: Any,
) -> Reply: ...


@overload
def ask(
    prompt: str, *, chat: Conversation | None = None, background: bool, **options: Any
) -> Reply | PendingAnswer: ...


def ask(
    prompt: str, *, chat: Conversation | None = None, background: bool = False, **options: Any
) -> Reply | PendingAnswer:
    """Ask Claude and wait for the answer; a notebook shows it as it grows.

    Args:
        prompt: What to ask, sent as it is (``raw=False`` fills in ``{{ expressions }}``).
        chat: The chat of which the prompt becomes the next turn; None for a prompt on its own.
        background: Whether to return at once, with the answer on its way: it can be awaited, has
            ``.state``, ``.text`` and ``.stop()``, and is as good as the Reply once it has ended.
            Where a program runs the notebook, which shows an output only when its cell has ended,
            the answer is waited for all the same.
        options: The options that `%%claude?` lists, such as ``model``, ``system``, ``max_tokens``.

    Returns:
        The answer: a ``str`` with attributes for its usage, cost and stop reason; in the
        background, the answer on its way.

    Raises:
        ClaudeError: It failed; ``.reply`` holds the part that came, None where nothing was sent.
        KeyboardInterrupt: It was interrupted; ``.reply`` is the same.
    """
    call = Call(prompt, chat, options)
    if background and can_detach():
        return detach(call.join(), partial(_make_detached, call), again=chat is not None)
    with call.join() as ticket:
        ticket.wait()
        return waiting.block(_make_shown(call, ticket))


def _make_detached(
    call: Call, ticket: Ticket, view: Callable[[Options], View], observers: Sequence[Observer]
) -> Answer:
    return call.make(ticket.leave, Stage(view=view), observers)


async def aask(prompt: str, *, chat: Conversation | None = None, **options: Any) -> Reply:
    """Ask Claude as `ask` does, awaited; to cancel the task closes the connection.

    Raises:
        ClaudeError: As `ask`.
    """
    call = Call(prompt, chat, options)
    with call.join() as ticket:
        await ticket.wait_async()
        return await waiting.wait(_make_shown(call, ticket))


def stream(prompt: str, *, chat: Conversation | None = None, **options: Any) -> Stream:
    """Ask Claude and loop over the answer's text as it comes; nothing shows it.

    Example:
        ```python
        with stream("Name three primes") as s:
            for text in s:
                print(text, end="")
        s.reply.usage
        ```

    Args:
        prompt: As for `ask`.
        chat: As for `ask`.
        options: As for `ask`.

    Raises:
        ClaudeError: As `ask`; the loop raises it after the text that came.
    """
    return Stream(Call(prompt, chat, options))


def astream(prompt: str, *, chat: Conversation | None = None, **options: Any) -> AsyncStream:
    """Ask Claude as `stream` does, for ``async with`` and ``async for``."""
    return AsyncStream(Call(prompt, chat, options))


def _make_shown(call: Call, ticket: Ticket) -> Answer:
    """Make the answer that is shown where the call runs."""
    return call.make(ticket.leave, Stage(view=partial(view_here, "")))


class _Items(Observer):
    """An observer that puts each event into the queue of a loop over the answer."""

    def __init__(self, put: Callable[[_Item], None]) -> None:
        self._put = put

    def take(self, event: Event, text: str) -> None:
        """Put the event and its text into the queue."""
        self._put((event, text))


def _check_started(answer: Answer, how: str) -> None:
    """Raise a ClaudeError where the answer was never sent, which says how to begin it."""
    if not answer.started:
        msg = f"the stream has not begun; write: {how}"
        raise ClaudeError(msg)


class _Streamed:
    """What `Stream` and `AsyncStream` have in common: an answer that begins when its turn comes.

    An answer is made at once, so that mistakes in the call are raised at once. In a chat it is made
    again when its turn has come, with the turns that are before it then.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._ticket: Ticket | None = None
        self._stopped = False
        self._items = _Items(self._put)
        self._answer = call.make(lambda: None, observers=[self._items])

    def _put(self, item: _Item) -> None:
        """Put an item into the queue of the loop; called on the thread of the network."""
        raise NotImplementedError

    def _join(self) -> Ticket:
        """Join the queue of the chat; a stream that was stopped already does not wait in it."""
        self._ticket = ticket = self._call.join()
        if self._stopped:
            ticket.call()
        return ticket

    def _prepare(self, ticket: Ticket) -> None:
        """Make the answer again in a chat, with the turns that are before it now."""
        if self._call.chat is not None:
            self._answer = self._call.make(ticket.leave, observers=[self._items])
        if self._stopped:
            self._answer.stop()

    def stop(self) -> None:
        """Stop the answer: the connection is closed and the loop over the text ends."""
        self._stopped = True
        self._answer.stop()
        if self._ticket is not None:
            self._ticket.call()


class Stream(_Streamed):
    """An answer on its way, to loop over; the end of the ``with`` block closes the connection."""

    def __init__(self, call: Call) -> None:
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
        """Yield the pieces of the text as they come.

        Raises:
            ClaudeError: The answer failed, after the text that came; or it was never sent.
        """
        return (text for _, text in self._each() if text)

    def events(self) -> Iterator[Event]:
        """Yield the events of the API (dict, as its JSON) as they come."""
        return (event for event, _ in self._each())

    def _each(self) -> Iterator[tuple[Event, str]]:
        _check_started(self._answer, "with stream(...) as s: ...")
        while (item := self._next()) is not None:
            yield item
        self._queue.put(None)  # So a second loop ends at once.
        self._answer.outcome()

    def _next(self) -> _Item:
        """Wait for the next item, in short waits: on Windows a long one would delay Ctrl-C."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self._queue.get_nowait()
            with contextlib.suppress(queue.Empty):
                if not background.run_here(host.TICK_SECONDS):
                    return self._queue.get(timeout=host.TICK_SECONDS)

    @property
    def reply(self) -> Reply:
        """The whole answer; waits for its end."""
        _check_started(self._answer, "with stream(...) as s: ...")
        return background.result(self._answer.done)


class AsyncStream(_Streamed):
    """An answer on its way, to loop over; the end of ``async with`` closes the connection."""

    def __init__(self, call: Call) -> None:
        self._items_left = ItemQueue[_Item]()
        super().__init__(call)

    def _put(self, item: _Item) -> None:
        self._items_left.put(item)

    async def __aenter__(self) -> AsyncStream:
        self._items_left.read_here()
        ticket = self._join()
        try:
            await ticket.wait_async()
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
        """Yield the pieces of the text as they come.

        Raises:
            ClaudeError: The answer failed, after the text that came; or it was never sent.
        """
        return self._texts()

    async def _texts(self) -> AsyncIterator[str]:
        async for _, text in self._each():
            if text:
                yield text

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events of the API (dict, as its JSON) as they come."""
        async for event, _ in self._each():
            yield event

    async def _each(self) -> AsyncIterator[tuple[Event, str]]:
        _check_started(self._answer, "async with astream(...) as s: ...")
        while (item := await self._items_left.get()) is not None:
            yield item
        self._items_left.put(None)  # So a second loop ends at once.
        self._answer.outcome()

    @property
    def reply(self) -> Reply:
        """The whole answer.

        Raises:
            ClaudeError: It has not ended yet, or was never sent.
        """
        _check_started(self._answer, "async with astream(...) as s: ...")
        if not self._answer.done.done():
            msg = "the answer goes on; read .reply after the loop over it, or call .stop() first."
            raise ClaudeError(msg)
        return self._answer.done.result()
