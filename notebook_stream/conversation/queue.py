"""The queue of the prompts of one chat, as each is sent with the answer to the one before it."""

from __future__ import annotations

import concurrent.futures
import threading
from types import TracebackType

from .. import host
from ..errors import OptionError, interruption


class PromptQueue:
    """The prompts of a chat in the order in which they came; the first one is being answered.

    Any thread and any event loop may join. The first ticket leaves on the thread of the network as
    soon as its answer has ended, so that the others do not depend on what the thread or the loop
    that asked does meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: list[Ticket] = []

    def join(self, chat: str = "") -> Ticket:
        """Return a ticket at the end of the queue.

        It is to be used in a ``with`` block, whose end removes it if nothing did so before.

        Args:
            chat: The name of the chat, for messages.
        """
        ticket = Ticket(self, chat)
        with self._lock:
            self._tickets.append(ticket)
            self._call_first()
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Remove a ticket and call the next one; a ticket that is not there changes nothing."""
        with self._lock:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._call_first()

    def find_ahead(self, ticket: Ticket) -> list[Ticket]:
        """Return the tickets before this one."""
        with self._lock:
            tickets = list(self._tickets)
        return tickets[: tickets.index(ticket)] if ticket in tickets else []

    def _call_first(self) -> None:
        if self._tickets:
            self._tickets[0].call()

    def __len__(self) -> int:
        return len(self._tickets)


class Ticket:
    """The place of one prompt in the queue of its chat.

    Attributes:
        thread: The identifier of the thread that the answer needs; None where it has its own.

    Args:
        queue: The queue of the chat.
        chat: The name of the chat, for messages.
    """

    def __init__(self, queue: PromptQueue, chat: str) -> None:
        self._queue = queue
        self._chat = chat
        self.thread: int | None = threading.get_ident()
        self._called: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._calling = threading.Lock()

    def __enter__(self) -> Ticket:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Leave the queue; may be called any number of times, in any thread."""
        self._queue.remove(self)

    def call(self) -> None:
        """End the wait, as its turn has come or the answer was stopped."""
        with self._calling:
            if not self._called.done():
                self._called.set_result(None)

    def wait(self) -> None:
        """Block this thread until its turn has come.

        Raises:
            OptionError: An answer that it would wait for needs this thread, which it would block.
            KeyboardInterrupt: The wait was interrupted; IPython shows it in one line.
        """
        here = threading.get_ident()
        if any(other.thread == here for other in self._queue.find_ahead(self)):
            msg = (
                f"the chat {self._chat!r} is answering another prompt of this thread, which "
                "this call would block; await that answer first, or ask in a .fork() of the chat."
            )
            raise OptionError(msg)
        try:
            host.block_until_done(self._called)
        except KeyboardInterrupt:
            raise make_interruption() from None

    async def wait_async(self) -> None:
        """Wait until its turn has come, and leave the running loop free meanwhile."""
        await host.wait_until_done(self._called)


def make_interruption() -> KeyboardInterrupt:
    """Make the exception for an interrupt of the wait, when nothing was sent yet."""
    return interruption("interrupted while the chat was answering; nothing was sent.")
