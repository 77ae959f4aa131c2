"""Check the values of options: return the one to use, or raise an error with a remedy."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..recording.files import occupant


def check_count(name: str, value: Any) -> int:
    """Return a whole number from 1 up, which may be given as text.

    Args:
        name: The name of the option, for the message.
        value: What was given.

    Raises:
        OptionError: It is not such a number.
    """
    if isinstance(value, bool) or not re.fullmatch(r"0*[1-9]\d*", str(value)):
        flag = f"--{name.replace('_', '-')}"
        msg = f"{flag} must be a whole number from 1 up, got {str(value)!r}; write {flag} 4000."
        raise OptionError(msg)
    return int(value)


def check_text(name: str, value: Any) -> str:
    """Return the value of the option ``name``, which must be a `str`.

    Raises:
        OptionError: It is of another type.
    """
    if isinstance(value, str):
        return value
    msg = f"{name} must be text, got {type(value).__name__}; write {name}='…'."
    raise OptionError(msg)


def check_path(name: str, value: Any) -> Path:
    """Return the value of the option ``name`` as an absolute path, ``~`` being the home folder.

    Raises:
        OptionError: It cannot be a path.
    """
    try:
        return Path(value).expanduser().resolve()
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        msg = f"--{name} {str(value)[:60]!r} is no path ({error}); give the path of a file."
        raise OptionError(msg) from None


def check_recordable(value: Any) -> Path:
    """Return the path of a file to which a recording can be written without losing anything.

    Raises:
        OptionError: It cannot be written, or a file that is not a recording is there.
    """
    path = check_path("record", value)
    if what := _hindrance(path):
        msg = f"cannot record to {str(value)!r}: {what}; give the path of a new file."
        raise OptionError(msg)
    return path


def _hindrance(path: Path) -> str:
    """Return why no recording can be written to ``path``; "" where one can.

    Whether its folder can be written to is found by creating a temporary file in it.
    """
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is a device, or a pipe"
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r}"
    return _contents(path) or _refusal(path.parent)


def _contents(path: Path) -> str:
    """Return why the file at ``path`` may not be replaced.

    Returns:
        Part of a sentence; "" where there is no file, an empty one, or a recording.
    """
    try:
        occupant(path)
    except OptionError:
        return "there is a file that cannot be read as a recording, and it would be lost"
    except OSError as error:
        return f"the file that is there cannot be read ({error.strerror})"
    return ""


def _refusal(folder: Path) -> str:
    """Return why no file can be created in a folder; "" where one can."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"its folder cannot be written to ({error.strerror})"
