"""Checks of the values of options: each returns the value to use, or says what to type instead."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..recording.files import occupant


def check_count(value: Any) -> int:
    """Return a whole number from 1 up, which may be given as text.

    Raises:
        OptionError: It is none.
    """
    if isinstance(value, bool) or not re.fullmatch(r"0*[1-9]\d*", str(value)):
        msg = f"--max-tokens must be a whole number from 1 up, got {str(value)!r}; try 4000."
        raise OptionError(msg)
    return int(value)


def check_text(name: str, value: Any) -> str:
    """Return the value, which has to be text.

    Raises:
        OptionError: It is not.
    """
    if isinstance(value, str):
        return value
    msg = f"{name} must be text, got {type(value).__name__}; write {name}='…'."
    raise OptionError(msg)


def check_path(name: str, value: Any) -> Path:
    """Return a path, absolute and with the home folder for ``~``.

    Raises:
        OptionError: It is none.
    """
    try:
        return Path(value).expanduser().resolve()  # a link stays one
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        msg = f"--{name} {str(value)[:60]!r} is no path ({error}); give the path of a file."
        raise OptionError(msg) from None


def check_recordable(value: Any) -> Path:
    """Return the path of a file that a recording can be written to without losing anything.

    Raises:
        OptionError: It cannot be written, or is a file of another kind.
    """
    path = check_path("record", value)
    if what := _hindrance(path):
        msg = f"cannot record to {str(value)!r}: {what}; give the path of a new file."
        raise OptionError(msg)
    return path


def _hindrance(path: Path) -> str:
    """Return why no recording can be put there; "" where one can, which is found by trying."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is a device, or a pipe"
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r}"
    return _contents(path) or _refusal(path.parent)


def _contents(path: Path) -> str:
    """Return why a file may not be replaced; "" for none, an empty one, or a recording."""
    try:
        occupant(path)
    except OptionError:
        return "there is a file that cannot be read as a recording, and it would be lost"
    except OSError as error:
        return f"the file that is there cannot be read ({error.strerror})"
    return ""


def _refusal(folder: Path) -> str:
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"its folder cannot be written to ({error.strerror})"
