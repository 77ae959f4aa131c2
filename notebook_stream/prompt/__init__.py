r"""Prompts: ``{{ expression }}`` becomes its value, once.

``\{{`` is a literal. Single braces, JSON, LaTeX and code pass untouched, and so do braces around
those of an expression: ``\frac{{{ x }}}{2}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .. import host
from ..errors import OptionError, interruption
from .objects import NoTextError, Rendered, remedy, render

_OPENING = re.compile(r"(?P<escaped>\\\{\{)|\{\{+")

LABEL_CHARACTERS = 60
"""How much of an expression is repeated in a sentence."""


@dataclass(frozen=True)
class Filled:
    """A prompt whose expressions are filled in.

    Attributes:
        text: What is sent.
        notes: A sentence for each value that is not sent whole.
    """

    text: str
    notes: tuple[str, ...] = ()


def fill_in(text: str, namespace: Mapping[str, Any]) -> Filled:
    """The same as `interpolate`, which an interrupt ends at once, also in a cell that awaits.

    Raises:
        OptionError: As `interpolate`.
        KeyboardInterrupt: It was interrupted; shown in one line.
    """
    try:
        with host.interrupts_raise():
            return interpolate(text, namespace)
    except KeyboardInterrupt:
        msg = "interrupted while the prompt's {{ }} were filled in; nothing was sent."
        raise interruption(msg) from None


def interpolate(text: str, namespace: Mapping[str, Any]) -> Filled:
    """Replace each ``{{ expression }}`` of ``text`` by its value.

    One pass: a value that holds braces itself is not looked into. `objects.render` says what the
    text of a value is.

    Args:
        text: The prompt as typed.
        namespace: The names that expressions may use.

    Raises:
        OptionError: A name is not defined, an expression fails, is none, or has no text.
    """
    parts, position = [], 0
    notes: list[str] = []
    while opening := _OPENING.search(text, position):
        parts.append(text[position : opening.start()])
        if opening["escaped"] or text.find("}}", opening.end()) == -1:
            parts.append(opening[0].removeprefix("\\"))
            position = opening.end()
            continue
        start, source, code, position = _expression(text, opening)
        value = _evaluate(source, code, namespace)
        parts += [text[opening.start() : start - 2], value.text]
        notes += [f"{_label(source)}: {value.sent}."] if value.sent else []
    return Filled("".join([*parts, text[position:]]), tuple(notes))


def _expression(text: str, opening: re.Match[str]) -> tuple[int, str, CodeType, int]:
    """Start, source, code and end of the expression in the braces that open here.

    The innermost two of a row of braces are its own, and the outermost two where only so it is an
    expression: ``{{{"a": 1}["a"]}}``.
    """
    for start in (opening.end(), opening.start() + 2):
        if found := _shortest(text, start):
            return start, *found
    first = text[opening.end() : text.find("}}", opening.end())]
    msg = (
        f"'{{{{ {_label(first)} }}}}' is not a Python expression; write \\{{{{ for plain braces, "
        "or give --raw to send the whole prompt as typed."
    )
    raise OptionError(msg)


def _shortest(text: str, start: int) -> tuple[str, CodeType, int] | None:
    """The shortest Python expression from ``start`` up to a ``}}``, and where it ends."""
    end = text.find("}}", start)
    while end != -1:
        source = text[start:end].strip()
        try:
            return source, compile(source, "<prompt>", "eval"), end + 2
        except (SyntaxError, ValueError):
            end = text.find("}}", end + 1)
    return None


def _evaluate(source: str, code: CodeType, namespace: Mapping[str, Any]) -> Rendered:
    try:
        # Their kernel, their expression: as free as any other cell.
        value = eval(code, dict(namespace))  # noqa: S307
        return render(value)
    except NoTextError as error:
        raise OptionError(_without_text(source, value, error.value)) from None
    except Exception as error:  # noqa: BLE001 - whatever the user's own expression raises
        why = f"raised {type(error).__name__}: {' '.join(str(error).split())}"
        if isinstance(error, NameError) and error.name:
            why = f"has no value: {error.name!r} is not defined"
    msg = (
        f"'{{{{ {_label(source)} }}}}' {why}; mend it or define it in a cell above, "
        "or write \\{{ for plain braces."
    )
    raise OptionError(msg)


def _without_text(source: str, value: Any, culprit: Any) -> str:
    kind = type(culprit).__name__
    if culprit is value:
        what, instead = f"is a {kind}", remedy(value, _label(source))
    else:
        what, instead = f"holds a {kind}", "write what of it you mean, without that"
    return f"'{{{{ {_label(source)} }}}}' {what}, whose text is only its address; {instead}."


def _label(source: str) -> str:
    """An expression on one line, to repeat it in a sentence."""
    line = "".join(filter(str.isprintable, " ".join(source.split())))
    return line if len(line) <= LABEL_CHARACTERS else f"{line[:LABEL_CHARACTERS]}…"
