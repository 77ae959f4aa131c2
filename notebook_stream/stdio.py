"""The standard streams of this process: what may be written to them, and text from the first."""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from . import host
from .errors import OptionError
from .text.controls import strip_controls

PROGRAM = "notebook-stream"

PATIENCE_SECONDS = 2.0
"""How long standard input may take before a line says what is waited for."""


def printable(text: str, out: TextIO) -> str:
    r"""Return `text` as `out` can take it.

    A terminal gets no control characters; a file or pipe gets the text as it is. All of IPython
    counts as a terminal: `jupyter console` prints what a kernel writes, whose standard output is
    none. Characters that the encoding of `out` lacks become escapes such as ``\u2014``.
    """
    shown = strip_controls(text) if host.shell() is not None or out.isatty() else text
    encoding = getattr(out, "encoding", None) or "utf-8"
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        return shown.encode(encoding, "backslashreplace").decode(encoding)
    return shown


def print_out(text: str) -> None:
    """Write to standard output and flush it.

    Raises:
        OSError: It cannot be written; BrokenPipeError where the reader has left.
    """
    sys.stdout.write(printable(text, sys.stdout))
    sys.stdout.flush()


def print_error(line: str) -> None:
    """Write a line to standard error; where that fails, nothing happens."""
    with suppress(OSError):
        sys.stderr.write(f"{printable(line, sys.stderr)}\n")
        sys.stderr.flush()


def open_missing() -> None:
    """Open the null device as each standard stream that the process was started without.

    The next file or socket would get its number, and whatever is written to that. Where
    `sys.stdout` is None it stays so: an answer that nobody can read is no success.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open


@contextmanager
def flushed() -> Iterator[None]:
    """Flush the standard streams at the end, while a failure can yet be reported.

    Python flushes them once more when it exits, and ends with status 120 where that fails; so what
    cannot be written is thrown away. Source: https://docs.python.org/3/library/signal.html
    ("Note on SIGPIPE") and ``Py_FinalizeEx``.

    Raises:
        OSError: Standard output cannot be written.
    """
    try:
        yield
    finally:
        with suppress(OSError):
            _flush(sys.stderr)
        _flush(sys.stdout)


def _flush(out: TextIO | None) -> None:
    if out is None:
        return
    try:
        out.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, out.fileno())
        os.close(null)
        raise


def is_fed() -> bool:
    """Whether standard input is a file, a pipe or a socket: no terminal, no device, not closed."""
    if sys.stdin is None:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def read_all(waiting: str) -> str:
    """Read standard input to its end, without the line ends and the byte order mark around it.

    Args:
        waiting: What to print on standard error where the end does not come soon. A person who
            has to type sees so at once.

    Raises:
        OptionError: It is no UTF-8.
    """
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        print_error("Type the prompt; Ctrl-D on a line of its own ends it.")
        data = sys.stdin.buffer.read()
    else:
        with _noticing(f"{PROGRAM}: {waiting}"):
            data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        msg = (
            f"standard input is not UTF-8 (byte {data[error.start]:#04x} at {error.start:,}); "
            "convert it, as in: iconv -f latin1 -t utf-8 FILE | notebook-stream ask"
        )
        raise OptionError(msg) from None


@contextmanager
def _noticing(line: str) -> Iterator[None]:
    """Print a line on standard error, from another thread, where the block takes long."""
    timer = threading.Timer(PATIENCE_SECONDS, print_error, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
