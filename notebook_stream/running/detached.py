"""Begin an answer whose cell does not wait for it: it is shown there, and goes on after its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .. import host
from ..conversation.queue import Ticket
from ..errors import ClaudeError
from ..request.options import Options
from ..view import View
from .answer import Answer
from .observers import Observer
from .ongoing import Ongoing
from .pending import PendingAnswer, Progress
from .views import view_here

Make = Callable[[Ticket, Callable[[Options], View], Sequence[Observer]], Answer]
"""Makes an answer, once the turn of its ticket has come, with its view and its observers."""


def can_detach() -> bool:
    """Return whether an answer may go on when its cell has ended.

    Nobody is left then to take it up where a program runs the notebook, or `%%capture` the cell.
    """
    return host.kind() != "final"


def detach(
    ticket: Ticket,
    make: Make,
    *,
    again: bool,
    name: str = "",
    bind: Callable[[PendingAnswer], None] = lambda answer: None,
) -> PendingAnswer:
    """Show and begin an answer that goes on when its cell has ended.

    It is stopped when its cell runs again, and when the namespace of the notebook is reset.

    Args:
        ticket: The place of its prompt in the queue of its chat, which it leaves if anything fails.
        make: Makes the answer: now, so that mistakes are raised here, and once its turn has come.
        again: Whether it is made again when its turn has come, with the turns before it then.
        name: The variable that will hold the reply; "" for none.
        bind: Called with the answer on its way before it begins.

    Raises:
        OptionError: The prompt or an option cannot be used; nothing is shown.
        CredentialsError: The key cannot be sent as it is.
    """
    try:
        pending = _show(ticket, make, again=again, name=name)
        bind(pending)
        if (here := host.shell()) is not None:
            Ongoing.of(here.user_ns).add(host.cell(), name, pending)
        pending.begin()
    except BaseException:
        ticket.leave()
        raise
    return pending


def _show(ticket: Ticket, make: Make, *, again: bool, name: str) -> PendingAnswer:
    """Show an answer that has not begun; as `detach`."""
    progress = Progress()
    first = make(ticket, lambda _: view, [progress])
    view = view_here(name, first.options, alone=True)

    def refuse(error: ClaudeError) -> None:
        if error.reply is None:
            view.refuse(str(error))
            unlisten()

    pending = PendingAnswer(
        ticket,
        lambda ticket: make(ticket, lambda _: view, [progress]) if again else first,
        progress,
        refuse,
    )
    unlisten = _listen(view, pending)
    view.open()
    if name and host.kind() == "terminal":
        print(f"Claude answers in the background: {name} is the answer on its way.")  # noqa: T201 - the only output of the cell
    return pending


def _listen(view: View, pending: PendingAnswer) -> Callable[[], object]:
    """Take the messages of pages until the answer is sent; returns what ends that."""

    def receive(message: dict[str, Any]) -> None:
        if message.get("kind") == "stop":
            pending.stop()
        else:
            view.receive(message)

    return host.listen(view.widget, receive) if view.widget is not None else lambda: None
