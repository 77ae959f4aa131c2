"""What saved notebooks say of the answers in them, summed."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..values.reply import Reply
from ..values.usage import Usage
from .usage import Ledger

Skip = Callable[[Path, str], None]
"""Is called with each path that cannot be read, and why (part of a sentence)."""

MOST = 1e12
"""Dollars or seconds from here on are none, so that sums stay finite."""


def ledger_of(paths: Iterable[Path], skip: Skip) -> Ledger:
    """The usage that notebooks carry in the metadata of their outputs, by notebook and model.

    A file counts once, by whatever names it is given: it is known by its device and inode.

    Args:
        paths: Notebooks, or folders of them, at any depth.
        skip: Is called with what cannot be read; the others are summed without it.
    """
    made = Ledger(("notebook", "model"))
    counted: set[tuple[int, int]] = set()
    for path in _notebooks(paths, skip):
        try:
            for facts in _answers(path, counted):
                made.add(_reply(facts), str(path))
        except (OSError, UnreadableError) as error:
            skip(path, getattr(error, "strerror", None) or str(error))
    return made


class UnreadableError(Exception):
    """A file that holds no notebook, and why (part of a sentence)."""


def _notebooks(paths: Iterable[Path], skip: Skip) -> Iterator[Path]:
    for path in paths:
        if os.path.isdir(path):  # Path.is_dir raises where a folder above may not be read
            yield from _found(path, skip)
        else:
            yield path


def _found(folder: Path, skip: Skip) -> Iterator[Path]:
    """All in a folder that are called as notebooks are, but for Jupyter's own copies."""

    def unreadable(error: OSError) -> None:
        skip(Path(str(error.filename)), error.strerror or str(error))

    found: list[Path] = []
    for root, folders, files in os.walk(folder, onerror=unreadable):
        if ".ipynb_checkpoints" in folders:
            folders.remove(".ipynb_checkpoints")
        found += [Path(root, name) for name in (*folders, *files) if name.endswith(".ipynb")]
    yield from sorted(found)


def _answers(path: Path, counted: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """Our metadata of each output; nothing where the file was counted before.

    Raises:
        OSError: It cannot be read.
        UnreadableError: It is no notebook.
    """
    found = path.stat()
    if (found.st_dev, found.st_ino) in counted:
        return []
    counted.add((found.st_dev, found.st_ino))
    if not stat.S_ISREG(found.st_mode):
        msg = "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is a device, or a pipe"
        raise UnreadableError(msg)
    notebook = _parsed(path.read_bytes())
    try:
        outputs = [output for cell in _cells(notebook) for output in cell.get("outputs") or ()]
        ours = [(output.get("metadata") or {}).get("notebook_stream") for output in outputs]
    except (KeyError, TypeError, AttributeError):
        msg = "it is not a notebook"
        raise UnreadableError(msg) from None
    return [facts for facts in ours if isinstance(facts, dict)]


def _parsed(data: bytes) -> Any:
    """The JSON of a file: UTF-8, 16 or 32 with or without a byte order mark, else Latin-1.

    Raises:
        UnreadableError: It is none.
    """
    if not data.strip():
        msg = "it is empty"
        raise UnreadableError(msg)
    try:
        return _decoded(data)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else "cut, damaged or none"
        msg = f"its JSON is {why}"
        raise UnreadableError(msg) from None


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        return json.loads(data.decode("latin-1"))


def _cells(notebook: Any) -> list[Any]:
    """The cells; up to nbformat 3 they are on worksheets."""
    if "cells" in notebook:
        return list(notebook["cells"])
    return [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]


def _reply(facts: dict[str, Any]) -> Reply:
    """A reply without its text."""
    usage = Usage(facts["usage"] if isinstance(facts.get("usage"), dict) else {})
    model = facts.get("model")
    return Reply(
        usage=usage,
        output_tokens=usage.tokens("output_tokens"),
        cost=_amount(facts.get("cost_usd")),
        seconds=_amount(facts.get("seconds")),
        model=model if isinstance(model, str) and model.strip() else None,
        recorded=facts.get("recorded") is True,
    )


def _amount(value: Any) -> float | None:
    """A number of dollars or seconds; None for what is none, as JSON's `true` and NaN are."""
    if type(value) not in {int, float} or not 0 <= value < MOST:
        return None
    return float(value)
