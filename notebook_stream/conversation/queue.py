"""The prompts of one chat wait for each other: each is sent with the answer to the one before."""

from __future__ import annotations

import concurrent.futures
import threading
from types import TracebackType

from .. import host
from ..errors import OptionError, interruption


class PromptQueue:
    """Whose turn it is in a chat, in the order in which the prompts came.

    Any thread and any event loop may join. The first in the queue is the one that is being
    answered. It leaves on the thread of the network as soon as its answer has ended, so those who
    wait do not depend on what the thread or loop that asked does meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tickets: list[Ticket] = []

    def join(self, chat: str = "") -> Ticket:
        """Stand at the end; `Ticket.leave` makes way, in a ``with`` block at the latest."""
        ticket = Ticket(self, chat)
        with self._lock:
            self._tickets.append(ticket)
            self._call_first()
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Let the next have its turn; a ticket that is gone already changes nothing."""
        with self._lock:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._call_first()

    def ahead(self, ticket: Ticket) -> list[Ticket]:
        """The tickets before this one."""
        with self._lock:
            tickets = list(self._tickets)
        return tickets[: tickets.index(ticket)] if ticket in tickets else []

    def _call_first(self) -> None:
        if self._tickets:
            self._tickets[0].call()

    def __len__(self) -> int:
        return len(self._tickets)


class Ticket:
    """One prompt's place in the queue of its chat.

    Args:
        queue: The chat's.
        chat: The chat's name, for messages.
    """

    def __init__(self, queue: PromptQueue, chat: str) -> None:
        self._queue = queue
        self._chat = chat
        self._thread = threading.get_ident()
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
        """Make way for the next; any number of times, from any thread."""
        self._queue.remove(self)

    def call(self) -> None:
        """End the wait: its turn has come, or it is not wanted any more."""
        with self._calling:
            if not self._called.done():
                self._called.set_result(None)

    def wait(self) -> None:
        """Block until its turn has come.

        Raises:
            OptionError: It would wait for an answer of this very thread, which it blocks.
            KeyboardInterrupt: The wait was interrupted; in one line.
        """
        here = threading.get_ident()
        if any(other._thread == here for other in self._queue.ahead(self)):
            msg = (
                f"the chat {self._chat!r} is still answering another prompt of this thread, which "
                "this call would block; await that answer first, or ask in a .fork() of the chat."
            )
            raise OptionError(msg)
        try:
            host.block_until_done(self._called)
        except KeyboardInterrupt:
            raise interrupted() from None

    async def waited(self) -> None:
        """Wait until its turn has come, and leave the running loop free meanwhile."""
        await host.wait_until_done(self._called)


def interrupted() -> KeyboardInterrupt:
    """The exception for an interrupt before anything was sent: it shows one line."""
    return interruption("interrupted while the chat was answering; nothing was sent.")
