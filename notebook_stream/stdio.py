"""Read from and write to the standard streams of this process."""

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
"""The name of the command, with which its messages begin."""

PATIENCE_SECONDS = 2.0
"""The seconds that standard input may take before a line says what the command waits for."""


def to_printable(text: str, out: TextIO) -> str:
    r"""Return ``text`` in a form that can be written to ``out``.

    For a terminal, control characters are removed; a file or pipe gets the text as it is. IPython
    always counts as a terminal: `jupyter console` prints what a kernel writes, and the standard
    output of that kernel is not a terminal itself. Characters that the encoding of ``out`` lacks
    become escapes such as ``\u2014``.
    """
    shown = strip_controls(text) if host.shell() is not None or out.isatty() else text
    encoding = getattr(out, "encoding", None) or "utf-8"
    try:
        shown.encode(encoding)
    except UnicodeEncodeError:
        return shown.encode(encoding, "backslashreplace").decode(encoding)
    return shown


def print_out(text: str) -> None:
    """Write text to standard output and flush it.

    Raises:
        OSError: It cannot be written; a BrokenPipeError where the reader has closed the pipe.
    """
    sys.stdout.write(to_printable(text, sys.stdout))
    sys.stdout.flush()


def print_error(line: str) -> None:
    """Write a line to standard error; a failure to write is ignored."""
    with suppress(OSError):
        sys.stderr.write(f"{to_printable(line, sys.stderr)}\n")
        sys.stderr.flush()


def open_missing() -> None:
    """Open the null device as each standard stream that the process was started without.

    Otherwise the next file or socket would get the descriptor of the missing stream, and with it
    all that is written to that stream. `sys.stdout` stays None, so that the command can fail: an
    answer that cannot be printed is not a success.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It gets the lowest free number, which is this one.
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open


@contextmanager
def flushing_streams() -> Iterator[None]:
    """Flush the standard streams at the end of the block, where a failure can be reported.

    Python flushes them again when it exits, and its exit status is 120 where that fails; so text
    that cannot be written is discarded here. Sources: "Note on SIGPIPE" in
    https://docs.python.org/3/library/signal.html, and ``Py_FinalizeEx`` in
    https://docs.python.org/3/c-api/init.html.

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
    """Flush a stream; where that fails, redirect it to the null device and raise the OSError."""
    if out is None:
        return
    try:
        out.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, out.fileno())
        os.close(null)
        raise


def is_redirected() -> bool:
    """Return whether standard input is a file, a pipe or a socket, and open."""
    if sys.stdin is None:
        return False
    mode = os.fstat(sys.stdin.fileno()).st_mode
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def read_input(waiting: str) -> str:
    """Read standard input to its end, without a byte order mark and the line ends at the end.

    At a terminal, a line on standard error says at once how to end the input.

    Args:
        waiting: The line to print on standard error where the end does not come within
            `PATIENCE_SECONDS`.

    Raises:
        OptionError: It is not UTF-8.
    """
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        print_error("Type the prompt; Ctrl-D on a line of its own ends it.")
        data = sys.stdin.buffer.read()
    else:
        with _printing_if_slow(f"{PROGRAM}: {waiting}"):
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
def _printing_if_slow(line: str) -> Iterator[None]:
    """Print a line on standard error if the block takes longer than `PATIENCE_SECONDS`."""
    timer = threading.Timer(PATIENCE_SECONDS, print_error, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
