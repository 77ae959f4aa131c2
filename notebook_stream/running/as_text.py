"""The uses of an answer as text: the text of its reply, once it has ended, and an error before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import ClaudeError
from ..values.reply import NAMES, Reply


class NotDoneError(ClaudeError, AttributeError):
    """An answer was used as its reply before its end."""


class AsText:
    """Takes part in expressions as the reply of the answer does; a subclass knows the reply."""

    def result(self) -> Reply:
        """Return the reply.

        Raises:
            ClaudeError: The answer has not ended (`NotDoneError`), or it failed.
        """
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the reply, such as ``usage`` or ``upper``."""
        if not name.startswith("_") and (name in NAMES or hasattr(Reply, name)):
            return getattr(self.result(), name)
        msg = f"an answer on its way has no attribute {name!r}"
        raise AttributeError(msg)

    def __str__(self) -> str:
        return str(self.result())

    def __format__(self, spec: str) -> str:
        return format(self.result(), spec)

    def __len__(self) -> int:
        return len(self.result())

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.result())

    def __contains__(self, part: str) -> bool:
        return part in self.result()

    def __getitem__(self, index: int | slice) -> str:
        return self.result()[index]

    def __add__(self, other: str) -> str:
        return self.result() + other

    def __radd__(self, other: str) -> str:
        return other + self.result()

    def __eq__(self, other: object) -> bool:
        return self.result() == other if isinstance(other, str) else self is other

    __hash__ = object.__hash__
