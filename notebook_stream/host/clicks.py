"""Deliver the messages of pages to our views while a cell runs.

A page's message, such as a click on Stop, reaches the kernel on the shell channel, where it waits
for the running cell to end (https://github.com/ipython/ipykernel/issues/65). Messages to our views
are taken out before that, in a way that depends on the version of ipykernel, given to the view's
listener, and not passed on: none is left for a view that has closed meanwhile.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

from ..background import ForkSafeLock
from .ipython import in_main_thread, shell

COMM_PREFIX = "notebook_stream-"
"""The beginning of the ids of our views' comms."""

_listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
"""The function that receives the messages of a comm, by the comm's id."""

_early: dict[str, list[dict[str, Any]]] = {}
"""The messages of comms that have no listener yet, by the comm's id; `_changing` guards both."""

_changing = ForkSafeLock()


def new_comm_id() -> str:
    """Return a new id for a view's comm; messages to it wait until `listen` is called."""
    comm_id = f"{COMM_PREFIX}{uuid4()}"
    _early[comm_id] = []
    return comm_id


def listen(widget: Any, receive: Callable[[dict[str, Any]], None]) -> Callable[[], object]:
    """Call ``receive`` with each message that a page sends to a widget of ours.

    It is called in a copy of the caller's context: ipykernel 7.0's `Kernel.get_parent`, without
    which no comm can send, raises a LookupError in the thread of the shell channel (read: 7.0.1).

    Args:
        widget: The widget; its ``model_id`` comes from `new_comm_id`.
        receive: The function to call, in any thread.

    Returns:
        A function that ends it.
    """
    watch_channel()
    comm_id = widget.model_id
    context = contextvars.copy_context()
    with _changing:
        _listeners[comm_id] = lambda message: context.copy().run(receive, message)
        early = _early.pop(comm_id, [])
    for message in early:
        receive(message)
    widget.on_msg(lambda _widget, content, _buffers: receive(content))  # kernels of another kind
    return partial(_listeners.pop, comm_id, None)


def watch_channel() -> None:
    """Deliver messages in ipykernel 7's shell channel thread, which no running cell blocks.

    `Kernel.shell_channel_thread_main` (ipykernel/kernelbase.py; read in 7.0.1, 7.1.0, 7.3.0, 7.4.0)
    passes each message to the main thread or to a subshell, where a cell may be running. Up to 7.3
    a click without a subshell's id waits there for the end of the cell.
    """

    def make_receiver(kernel: Any) -> Callable[[list[Any]], Any]:
        async def deliver_or_pass_on(frames: list[Any]) -> None:
            if not _deliver(kernel, frames):
                await kernel.shell_channel_thread_main(frames)

        return deliver_or_pass_on

    _set_receiver(make_receiver)


def unwatch_channel() -> None:
    """Give the shell channel's messages to ipykernel's own receiver again."""
    _set_receiver(lambda kernel: kernel.shell_channel_thread_main)


def _set_receiver(make_receiver: Callable[[Any], Callable[[list[Any]], Any]]) -> None:
    """Set what receives the shell channel's messages, where the kernel has a thread for them."""
    kernel: Any = getattr(shell(), "kernel", None)
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is not None and hasattr(kernel, "shell_channel_thread_main"):
        thread.io_loop.add_callback(kernel.shell_stream.on_recv, make_receiver(kernel), copy=False)


def _deliver(kernel: Any, frames: list[Any]) -> bool:
    """Give a message to the view that it is for.

    Returns:
        Whether it was for a view of ours; the kernel must not get it then.
    """
    try:
        _idents, parts = kernel.session.feed_identities(frames, copy=False)
        message = kernel.session.deserialize(parts, content=False, copy=False)
        kind = message["header"]["msg_type"]
        if not kind.startswith("comm_"):
            return False
        content = kernel.session.unpack(message["content"])
    except (KeyError, TypeError, ValueError):
        return False  # The kernel reports what is wrong with it.
    if kind in {"comm_open", "comm_info_request"}:
        _notify_loaded(content.get("target_name"))
    comm_id, data = str(content.get("comm_id")), content.get("data") or {}
    if not comm_id.startswith(COMM_PREFIX):
        return False
    if kind == "comm_msg" and data.get("method") != "custom":
        return False
    # A page that has no widgets closes each comm that is opened to it.
    _notify(comm_id, {"kind": "unshown"} if kind == "comm_close" else data.get("content") or {})
    return True


def _notify(comm_id: str, message: dict[str, Any]) -> None:
    with _changing:
        receive = _listeners.get(comm_id) or _early.get(comm_id, []).append
    receive(message)


def _notify_loaded(target: str | None) -> None:
    """Send ``loaded`` to each view, where the message says that a page was loaded.

    ipywidgets' manager asks then for the widgets in its notebook: it opens a comm, or requests the
    list of comms (@jupyter-widgets/base-manager 1.0, `_loadFromKernel`).
    """
    if target in {"jupyter.widget.control", "jupyter.widget"}:
        for comm_id in list(_listeners):
            _notify(comm_id, {"kind": "loaded"})


def deliver_clicks() -> None:
    """Deliver the messages that wait in the queue of ipykernel 6; ipykernel 7 has no such queue.

    ipykernel 6 (read: 6.17.1, 6.29.5, 6.31.0) handles one message of its `msg_queue` at a time, so
    that a click waits there behind the running cell. Messages for others go back in the same order.
    """
    kernel: Any = getattr(shell(), "kernel", None)
    queue = getattr(kernel, "msg_queue", None)
    if queue is None or not queue.qsize() or not in_main_thread():
        return
    for item in [queue.get_nowait() for _ in range(queue.qsize())]:
        _number, dispatch, arguments = item
        if dispatch != kernel.dispatch_shell or not _deliver(kernel, *arguments):
            queue.put_nowait(item)


def deliver_clicks_while_blocked() -> None:
    """Deliver messages during a call that blocks the main thread of an ipykernel 6.

    The kernel's event loop runs for a millisecond inside of itself (nest_asyncio), and reads its
    sockets into the queue. ipykernel 7 needs none of this, and a message that arrived in such a
    moment would break it: its cells share one context, which cannot be entered twice.
    """
    kernel = getattr(shell(), "kernel", None)
    if kernel is None or not hasattr(kernel, "msg_queue") or not in_main_thread():
        return
    loop = kernel.io_loop.asyncio_loop
    if loop.is_running():
        import nest_asyncio

        nest_asyncio.apply(loop)
        with _callbacks_left_to(loop):
            loop.run_until_complete(asyncio.sleep(0.001))
        deliver_clicks()


@contextmanager
def _callbacks_left_to(loop: Any) -> Iterator[None]:
    """Leave a running loop as many callbacks as are ready now, though the block runs them.

    The pass of the loop that is under way when nest_asyncio is applied first is still that of
    asyncio, which has counted the callbacks that are ready, and takes as many from `_ready` (read:
    `BaseEventLoop._run_once` of Python 3.10 to 3.13). An IndexError would end the kernel.
    """
    ready = len(getattr(loop, "_ready", ()))
    yield
    for _ in range(ready):
        loop.call_soon(_do_nothing)


def _do_nothing() -> None:
    """Take the place of a callback that has been run."""
