"""The cells that run: their ids, their ends, and whether one may await."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from .ipython import in_main_thread, is_kernel, shell

_NBFORMAT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The ids that the cells of a notebook's file have, by nbformat 4.5."""

_HASH_KEY = secrets.token_bytes(32)
"""The key of `hide_path` in this process and those that it forks."""


def hide_path(cell_id: str) -> str:
    """Return the id of a cell, hashed unless it is one of nbformat, as it may hold a path.

    The ids of VS Code are URIs with the path of the notebook's file, and belong to other cells once
    that is opened again. So the hash has a key of this process: nobody can test a guess of the
    path, and a chat that is unpickled in another process takes no other cell for its own.
    """
    if _NBFORMAT_ID.fullmatch(cell_id):
        return cell_id
    encoded = cell_id.encode(errors="surrogatepass")
    return hashlib.blake2b(encoded, key=_HASH_KEY, digest_size=16).hexdigest()


def cell() -> tuple[str, str] | None:
    """Return the id of the cell that runs, without any path, and the id of this run of it.

    None where the front end sends no ids, and outside of the main thread: a thread that a cell
    started may outlive it.
    """
    here = shell()
    if here is None or not (is_kernel(here) and in_main_thread()):
        return None
    request = here.get_parent()
    name = cell_id(request)
    return (hide_path(str(name)), str(request["header"]["msg_id"])) if name else None


def cell_id(request: dict[str, Any]) -> Any:
    """Return the id of the cell that a request runs; None where the front end sends none.

    JupyterLab, Notebook 7 and VS Code send it as `cellId` of the metadata, Colab as `colab.cell_id`
    (https://github.com/googlecolab/colabtools/blob/main/google/colab/_history.py).
    """
    metadata = request.get("metadata") or {}
    colab = metadata.get("colab")
    return metadata.get("cellId", colab.get("cell_id") if isinstance(colab, dict) else None)


def when_cell_ends(run: tuple[str, str], act: Callable[[], None]) -> None:
    """Call ``act`` once after a run of a cell has ended without an error.

    It is never called where the cell fails, is interrupted or has ended before. IPython sends
    `post_run_cell` also for what a cell runs like a cell, such as the body of `%%capture`, whose
    code is not that of the request.

    Args:
        run: The run, as `cell` returns it.
        act: The function to call, in the thread that runs the cell.
    """
    here: Any = shell()  # Where there are cells there is a shell.
    events, code = here.events, here.get_parent().get("content", {}).get("code")

    def call(result: Any) -> None:
        if not in_main_thread():
            return  # A cell of a subshell has ended.
        runs_on = cell() == run
        if runs_on and result is not None and result.info.raw_cell != code:
            return
        events.unregister("post_run_cell", call)
        if runs_on and result is not None and result.success:
            act()

    events.register("post_run_cell", call)


def _has_events(request: dict[str, Any]) -> bool:
    """Return whether IPython sends events for a request; it sends none for a silent one."""
    return bool(request.get("header")) and not request.get("content", {}).get("silent")


class RunningCells:
    """Counts the cells that run in each thread; a subshell of the kernel is a thread of its own."""

    def __init__(self, here: Any) -> None:
        self._shell = here
        self._running: defaultdict[int, list[Any]] = defaultdict(list)
        if is_kernel(here) and _has_events(here.get_parent()):
            # The cell that loads the extension began before `watch`.
            self._running[threading.get_ident()].append(None)

    def watch(self) -> None:
        """Begin to count, by IPython's events."""
        self._shell.events.register("pre_run_cell", self._began)
        self._shell.events.register("post_run_cell", self._ended)

    def unwatch(self) -> None:
        """Stop counting, and unregister from the events."""
        self._shell.events.unregister("pre_run_cell", self._began)
        self._shell.events.unregister("post_run_cell", self._ended)

    def any(self) -> bool:
        """Return whether a cell runs in this thread already."""
        return bool(self._running[threading.get_ident()])

    def _began(self, info: Any) -> None:
        self._running[threading.get_ident()].append(info)

    def _ended(self, result: Any) -> None:
        """Remove the cell that ended.

        An empty cell ends without having begun; an interrupted one ends without a result.
        """
        running = self._running[threading.get_ident()]
        info = getattr(result, "info", None)
        if running and (info is None or running[-1] is None or running[-1] is info):
            running.pop()


def may_await(here: Any, running: RunningCells) -> bool:
    """Return whether the cell that IPython transforms now may await.

    Only a kernel's outermost cell may, with `%autoawait` on: what a cell runs like a cell, such as
    the body of `%%time`, is run without the event loop.
    """
    return is_kernel(here) and bool(here.autoawait) and not running.any()
