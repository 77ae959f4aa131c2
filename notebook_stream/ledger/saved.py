"""Sum the usage and the cost that saved notebooks hold in their outputs.

The facts about an answer are in the metadata of its output. Those that VS Code showed live are in a
part of the output's data instead, as it does not take new metadata for an output.
"""

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

METADATA_KEY = "notebook_stream"
"""The key of this package in the metadata of an output."""

DATA_PART = "application/vnd.notebook-stream+json"
"""The MIME type of the data part that holds the same facts."""

Skip = Callable[[Path, str], None]
"""A function that is called with each path that cannot be read, and why (part of a sentence)."""

MOST = 1e12
"""The least number that is taken for no amount of dollars or seconds, so that sums are finite."""


def ledger_of(paths: Iterable[Path], skip: Skip) -> Ledger:
    """Return the usage in notebooks, summed by notebook and model.

    A file counts once, whatever names it is given by: it is identified by its device and inode.

    Args:
        paths: Notebooks, and folders in which notebooks are searched at any depth.
        skip: The function that is called with each path that cannot be read and is left out.
    """
    made = Ledger(("notebook", "model"))
    counted: set[tuple[int, int]] = set()
    for path in _find_notebooks(paths, skip):
        try:
            for facts in _read_answers(path, counted):
                made.add(_make_reply(facts), str(path))
        except (OSError, UnreadableError) as error:
            skip(path, getattr(error, "strerror", None) or str(error))
    return made


class UnreadableError(Exception):
    """A file holds no notebook; the message says why, as part of a sentence."""


def _find_notebooks(paths: Iterable[Path], skip: Skip) -> Iterator[Path]:
    """Yield the paths, with the notebooks in it for each that is a folder."""
    for path in paths:
        if os.path.isdir(path):  # `Path.is_dir` raises where a folder above may not be read.
            yield from _search_folder(path, skip)
        else:
            yield path


def _search_folder(folder: Path, skip: Skip) -> Iterator[Path]:
    """Yield all in a folder whose names end as those of notebooks do, but not Jupyter's copies."""

    def unreadable(error: OSError) -> None:
        skip(Path(str(error.filename)), error.strerror or str(error))

    found: list[Path] = []
    for root, folders, files in os.walk(folder, onerror=unreadable):
        if ".ipynb_checkpoints" in folders:
            folders.remove(".ipynb_checkpoints")
        found += [Path(root, name) for name in (*folders, *files) if name.endswith(".ipynb")]
    yield from sorted(found)


def _read_answers(path: Path, counted: set[tuple[int, int]]) -> list[dict[str, Any]]:
    """Return the facts of this package in each output of a notebook that has some.

    Args:
        path: The notebook.
        counted: Device and inode of the files that were read before, for which nothing is
            returned; this file is added.

    Raises:
        OSError: It cannot be read.
        UnreadableError: It is not a notebook.
    """
    found = path.stat()
    if (found.st_dev, found.st_ino) in counted:
        return []
    counted.add((found.st_dev, found.st_ino))
    if not stat.S_ISREG(found.st_mode):
        msg = "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is a device, or a pipe"
        raise UnreadableError(msg)
    notebook = _parse(path.read_bytes())
    try:
        outputs = [output for cell in _cells(notebook) for output in cell.get("outputs") or ()]
        ours = [_read_facts(output) for output in outputs]
    except (KeyError, TypeError, AttributeError):
        msg = "it is not a notebook"
        raise UnreadableError(msg) from None
    return [facts for facts in ours if facts is not None]


def _read_facts(output: Any) -> dict[str, Any] | None:
    """Return the facts in one output, once, wherever they are; None where there are none."""
    facts = (output.get("metadata") or {}).get(METADATA_KEY)
    if isinstance(facts, dict):
        return facts
    data = output.get("data")
    return _read_part(data.get(DATA_PART)) if isinstance(data, dict) else None


def _read_part(part: Any) -> dict[str, Any] | None:
    """Return the JSON object that a data part is, or that its text or its list of lines holds."""
    read = part
    if isinstance(part, str | list):
        try:
            read = json.loads(part if isinstance(part, str) else "".join(part))
        except (ValueError, TypeError, RecursionError):
            return None
    return read if isinstance(read, dict) else None


def _parse(data: bytes) -> Any:
    """Return the JSON of a file in UTF-8, 16 or 32, with or without byte order mark, or Latin-1.

    Raises:
        UnreadableError: It is not JSON.
    """
    if not data.strip():
        msg = "it is empty"
        raise UnreadableError(msg)
    try:
        return _decode(data)
    except (ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else "cut, damaged or none"
        msg = f"its JSON is {why}"
        raise UnreadableError(msg) from None


def _decode(data: bytes) -> Any:
    """Return the JSON in bytes, which are read as Latin-1 where they are not Unicode."""
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        return json.loads(data.decode("latin-1"))


def _cells(notebook: Any) -> list[Any]:
    """Return the cells of a notebook; up to nbformat 3 they are on worksheets."""
    if "cells" in notebook:
        return list(notebook["cells"])
    return [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]


def _make_reply(facts: dict[str, Any]) -> Reply:
    """Make a reply without text out of the metadata of an output."""
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
    """Return an amount of dollars or seconds; None for anything else, such as ``true`` or NaN."""
    if type(value) not in {int, float} or not 0 <= value < MOST:
        return None
    return float(value)
