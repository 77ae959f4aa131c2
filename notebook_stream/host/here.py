"""The program around us: which host this is, await or block, and how clicks get in.

The one module that touches the insides of other packages, each probed before use.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal
from uuid import uuid4

Kind = Literal["live", "final", "terminal", "script"]


def shell() -> Any | None:
    """The IPython shell of this process; None in plain Python."""
    # Another thread may be in the middle of importing it.
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return get() if get else None


def kind() -> Kind:
    """How answers are shown here.

    Returns:
        "live" where a front end shows widgets, "final" where nobody looks until the cell is done,
        "terminal" where text is (IPython, `jupyter console`), "script" in plain Python.
    """
    here = shell()
    if here is None:
        return "script"
    if _captured(here):
        return "final"
    return _sender(here.get_parent()) if _in_kernel(here) else "terminal"


def _in_kernel(here: Any) -> bool:
    return getattr(here, "kernel", None) is not None


def _captured(here: Any) -> bool:
    """Whether something takes what is displayed and not its update: `%%capture`, an Output widget.

    An Output widget takes all that its page gets for the request; its front end knows no
    ``update_display_data`` (jupyterlab-manager 5, widgetsnbextension 4).
    """
    from IPython.core.displaypub import CapturingDisplayPublisher

    return isinstance(here.display_pub, CapturingDisplayPublisher) or _in_output_widget(here)


def _in_output_widget(here: Any) -> bool:
    """Whether an Output widget takes the output of the request that runs now."""
    running = here.get_parent().get("header", {}).get("msg_id") if _in_kernel(here) else None
    return bool(running) and any(getattr(one, "msg_id", None) == running for one in _open_widgets())


def _open_widgets() -> list[Any]:
    """Return the widgets that are open in this process.

    ipywidgets lists them in `_instances` of its module from 8.0.3 on, in `Widget._active_widgets`
    up to 8.0.2, and in `Widget.widgets` in 7 (read: 7.7.1, 8.0.0, 8.0.3, 8.1.9).
    """
    module: Any = sys.modules.get("ipywidgets.widgets.widget")
    if hasattr(module, "_instances"):
        return list(module._instances.values())
    widget = getattr(module, "Widget", None)
    listed = vars(widget).get("_active_widgets") or vars(widget).get("widgets") if widget else None
    return list(listed.values()) if isinstance(listed, dict) else []


def _sender(request: dict[str, Any]) -> Kind:
    """What kind of program sent the cell that runs.

    JupyterLab, Notebook 7 and VS Code name the cell; nbclassic does not, but may ask for input, as
    may the terminals (`jupyter console`), whose messages jupyter_client 8.10 numbers with a ``_``.
    nbclient (nbconvert, papermill, Voilà) does neither. In a widget's callback, whose request is no
    cell, no update of an output reaches the page.
    """
    header = request.get("header", {})
    if header.get("msg_type") != "execute_request":
        return "final"
    if "cellId" in (request.get("metadata") or {}):
        return "live"
    if not request.get("content", {}).get("allow_stdin"):
        return "final"
    return "terminal" if "_" in header["msg_id"] else "live"


def cell() -> tuple[str, str] | None:
    """The id of the cell that runs and of this run of it, where the front end names its cells.

    A thread of the user's may be of a cell that ran before.
    """
    here = shell()
    if here is None or not (_in_kernel(here) and _in_main_thread()):
        return None
    request = here.get_parent()
    name = (request.get("metadata") or {}).get("cellId")
    return (str(name), str(request["header"]["msg_id"])) if name else None


def when_cell_ends(run: tuple[str, str], act: Callable[[], None]) -> None:
    """Have ``act`` called once this run of a cell, as `cell` names it, has ended well.

    It never is where the cell fails, is interrupted or has ended before. IPython says that a cell
    ended also of what a cell runs as one, such as the body of `%%capture`; these have no id.
    """
    events = shell().events  # type: ignore[union-attr] # where there are cells there is a shell

    def ended(result: Any) -> None:
        if result is not None and result.info.cell_id is None:
            return
        events.unregister("post_run_cell", ended)
        if result is not None and result.success and cell() == run:
            act()

    events.register("post_run_cell", ended)


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
    """Whether the displayhook shows a cell's value now.

    ipykernel's holds a message meanwhile; IPython's says so from 9.0 on, and before it is somewhere
    among the callers (read in 8.39, the last for Python 3.10).
    """
    if hasattr(hook, "is_active"):
        return bool(hook.is_active) or getattr(hook, "msg", None) is not None
    return getattr(hook, "msg", None) is not None or _is_called(hook)


def _is_called(hook: Any) -> bool:
    frame = inspect.currentframe()
    while frame:
        if frame.f_code.co_name == "__call__" and frame.f_locals.get("self") is hook:
            return True
        frame = frame.f_back
    return False


@contextmanager
def interrupts_to(act: Callable[[], None]) -> Iterator[None]:
    """Have ``act`` called at each interrupt, where Python would raise KeyboardInterrupt anywhere.

    Interrupts reach the main thread alone; in another one this does nothing.
    """
    if not _in_main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Have an interrupt raise KeyboardInterrupt at once, also in a kernel's cell that awaits.

    While such a cell runs, ipykernel's handler only cancels the cell's task, which takes effect
    when the loop gets control again: a function that blocks is not ended by it (`_cancel_on_sigint`
    in ipykernel/ipkernel.py; read in 6.29.5, 6.31.0, 7.4.0). Interrupts reach the main thread
    alone, and outside of a kernel they are the program's own: there this does nothing.
    """
    if not (_in_kernel(shell()) and _in_main_thread()):
        yield
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def raise_once(number: int, frame: Any) -> None:
        # Taken back before it raises: wherever that strikes, no later interrupt hits the loop.
        signal.signal(signal.SIGINT, before)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, raise_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# Clicks. A page's messages wait behind the running cell, in whichever way the kernel has; ours are
# taken out of that way as soon as they come, acted on, and go no further: nothing of them is left
# for a view that has closed meanwhile.

OURS = "notebook_stream-"
"""How the ids of our views' comms begin."""

_ears: dict[str, Callable[[dict[str, Any]], None]] = {}
"""What hears the messages of a comm."""


def new_comm_id() -> str:
    """An id for a view's comm."""
    return f"{OURS}{uuid4()}"


def listen(widget: Any, hear: Callable[[dict[str, Any]], None]) -> Callable[[], object]:
    """Have ``hear`` called, in any thread, with each message that a page sends to our widget.

    Returns:
        What ends it.
    """
    hear_channel()
    comm_id = widget.model_id
    _ears[comm_id] = hear
    widget.on_msg(lambda _widget, content, _buffers: hear(content))  # kernels of another kind
    return partial(_ears.pop, comm_id, None)


def hear_channel() -> None:
    """Hear messages in ipykernel 7's shell channel thread, which no running cell holds up.

    `Kernel.shell_channel_thread_main` (ipykernel/kernelbase.py; read in 7.0.1, 7.1.0, 7.3.0, 7.4.0)
    passes each message to the main thread or a subshell, where a cell may be running; without this
    a click with no subshell id waits for the end of the cell up to 7.3.
    https://github.com/ipython/ipykernel/issues/65
    """

    def hearing_first(kernel: Any) -> Callable[[list[Any]], Any]:
        async def hear_first(frames: list[Any]) -> None:
            if not _heard(kernel, frames):
                await kernel.shell_channel_thread_main(frames)

        return hear_first

    _on_channel(hearing_first)


def unhear_channel() -> None:
    """Leave no trace."""
    _on_channel(lambda kernel: kernel.shell_channel_thread_main)


def _on_channel(receiver: Callable[[Any], Callable[[list[Any]], Any]]) -> None:
    """Give the shell channel's messages to ``receiver(kernel)``, where there is such a channel."""
    kernel: Any = getattr(shell(), "kernel", None)
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is not None and hasattr(kernel, "shell_channel_thread_main"):
        thread.io_loop.add_callback(kernel.shell_stream.on_recv, receiver(kernel), copy=False)


def _heard(kernel: Any, frames: list[Any]) -> bool:
    """Whether the message is one to a view of ours, which has it now."""
    try:
        _idents, parts = kernel.session.feed_identities(frames, copy=False)
        message = kernel.session.deserialize(parts, content=False, copy=False)
        kind = message["header"]["msg_type"]
        if not kind.startswith("comm_"):
            return False
        content = kernel.session.unpack(message["content"])
    except (KeyError, TypeError, ValueError):
        return False  # the kernel says what is wrong with it
    if kind in {"comm_open", "comm_info_request"}:
        _hear_loaded(content.get("target_name"))
    comm_id, data = str(content.get("comm_id")), content.get("data") or {}
    if not comm_id.startswith(OURS) or (kind == "comm_msg" and data.get("method") != "custom"):
        return False
    # A page that has no widgets closes each comm that is opened to it.
    _tell(comm_id, {"kind": "unshown"} if kind == "comm_close" else data.get("content") or {})
    return True


def _tell(comm_id: str, message: dict[str, Any]) -> None:
    hear = _ears.get(comm_id)  # once: a view that ends in another thread takes its own out
    if hear is not None:
        hear(message)


def _hear_loaded(target: str | None) -> None:
    """Tell each view that a page was loaded: it asks for the widgets that it finds in its notebook.

    ipywidgets' manager opens a comm to do so, or asks which ones there are
    (@jupyter-widgets/base-manager 1.0, `_loadFromKernel`).
    """
    if target in {"jupyter.widget.control", "jupyter.widget"}:
        for comm_id in list(_ears):
            _tell(comm_id, {"kind": "loaded"})


def take_clicks() -> None:
    """Hear messages that wait in the queue of ipykernel 6; ipykernel 7 has no such queue.

    ipykernel 6 (read: 6.29.5, 6.31.0) takes one message at a time from its `msg_queue`, so a click
    lies there behind the running cell. The others keep their places.
    https://github.com/ipython/ipykernel/issues/65
    """
    kernel: Any = getattr(shell(), "kernel", None)
    queue = getattr(kernel, "msg_queue", None)
    if queue is None or not queue.qsize() or not _in_main_thread():
        return
    for item in [queue.get_nowait() for _ in range(queue.qsize())]:
        _number, dispatch, arguments = item
        if dispatch != kernel.dispatch_shell or not _heard(kernel, *arguments):
            queue.put_nowait(item)


def take_clicks_while_blocked() -> None:
    """The same for a call that blocks the kernel's main thread, on ipykernel 6 alone.

    The kernel's loop runs on inside itself for a moment, in which it reads its sockets. ipykernel 7
    would not survive a message that arrives meanwhile: its cells share one context, which cannot be
    entered twice.
    """
    kernel = getattr(shell(), "kernel", None)
    if kernel is None or not hasattr(kernel, "msg_queue") or not _in_main_thread():
        return
    loop = kernel.io_loop.asyncio_loop
    if loop.is_running():
        import nest_asyncio

        nest_asyncio.apply(loop)
        loop.run_until_complete(asyncio.sleep(0.001))
        take_clicks()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


# The SDK.


def before_retry(client: Any, tell: Callable[[float], None]) -> None:
    """Have ``tell`` called with the seconds that the SDK waits before it tries again.

    anthropic 2.11 says them nowhere but in its log: `BaseClient._calculate_retry_timeout`
    (_base_client.py) is asked for them once a wait.
    """
    calculate = getattr(client, "_calculate_retry_timeout", None)
    if calculate is None:
        return

    def telling(*args: Any, **named: Any) -> float:
        seconds = float(calculate(*args, **named))
        tell(seconds)
        return seconds

    client._calculate_retry_timeout = telling
