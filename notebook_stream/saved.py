"""What saved notebooks say of the answers in them, summed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .errors import OptionError
from .reply import Reply, Usage
from .usage import Ledger


def ledger_of(paths: Iterable[Path]) -> Ledger:
    """The usage that notebooks carry in the metadata of their outputs, by notebook and model.

    Args:
        paths: Notebooks, or folders of them, at any depth.

    Raises:
        OptionError: A path does not exist, or is no notebook.
    """
    made = Ledger(("notebook", "model"))
    for notebook in _notebooks(paths):
        for told in _answers(notebook):
            made.add(_reply(told), str(notebook))
    return made


def _notebooks(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            found = sorted(path.rglob("*.ipynb"))
            yield from (one for one in found if ".ipynb_checkpoints" not in one.parts)
        else:
            yield path


def _answers(notebook: Path) -> Iterator[dict[str, Any]]:
    """Our metadata of each output."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
        ours = [output.get("metadata", {}).get("notebook_stream") for output in outputs]
    except OSError as error:
        msg = f"cannot read {str(notebook)!r} ({error.strerror}); check the path."
        raise OptionError(msg) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        msg = f"{str(notebook)!r} is not a notebook; give .ipynb files or folders of them."
        raise OptionError(msg) from None
    yield from (told for told in ours if isinstance(told, dict))


def _reply(told: dict[str, Any]) -> Reply:
    """A reply without its text."""
    usage = Usage(told["usage"] if isinstance(told.get("usage"), dict) else {})
    return Reply(
        usage=usage,
        output_tokens=usage.tokens("output_tokens"),
        cost=_number(told.get("cost_usd")),
        seconds=_number(told.get("seconds")),
        model=str(told["model"]) if told.get("model") else None,
        recorded=bool(told.get("recorded")),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
