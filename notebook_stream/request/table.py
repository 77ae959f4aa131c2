"""The table of options, from which everything that offers an option is made.

A row holds how an option is spelled, how its value is checked, what it adds to the body of the
request, whether it holds for the later turns of a chat, and whether it is a setting of the session.
The magics, the keywords of the Python functions, the command in a terminal, the traits, the help
and the option table of the docs are made from the rows, so that a new option is one new row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..text.surrogates import repair_surrogates
from .checks import check_count, check_path, check_recordable, check_text

ON = ("1", "true", "yes", "on")
OFF = ("", "0", "false", "no", "off")
DEMO = os.environ.get("NOTEBOOK_STREAM_DEMO", "").strip().lower()
"""What the environment variable asks for: recorded replies (a word of `ON`) or none (of `OFF`).

With any other word the demo is off, and each call that would be sent raises an `OptionError`:
either guess might be the wrong one.
"""


@dataclass(frozen=True)
class Setting:
    """The setting of an option: its value where a call gives none.

    In a notebook it is a trait, which ``%config ClaudeMagics`` shows and sets.

    Attributes:
        default: Its value until it is set.
        kind: Its type: str, int, float or bool.
        help: What it does, in a sentence.
        minimum: Its least value, if it is a number; None where any number is allowed.
        optional: Whether it may be None.
    """

    default: Any
    kind: type
    help: str
    minimum: float | None = None
    optional: bool = False


@dataclass(frozen=True)
class Option:
    """One option of a call, or a setting that no call can change.

    Attributes:
        name: Its name as a keyword in Python.
        text: What it does, for the help; "" for a setting that no call can change.
        flags: Its spellings on a magic's line and in a terminal, the long one last; none for a
            setting that no call can change.
        metavar: The name of its value in the help; "" for a switch, which has no value; in brackets
            where the value may be left out.
        check: Returns the value to use for what was given, or raises `OptionError`.
        body: Returns the fields that a checked value adds to the body of the request.
        lasts: Whether its value in the first turn of a chat holds for the later turns.
        setting: Its setting; None where it has none.
        in_python: Whether the Python functions take it; else the magic reads it and removes it.
        in_terminal: Whether ``notebook-stream ask`` takes it.
    """

    name: str
    text: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    check: Callable[[Any], Any] = lambda value: value
    body: Callable[[Any], Mapping[str, Any]] = lambda value: {}
    lasts: bool = False
    setting: Setting | None = None
    in_python: bool = True
    in_terminal: bool = True


TABLE = (
    Option(
        "model",
        "a model id, or opus, sonnet, haiku, fable: the newest",
        ("-m", "--model"),
        "MODEL",
        check=lambda value: check_text("model", value).strip(),
        body=lambda model: {"model": model},
        lasts=True,
        setting=Setting(
            "sonnet", str, "Model id, or opus, sonnet, haiku, fable: the newest of that line."
        ),
    ),
    Option(
        "max_tokens",
        "the most tokens to write",
        ("-t", "--max-tokens"),
        "N",
        check=partial(check_count, "max_tokens"),
        body=lambda count: {"max_tokens": count},
        lasts=True,
        setting=Setting(16_000, int, "The most tokens to write.", minimum=1),
    ),
    Option(
        "system",
        "the system prompt",
        ("-s", "--system"),
        "TEXT",
        check=lambda value: check_text("system", value) or None,
        body=lambda text: {"system": repair_surrogates(text)},
        lasts=True,
        setting=Setting("", str, "System prompt of every request; empty for none."),
    ),
    Option(
        "chat",
        "a turn of the chat in the variable CHAT (claude_chat)",
        ("-c", "--chat"),
        "[CHAT]",
        in_python=False,
        in_terminal=False,
    ),
    Option(
        "background",
        "end the cell at once: NAME is the answer on its way, and the Reply later",
        ("-b", "--background"),
        check=bool,
        in_python=False,
        in_terminal=False,
    ),
    Option(
        "raw",
        "send the prompt as typed: no {{ interpolation }}",
        ("--raw",),
        check=bool,
        in_terminal=False,  # A prompt in a terminal is always sent as typed.
    ),
    Option(
        "record",
        "write the stream to FILE, to replay it later",
        ("--record",),
        "FILE",
        check=check_recordable,
    ),
    Option(
        "replay",
        "answer from a recording: no key, no network",
        ("--replay",),
        "FILE",
        check=partial(check_path, "replay"),
    ),
    Option(
        "timeout",
        setting=Setting(
            600.0,
            float,
            "Seconds without a byte after which an answer is given up.",
            minimum=1,
        ),
    ),
    Option(
        "max_retries",
        setting=Setting(2, int, "How often to try again, before the first byte.", minimum=0),
    ),
    Option(
        "budget",
        setting=Setting(
            None,
            float,
            "US dollars for this session; a request that may not be paid for is not sent.",
            minimum=0,
            optional=True,
        ),
    ),
    Option(
        "allow_unknown_price",
        setting=Setting(
            False, bool, "Whether a budget lets models through whose price is unknown."
        ),
    ),
    Option(
        "demo",
        setting=Setting(
            DEMO in ON, bool, "Answer from the recorded replies: no key, no network, no cost."
        ),
    ),
)

FLAGGED = tuple(option for option in TABLE if option.flags)
"""The options that a call may give."""

BY_FLAG = {flag: option for option in FLAGGED for flag in option.flags}
"""The options by each of their spellings."""

SETTINGS = {option.name: option.setting for option in TABLE if option.setting}
"""The settings of the session, by name."""

LASTING = tuple(option.name for option in TABLE if option.lasts)
"""The options of a chat's first turn that hold for the later ones."""


def manual() -> Iterator[str]:
    """Yield the options as the lines of a help text."""
    for option in FLAGGED:
        names = ", ".join(option.flags) + (f" {option.metavar}" if option.metavar else "")
        yield f"  {names:<24} {option.text}"


def markdown_rows() -> Iterator[str]:
    """Yield the options as the rows of the README's Markdown table, without its head."""
    for option in FLAGGED:
        *short, long = option.flags
        last = f"`{long} {option.metavar}`" if option.metavar else f"`{long}`"
        yield f"| {', '.join([*(f'`{flag}`' for flag in short), last])} | {option.text} |"
