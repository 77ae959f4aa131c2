"""A magic's line: the options at its start, and what follows them as typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError
from .table import BY_FLAG, FLAGGED


@dataclass(frozen=True)
class Line:
    """A magic's line, taken apart.

    Attributes:
        given: The options on it, as typed.
        rest: What follows them, exactly as typed.
    """

    given: dict[str, Any]
    rest: str


_WORD = re.compile(r"""\"(?:\\.|[^"\\])*"(?!\S)|'[^']*'(?!\S)|[^\s"']\S*""")
"""A value: in quotes, or up to the next space; an apostrophe inside a word is one."""


def read_line(text: str) -> Line:
    """Read the options at the start of a magic's line.

    What follows the options is left as it is: no quotes, ``$`` or braces are read in it. ``--``
    ends the options.

    Raises:
        OptionError: An option does not exist, or has no value.
    """
    given: dict[str, Any] = {}
    text = text.strip()
    while re.match(r"--?[A-Za-z]", text):
        name, value, text = _one_option(text)
        given[name] = value
    return Line(given, text[2:].lstrip() if re.match(r"--(\s|$)", text) else text)


def _one_option(text: str) -> tuple[str, Any, str]:
    """The first option of the text: its name, its value, and what follows."""
    flag = re.match(r"[^\s=]+", text)[0]  # type: ignore[index] # the caller saw a dash
    rest = text[len(flag) :]
    if flag not in BY_FLAG:
        near = ", ".join(option.flags[-1] for option in FLAGGED)
        msg = f"there is no option {flag!r}; the options are {near} (-- ends them)."
        raise OptionError(msg)
    option = BY_FLAG[flag]
    if not option.metavar:
        if rest.startswith("="):
            msg = f"{flag} takes no value, got {flag}{rest.split()[0]!s}; write {flag} alone."
            raise OptionError(msg)
        return option.name, True, rest.lstrip()
    rest = rest.removeprefix("=").lstrip()
    word = _WORD.match(rest)
    if option.metavar.startswith("[") and (not word or word[0].startswith("-")):
        return option.name, "", rest
    if not word:
        msg = f"{flag} needs a value; write {flag} {option.metavar}, in quotes if it has spaces."
        raise OptionError(msg)
    return option.name, _unquoted(word[0]), rest[word.end() :].lstrip()


def _unquoted(word: str) -> str:
    if word.startswith('"'):
        return re.sub(r"\\([\"\\])", r"\1", word[1:-1])
    return word[1:-1] if word.startswith("'") else word
