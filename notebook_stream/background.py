"""The thread of the network with its event loop, threads for long work, and locks for forks.

All requests run on one event loop in a daemon thread of its own, so that a main thread which is
busy or blocked delays no stream. Work that blocks (disk, rendering, slow imports) runs on other
daemon threads, so that it delays no stream either.

Python 3.12 starts no thread once the interpreter shuts down, which begins before the functions of
`atexit` are called. A loop that is first needed then has no thread: it runs on the thread that
waits for an answer, for as long as that waits.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import importlib
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from .errors import ClaudeError

P = ParamSpec("P")
T = TypeVar("T")

FORK_SECONDS = 30.0
"""The seconds for which a fork waits for a lock at most; longer than any import takes."""

FEWEST_WORKERS = 2
"""The threads that always exist: one for what the SDK runs on a thread when a request begins, one
for the end of an answer."""

MOST_WORKERS = 32
"""The most threads that exist at once; further work waits."""

TICK_SECONDS = 0.05
"""The longest wait in one piece, so that an interrupt is noticed on Windows."""


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
    called (`concurrent.futures.thread._python_exit`). Where Python starts no thread any more, work
    waits for one of the threads that exist; where there is none, it is done on the caller's thread.
    """

    def __init__(self) -> None:
        super().__init__(MOST_WORKERS)
        self._work: queue.SimpleQueue[Callable[[], Callable[[], None]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(FEWEST_WORKERS)
        self._free = threading.Semaphore(MOST_WORKERS - FEWEST_WORKERS)
        self._has_threads = all(self._start() for _ in range(FEWEST_WORKERS))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call the function on one of the threads; the future gets its result or exception."""
        future: Future[T] = Future()
        work = partial(_run, future, partial(fn, *args, **kwargs))
        if not self._has_threads:
            work()()
            return future
        self._work.put(work)
        is_needed = not self._idle.acquire(blocking=False) and self._free.acquire(blocking=False)
        if is_needed and not self._start():
            self._free.release()
        return future

    def _start(self) -> bool:
        return _start_thread(self._serve, "notebook_stream_work")

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


def _start_thread(target: Callable[[], object], name: str) -> bool:
    """Start a daemon thread; return False where Python starts none any more."""
    try:
        threading.Thread(target=target, name=name, daemon=True).start()
    except RuntimeError:
        return False
    return True


_starting = ForkSafeLock()
_started: list[asyncio.AbstractEventLoop] = []
_without_thread: dict[asyncio.AbstractEventLoop, threading.Lock] = {}
"""The background loop, where it has no thread, and the lock of the thread that runs it."""


def loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of the network's thread; the first call starts both.

    Its default executor, which `asyncio.to_thread` uses, is a `DaemonThreads`.

    Raises:
        ClaudeError: It has no thread of its own, and this one runs another loop.
    """
    if not _started:
        with _starting:
            if not _started:
                _started.append(_start())
    if _without_thread and _running_loop() not in {None, *_without_thread}:
        msg = (
            "Python starts no thread once it shuts down, so no event loop can wait for Claude; "
            "write ask(...) outside of the loop, or ask once before the end of the program."
        )
        raise ClaudeError(msg)
    return _started[0]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def wait(future: Future[Any], seconds: float) -> None:
    """Block until a future is done, for so many seconds at the most.

    Where the background loop has no thread, it runs on this one meanwhile.
    """
    lock = _without_thread.get(_started[0]) if _started else None
    if lock is None or not lock.acquire(blocking=False):
        concurrent.futures.wait({future}, seconds)
        return
    try:
        done = asyncio.wrap_future(future, loop=_started[0])
        _started[0].run_until_complete(asyncio.wait({done}, timeout=seconds))
    finally:
        lock.release()


def result(future: Future[T]) -> T:
    """Block until a future is done, and return its result."""
    while not future.done():
        wait(future, TICK_SECONDS)
    return future.result()


def run_here(seconds: float) -> bool:
    """Run the background loop on this thread for some seconds, where it has none of its own.

    Returns:
        Whether it has none; else nothing happens.
    """
    if _without_thread:
        wait(Future(), seconds)
    return bool(_without_thread)


def run_on_thread(function: Callable[[], None], name: str) -> Future[None] | None:
    """Call a function on a daemon thread of its own.

    It runs in a copy of the caller's context, in which ipykernel 7.0 finds the cell that its output
    belongs to (`Kernel.get_parent`). Where Python starts no thread any more, a thread of the loop's
    executor calls it.

    Returns:
        A future that is done when the function has returned; None where there is no thread at all,
        and the function is not called.
    """
    future: Future[None] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        _run(future, partial(context.run, function))()

    if not _start_thread(work, name):
        if loop() in _without_thread:
            return None
        loop().call_soon_threadsafe(lambda: loop().run_in_executor(None, work))
    return future


def _start() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    made.set_default_executor(DaemonThreads())
    if not _start_thread(made.run_forever, "notebook_stream"):
        _without_thread[made] = threading.Lock()
    return made


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_started.clear)  # A child has no such thread.
    os.register_at_fork(after_in_child=_without_thread.clear)


_importing = ForkSafeLock()
"""Held during each import: a child that was forked in the middle of one could never complete it."""


async def import_modules(*names: str) -> None:
    """Import modules on a thread of the executor, so that the loop is free meanwhile."""
    await asyncio.to_thread(_import, names)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        with _importing:
            importlib.import_module(name)
