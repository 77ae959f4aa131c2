"""The options of one call, checked; a setting of the session stands for each that is not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..errors import OptionError
from .table import DEMO, FLAGGED, OFF, ON, SETTINGS, TABLE, Option

ALIASES = ("opus", "sonnet", "haiku", "fable")
"""The names that users may write for the newest model of a line of models."""

settings = SimpleNamespace(**{name: setting.default for name, setting in SETTINGS.items()})
"""The settings of this process, each an attribute with its name in the table."""


@dataclass(frozen=True)
class Options:
    """The options of one call, checked.

    The fields are the options that the code of this package reads by name.

    Attributes:
        others: The values of all other options of the table, by name, which only their rows read.
    """

    model: str
    max_tokens: int
    timeout: float
    max_retries: int
    system: str | None = None
    raw: bool = False
    record: Path | None = None
    replay: Path | None = None
    demo: bool = False
    budget: float | None = None
    allow_unknown_price: bool = False
    others: Mapping[str, Any] = field(default_factory=dict)

    @property
    def recorded(self) -> bool:
        """Whether a recording gives the answer, so that nothing is sent to the API."""
        return self.demo or self.replay is not None

    def body(self) -> dict[str, Any]:
        """Return the fields that the options add to the request's body, in the table's order."""
        made: dict[str, Any] = {}
        for option in TABLE:
            if (value := self._value(option)) is not None:
                made |= option.body(value)
        return made

    def _value(self, option: Option) -> Any:
        if option.name in FIELDS:
            return getattr(self, option.name)
        return self.others.get(option.name)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """Check the options that a call gives; settings stand for those that are None or missing.

        Raises:
            OptionError: An option does not exist or has a value that it cannot have.
        """
        _check_names(given)
        chosen = {name: value for name, value in given.items() if value is not None}
        if not settings.demo and "replay" not in chosen:
            _check_demo()
        values = {**vars(settings), **chosen}
        checked = {
            option.name: option.check(values[option.name])
            for option in TABLE
            if values.get(option.name) is not None and option.in_python
        }
        others = {name: checked.pop(name) for name in list(checked) if name not in FIELDS}
        return cls(**checked, others=others)


FIELDS = frozenset(one.name for one in fields(Options)) - {"others"}


def _check_names(given: Mapping[str, Any]) -> None:
    known = sorted(option.name for option in FLAGGED if option.in_python)
    for name in given:
        if name not in known:
            msg = f"there is no option {name!r}; the options are {', '.join(known)}."
            raise OptionError(msg)


def _check_demo() -> None:
    """Check that ``NOTEBOOK_STREAM_DEMO`` holds a word that switches the demo on or off.

    Raises:
        OptionError: It holds another word.
    """
    if DEMO not in ON + OFF:
        msg = (
            f"NOTEBOOK_STREAM_DEMO is {DEMO[:60]!r}, which is neither on nor off; set it to 1 or 0 "
            "and start again, or switch the recorded replies on with %claude_demo on."
        )
        raise OptionError(msg)
