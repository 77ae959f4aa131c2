"""The options of every verb: one table for the magics, the Python functions and the terminal."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OptionError
from ..recording.format import occupant

ALIASES = ("opus", "sonnet", "haiku", "fable")
"""Names for the newest model of a line."""


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: Its name in Python.
        flags: Its spellings on a magic's line and in a terminal.
        metavar: What its value is called; "" for a switch, in brackets where it may be left out.
        text: What it does.
    """

    name: str
    flags: tuple[str, ...]
    metavar: str
    text: str


TABLE = (
    Option(
        "model", ("-m", "--model"), "MODEL", "a model id, or opus, sonnet, haiku, fable: the newest"
    ),
    Option("system", ("-s", "--system"), "TEXT", "the system prompt"),
    Option("max_tokens", ("-t", "--max-tokens"), "N", "the most tokens to write"),
    Option(
        "chat", ("-c", "--chat"), "[CHAT]", "a turn of the chat in the variable CHAT (claude_chat)"
    ),
    Option("raw", ("--raw",), "", "send the prompt as typed: no {{ interpolation }}"),
    Option("record", ("--record",), "FILE", "write the stream to FILE, to replay it later"),
    Option("replay", ("--replay",), "FILE", "answer from a recording: no key, no network"),
)
BY_FLAG = {flag: option for option in TABLE for flag in option.flags}


ON = ("1", "true", "yes", "on")
OFF = ("", "0", "false", "no", "off")
DEMO = os.environ.get("NOTEBOOK_STREAM_DEMO", "").strip().lower()
"""Whether the environment asks for the recorded replies: one of `ON`, of `OFF`, or a mistake."""


@dataclass
class Settings:
    """What holds where a call does not say: `%config ClaudeMagics` in a notebook.

    Attributes:
        demo: Whether recorded replies answer. At first it is what ``NOTEBOOK_STREAM_DEMO`` says at
            the time of the import: on for 1, true, yes and on; off for 0, false, no, off and
            nothing, in capitals or not. With any other word in it, demo is off and a call that
            would be sent is an `OptionError`, as either guess may be the wrong one.
    """

    model: str = "sonnet"
    max_tokens: int = 16_000
    system: str = ""
    timeout: float = 600.0
    max_retries: int = 2
    budget: float | None = None
    allow_unknown_price: bool = False
    demo: bool = DEMO in ON


settings = Settings()
"""The settings of this process."""


@dataclass(frozen=True)
class Options:
    """The options of one call, checked."""

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

    @property
    def recorded(self) -> bool:
        """Whether a recording answers, not the API."""
        return self.demo or self.replay is not None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """The options given, the settings where nothing is given.

        Raises:
            OptionError: An option does not exist or has a value that it cannot have.
        """
        known = {option.name for option in TABLE} - {"chat"}  # which is the caller's to take
        for name in given:
            if name not in known:
                msg = f"there is no option {name!r}; the options are {', '.join(sorted(known))}."
                raise OptionError(msg)
        chosen = {name: value for name, value in given.items() if value is not None}
        if not settings.demo and "replay" not in chosen:
            _check_demo()
        return cls(
            model=text_of("model", chosen.get("model", settings.model)).strip(),
            max_tokens=_count(chosen.get("max_tokens", settings.max_tokens)),
            system=text_of("system", chosen.get("system", settings.system)) or None,
            raw=bool(chosen.get("raw", False)),
            record=_writable(chosen.get("record")),
            replay=_path("replay", chosen["replay"]) if "replay" in chosen else None,
            demo=settings.demo,
            timeout=settings.timeout,
            max_retries=settings.max_retries,
            budget=settings.budget,
            allow_unknown_price=settings.allow_unknown_price,
        )


def _check_demo() -> None:
    """See that the environment asked for the recorded replies, or for none, in a known word.

    Raises:
        OptionError: It has another word.
    """
    if DEMO not in ON + OFF:
        msg = (
            f"NOTEBOOK_STREAM_DEMO is {DEMO[:60]!r}, which is neither on nor off; set it to 1 or 0 "
            "and start again, or switch the recorded replies on with %claude_demo on."
        )
        raise OptionError(msg)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"0*[1-9]\d*", str(value)):
        msg = f"--max-tokens must be a whole number from 1 up, got {str(value)!r}; try 4000."
        raise OptionError(msg)
    return int(value)


def text_of(name: str, value: Any) -> str:
    """The value, which has to be text.

    Raises:
        OptionError: It is not.
    """
    if isinstance(value, str):
        return value
    msg = f"{name} must be text, got {type(value).__name__}; write {name}='…'."
    raise OptionError(msg)


def _path(name: str, value: Any) -> Path:
    try:
        return Path(value).expanduser().resolve()  # a link stays one
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        msg = f"--{name} {str(value)[:60]!r} is no path ({error}); give the path of a file."
        raise OptionError(msg) from None


def _writable(value: Any) -> Path | None:
    if value is None:
        return None
    path = _path("record", value)
    if what := _hindrance(path):
        msg = f"cannot record to {str(value)!r}: {what}; give the path of a new file."
        raise OptionError(msg)
    return path


def _hindrance(path: Path) -> str:
    """Why no recording can be put there; found by trying, before anything is spent."""
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not path.is_file():
        return "it is a device, or a pipe"
    if not path.parent.is_dir():
        return f"there is no folder {str(path.parent)!r}"
    return _contents(path) or _refusal(path.parent)


def _contents(path: Path) -> str:
    """What is in a file that must not be replaced; "" for none, an empty one, or a recording."""
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
        near = ", ".join(flags[-1] for flags in (option.flags for option in TABLE))
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


def manual() -> Iterator[str]:
    """The options, a line each."""
    for option in TABLE:
        names = ", ".join(option.flags) + (f" {option.metavar}" if option.metavar else "")
        yield f"  {names:<24} {option.text}"
