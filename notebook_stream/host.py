"""The program around us: which host this is, await or block, and how clicks get in.

The one module that touches the insides of IPython and ipykernel, each probed before use.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

Kind = Literal["live", "final", "terminal", "script"]


def shell() -> Any | None:
    """The IPython shell of this process; None in plain Python."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def kind() -> Kind:
    """How answers are shown here.

    Returns:
        "live" where a front end shows widgets, "final" where nobody looks until the cell is done,
        "terminal" in IPython's terminal, "script" in plain Python.
    """
    here = shell()
    if here is None:
        return "script"
    if _captured(here):
        return "final"
    if not _in_kernel(here):
        return "terminal"
    return "live" if _watched(here) else "final"


def _in_kernel(here: Any) -> bool:
    return getattr(here, "kernel", None) is not None


def _captured(here: Any) -> bool:
    """Whether `%%capture` holds what is displayed."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    return isinstance(here.display_pub, CapturingDisplayPublisher)


def _watched(here: Any) -> bool:
    """Whether a page that shows widgets sent the request that runs.

    nbclient (nbconvert, papermill) allows no input and names no cell; JupyterLab, Notebook 7 and VS
    Code name the cell.
    """
    request = here.get_parent()
    return "cellId" in (request.get("metadata") or {})


def _runs_a_cell(request: dict[str, Any]) -> bool:
    """Whether IPython will say that the cell ended; of a silent request it says nothing."""
    return bool(request.get("header")) and not request.get("content", {}).get("silent")


class RunningCells:
    """Counts the cells that run in each thread: a subshell has its own."""

    def __init__(self, here: Any) -> None:
        self._shell = here
        self._running: defaultdict[int, list[Any]] = defaultdict(list)
        if _in_kernel(here) and _runs_a_cell(here.get_parent()):
            # The cell that loads the extension; its start was not seen.
            self._running[threading.get_ident()].append(None)

    def watch(self) -> None:
        """Begin to count."""
        self._shell.events.register("pre_run_cell", self._began)
        self._shell.events.register("post_run_cell", self._ended)

    def unwatch(self) -> None:
        """Leave no trace."""
        self._shell.events.unregister("pre_run_cell", self._began)
        self._shell.events.unregister("post_run_cell", self._ended)

    def any(self) -> bool:
        """Whether a cell runs in this thread already."""
        return bool(self._running[threading.get_ident()])

    def _began(self, info: Any) -> None:
        self._running[threading.get_ident()].append(info)

    def _ended(self, result: Any) -> None:
        """An empty cell ends without having begun; an interrupted one ends without a result."""
        running = self._running[threading.get_ident()]
        info = getattr(result, "info", None)
        if running and (info is None or running[-1] is None or running[-1] is info):
            running.pop()


def may_await(here: Any, running: RunningCells) -> bool:
    """Whether the cell that is being read may await: only as a kernel's own, outermost cell."""
    return _in_kernel(here) and bool(here.autoawait) and not running.any()


def shown_here() -> Callable[[], bool]:
    """A test for "the displayhook of the cell that runs now is at work".

    A reply that a cell has shown is not shown again as the cell's value; an explicit ``display()``
    of it, or a later cell, does show it.
    """
    here = shell()
    if here is None:
        return lambda: False
    count = here.execution_count
    return lambda: _showing_value(here.displayhook) and here.execution_count == count


def _showing_value(hook: Any) -> bool:
    """Whether the displayhook shows a cell's value now; ipykernel's holds a message meanwhile."""
    return bool(hook.is_active) or getattr(hook, "msg", None) is not None


@contextmanager
def interrupts_to(act: Callable[[], None]) -> Iterator[None]:
    """Have ``act`` called at each interrupt, where Python would raise KeyboardInterrupt anywhere.

    Interrupts reach the main thread alone; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


def listen(widget: Any, hear: Callable[[dict[str, Any]], None]) -> None:
    """Have ``hear`` called with each message that a page sends to the widget."""
    if not _listen_in_channel(widget, hear):
        widget.on_msg(lambda _widget, content, _buffers: hear(content))


def _listen_in_channel(widget: Any, hear: Callable[[dict[str, Any]], None]) -> bool:
    """Hear messages in ipykernel's shell channel thread, where a blocked cell holds up nothing.

    ipykernel 7.4.0 asks each comm which subshell takes its messages (`_reply_subshell_for`,
    ipykernel/comm/comm.py); the answer that it would have given is given.
    """
    route = getattr(widget.comm, "_reply_subshell_for", None)
    if route is None:
        return False

    def hearing_route(data: Any, default: Any) -> Any:
        if isinstance(data, dict) and data.get("method") == "custom":
            hear(data.get("content") or {})
        return route(data, default)

    widget.comm._reply_subshell_for = hearing_route
    return True


async def take_clicks() -> None:
    """Dispatch what pages have sent, where it would wait for the end of the cell that awaits.

    ipykernel 6 (read: 6.29.5, 6.31.0) takes one message at a time from its `msg_queue`, so a click
    lies there behind the running cell; ipykernel 7 has no such queue. Other messages keep their
    places. https://github.com/ipython/ipykernel/issues/65
    """
    kernel = getattr(shell(), "kernel", None)
    queue = getattr(kernel, "msg_queue", None)
    if queue is None or not queue.qsize() or not _on_main_loop(kernel):
        return
    items = [queue.get_nowait() for _ in range(queue.qsize())]
    clicks = [item for item in items if _is_click(kernel, item)]
    for item in items:
        if not any(item is click for click in clicks):
            queue.put_nowait(item)
    if clicks:
        await _dispatch(kernel, clicks)


def take_clicks_while_blocked() -> None:
    """The same for a call that blocks the kernel's main thread, on ipykernel 6 alone.

    The kernel's loop runs on inside itself for a moment. ipykernel 7 would not survive a message
    that arrives meanwhile: its cells share one context, which cannot be entered twice.
    """
    kernel = getattr(shell(), "kernel", None)
    if kernel is None or not hasattr(kernel, "msg_queue"):
        return
    if threading.current_thread() is not threading.main_thread():
        return
    loop = kernel.io_loop.asyncio_loop
    if loop.is_running():
        import nest_asyncio

        nest_asyncio.apply(loop)
        loop.run_until_complete(_turn())


async def _turn() -> None:
    await asyncio.sleep(0.001)  # the loop reads the sockets
    await take_clicks()


def _on_main_loop(kernel: Any) -> bool:
    return asyncio.get_running_loop() is getattr(kernel.io_loop, "asyncio_loop", None)


def _is_click(kernel: Any, item: Any) -> bool:
    _number, dispatch, arguments = item
    if dispatch != kernel.dispatch_shell:
        return False
    _idents, frames = kernel.session.feed_identities(*arguments, copy=False)
    header = kernel.session.deserialize(frames, content=False, copy=False)["header"]
    return header["msg_type"] in {"comm_msg", "comm_close"}


async def _dispatch(kernel: Any, clicks: list[Any]) -> None:
    """Dispatch the messages, and leave the running cell as the kernel's current request."""
    ident, parent = kernel._parent_ident["shell"], kernel.get_parent("shell")
    handler = kernel.saved_sigint_handler
    try:
        for _number, dispatch, arguments in clicks:
            await dispatch(*arguments)
    finally:
        kernel.saved_sigint_handler = handler
        kernel.set_parent(ident, parent, channel="shell")
