"""The thread of the network with its event loop, threads for long work, and locks for forks.

All requests run on one event loop in a daemon thread of its own, so that a main thread which is
busy or blocked delays no stream. Work that blocks (disk, rendering, slow imports) runs on other
daemon threads, so that it delays no stream either.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

FORK_SECONDS = 30.0
"""The seconds for which a fork waits for a lock at most; longer than any import takes."""

FEWEST_WORKERS = 2
"""The threads that always exist: one for what the SDK runs on a thread when a request begins, one
for the end of an answer."""

MOST_WORKERS = 32
"""The most threads that exist at once; further work waits."""


class ForkSafeLock:
    """A reentrant lock that no other thread holds while the process forks.

    A child process has only the thread that forked: a lock that another thread held would stay
    locked in the child for ever. So hooks acquire this lock before a fork and release it after. It
    is made once for a module, not for each object, because hooks of a fork cannot be removed.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._held = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before, after_in_parent=self._after, after_in_child=self._in_child
            )

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def _before(self) -> None:
        self._held = self._lock.acquire(timeout=FORK_SECONDS)

    def _after(self) -> None:
        if self._held:
            self._lock.release()

    def _in_child(self) -> None:
        if self._held:
            self._lock.release()
        else:
            self._lock = threading.RLock()


class DaemonThreads(ThreadPoolExecutor):
    """An executor whose daemon threads also work while the interpreter shuts down.

    It starts a thread when none is idle, up to `MOST_WORKERS`. The threads of `ThreadPoolExecutor`
    take no work once the interpreter shuts down, which begins before the functions of `atexit` are
    called (`concurrent.futures.thread._python_exit`). From then on Python 3.12 starts no thread at
    all, and work waits for one of the threads that exist.
    """

    def __init__(self) -> None:
        super().__init__(MOST_WORKERS)
        self._work: queue.SimpleQueue[Callable[[], Callable[[], None]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(FEWEST_WORKERS)
        self._free = threading.Semaphore(MOST_WORKERS - FEWEST_WORKERS)
        for _ in range(FEWEST_WORKERS):
            self._start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call the function on one of the threads; the future gets its result or exception."""
        future: Future[T] = Future()
        self._work.put(partial(_run, future, partial(fn, *args, **kwargs)))
        if not self._idle.acquire(blocking=False) and self._free.acquire(blocking=False):
            try:
                self._start()
            except RuntimeError:
                self._free.release()
        return future

    def _start(self) -> None:
        threading.Thread(target=self._serve, name="notebook_stream_work", daemon=True).start()

    def _serve(self) -> None:
        while True:
            deliver = self._work.get()()
            self._idle.release()  # First, as a callback of the future may submit more work.
            deliver()
            del deliver  # It holds the result, which may be large, until there is other work.


def _run(future: Future[Any], function: Callable[[], Any]) -> Callable[[], None]:
    """Call the function.

    Returns:
        A function that sets the future's result or exception.
    """
    if not future.set_running_or_notify_cancel():
        return lambda: None
    try:
        return partial(future.set_result, function())
    except BaseException as error:  # noqa: BLE001 - the future passes it on to its waiter
        return partial(future.set_exception, error)


_starting = ForkSafeLock()
_started: list[asyncio.AbstractEventLoop] = []


def loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of the network's thread; the first call starts both.

    Its default executor, which `asyncio.to_thread` uses, is a `DaemonThreads`.
    """
    if not _started:
        with _starting:
            if not _started:
                _started.append(_start())
    return _started[0]


def run_on_thread(function: Callable[[], None], name: str) -> Future[None]:
    """Call a function on a daemon thread of its own.

    It runs in a copy of the caller's context, in which ipykernel 7.0 finds the cell that its output
    belongs to (`Kernel.get_parent`). Python 3.12 starts no thread once the interpreter shuts down;
    then a thread of the loop's executor calls it.

    Returns:
        A future that is done when the function has returned.
    """
    future: Future[None] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        _run(future, partial(context.run, function))()

    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError:
        loop().call_soon_threadsafe(lambda: loop().run_in_executor(None, work))
    return future


def _start() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    made.set_default_executor(DaemonThreads())
    threading.Thread(target=made.run_forever, name="notebook_stream", daemon=True).start()
    return made


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_started.clear)  # A child has no such thread.


_importing = ForkSafeLock()
"""Held during each import: a child that was forked in the middle of one could never complete it."""


async def import_modules(*names: str) -> None:
    """Import modules on a thread of the executor, so that the loop is free meanwhile."""
    await asyncio.to_thread(_import, names)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        with _importing:
            importlib.import_module(name)
