"""The one thread on which the network lives, with its event loop, and threads for long work.

A kernel's main thread, busy or blocked, never holds up a stream. What is slow to import is imported
on yet another one while the user still types.

Python 3.12 starts no thread once the interpreter shuts down, which begins before the functions of
`atexit` are called. A loop that is first needed then has no thread: it runs on the one that waits
for an answer, for as long as that waits.
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
"""The longest that a fork waits for a lock; longer than any import takes."""

FEWEST_WORKERS = 2
"""One for what the SDK calls of its own as a request begins, one for the end of an answer."""

MOST_WORKERS = 32

TICK_SECONDS = 0.05
"""The longest wait in one piece, so that an interrupt is noticed on Windows."""


class ForkSafeLock:
    """A reentrant lock that is never held by another thread while the process forks.

    A child has the forking thread alone: a lock that another one holds stays locked in it for ever.
    Make one for each module, not for each object: the hooks of a fork cannot be taken back.
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
    """Runs work on daemon threads, as many as are busy at once; an idle one is used again.

    The threads of `ThreadPoolExecutor` itself take no work once the interpreter shuts down, which
    begins before the functions of `atexit` are called (`concurrent.futures.thread._python_exit`).
    Where no more can be started from then on, work waits for one of those that are there; where
    there is none at all, it is done on the caller's thread.
    """

    def __init__(self) -> None:
        super().__init__(MOST_WORKERS)
        self._work: queue.SimpleQueue[Callable[[], Callable[[], None]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(FEWEST_WORKERS)
        self._free = threading.Semaphore(MOST_WORKERS - FEWEST_WORKERS)
        self._has_threads = all(self._start() for _ in range(FEWEST_WORKERS))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have the function called on one of the threads."""
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
            self._idle.release()  # first: who gets the result may have more work at once
            deliver()
            del deliver  # with the result, which nobody else may need


def _run(future: Future[Any], function: Callable[[], Any]) -> Callable[[], None]:
    """Call the function; what gives the result, or the error, to who waits for it."""
    if not future.set_running_or_notify_cancel():
        return lambda: None
    try:
        return partial(future.set_result, function())
    except BaseException as error:  # noqa: BLE001 - who waits for the future gets it
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
    """The background loop, started when first asked for.

    ``None`` as the executor means `DaemonThreads` there; `asyncio.to_thread` uses them too.

    Raises:
        ClaudeError: It has no thread, and this one runs another loop.
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
    """Call a function on a daemon thread of its own; what is returned is done when it returns.

    It runs in a copy of the caller's context, in which ipykernel 7.0 finds the cell whose output it
    sends (`Kernel.get_parent`). Where Python starts no thread any more, one of the loop's executor
    is used; where that has none either, nothing is called, and None returned.
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
    os.register_at_fork(after_in_child=_started.clear)  # a child has none of the threads
    os.register_at_fork(after_in_child=_without_thread.clear)


_importing = ForkSafeLock()
"""Held for each import: a child of a fork in the middle of one could never end it."""


async def import_modules(*names: str) -> None:
    """Import modules that take their time, and leave the background loop free meanwhile."""
    await asyncio.to_thread(_import, names)


def _import(names: tuple[str, ...]) -> None:
    for name in names:
        with _importing:
            importlib.import_module(name)
