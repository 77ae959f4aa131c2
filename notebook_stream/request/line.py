"""Read the line of a magic: the options at its start, and the text after them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..errors import OptionError
from .table import BY_FLAG, FLAGGED


@dataclass(frozen=True)
class Line:
    """The parts of a magic's line.

    Attributes:
        given: The options by name, their values as typed; True for a switch, "" for a value that
            was left out.
        rest: The text after the options, as typed.
    """

    given: dict[str, Any]
    rest: str


_WORD = re.compile(r"""\"(?:\\.|[^"\\])*"(?!\S)|'[^']*'(?!\S)|[^\s"']\S*""")
"""A value: in quotes, or up to the next space. An apostrophe inside a word is no quote."""


def read_line(text: str) -> Line:
    """Read the options at the start of a magic's line.

    The text after the options is left as it is: quotes, ``$`` and braces have no meaning in it.
    ``--`` ends the options.

    Raises:
        OptionError: An option does not exist, lacks its value, or has one though it takes none.
    """
    given: dict[str, Any] = {}
    text = text.strip()
    while re.match(r"--?[A-Za-z]", text):
        name, value, text = _read_option(text)
        given[name] = value
    return Line(given, text[2:].lstrip() if re.match(r"--(\s|$)", text) else text)


def _read_option(text: str) -> tuple[str, Any, str]:
    """Return the name and the value of the first option of a text, and the text after it."""
    flag = re.match(r"[^\s=]+", text)[0]  # type: ignore[index] # matches, as it begins with a dash
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
    return option.name, _unquote(word[0]), rest[word.end() :].lstrip()


def _unquote(word: str) -> str:
    r"""Return a value without its quotes; in double quotes a backslash escapes ``"`` and ``\``."""
    if word.startswith('"'):
        return re.sub(r"\\([\"\\])", r"\1", word[1:-1])
    return word[1:-1] if word.startswith("'") else word
