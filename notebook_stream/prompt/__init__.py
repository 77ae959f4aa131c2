r"""Fill the ``{{ expressions }}`` of a prompt in: each becomes the text of its value.

``\{{`` stands for two literal braces. Single braces, as in JSON, LaTeX and code, remain as they
are, and so do braces around those of an expression: ``\frac{{{ x }}}{2}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import CodeType
from typing import Any

from .. import host
from ..errors import OptionError, interruption
from .objects import Rendered, render
from .pieces import NoTextError
from .remedies import find_remedy

_OPENING = re.compile(r"(?P<escaped>\\\{\{)|\{\{+")

LABEL_CHARACTERS = 60
"""The characters of an expression that a message or a note quotes."""


@dataclass(frozen=True)
class Filled:
    """A prompt whose expressions are filled in.

    Attributes:
        text: The text to send.
        notes: A sentence for each value of which only a part is sent.
    """

    text: str
    notes: tuple[str, ...] = ()


def fill_in(text: str, namespace: Mapping[str, Any]) -> Filled:
    """Do what `interpolate` does; an interrupt ends it at once, also in a cell that awaits.

    Raises:
        OptionError: As `interpolate`.
        KeyboardInterrupt: It was interrupted; IPython shows it in one line.
    """
    try:
        with host.interrupts_raise():
            return interpolate(text, namespace)
    except KeyboardInterrupt:
        msg = "interrupted while the prompt's {{ }} were filled in; nothing was sent."
        raise interruption(msg) from None


def interpolate(text: str, namespace: Mapping[str, Any]) -> Filled:
    """Replace each ``{{ expression }}`` of ``text`` by its value.

    Braces in the text of a value are not read again. `objects.render` makes that text.

    Args:
        text: The prompt as typed.
        namespace: The variables that expressions may use, with their values.

    Raises:
        OptionError: What is in the braces is not an expression, it raises an exception, or its
            value has no text.
    """
    parts, position = [], 0
    notes: list[str] = []
    while opening := _OPENING.search(text, position):
        parts.append(text[position : opening.start()])
        if opening["escaped"] or text.find("}}", opening.end()) == -1:
            parts.append(opening[0].removeprefix("\\"))
            position = opening.end()
            continue
        start, source, code, position = _read_expression(text, opening)
        value = _evaluate(source, code, namespace)
        parts += [text[opening.start() : start - 2], value.text]
        notes += [f"{_label(source)}: {value.sent}."] if value.sent else []
    return Filled("".join([*parts, text[position:]]), tuple(notes))


def _read_expression(text: str, opening: re.Match[str]) -> tuple[int, str, CodeType, int]:
    """Return start, source, code and end of the expression that braces begin.

    Of more than two braces the innermost two belong to the expression; where it is not a valid one
    then, the outermost two: ``{{{"a": 1}["a"]}}``.

    Raises:
        OptionError: It is not a valid expression either way.
    """
    for start in (opening.end(), opening.start() + 2):
        if found := _compile_shortest(text, start):
            return start, *found
    first = text[opening.end() : text.find("}}", opening.end())]
    msg = (
        f"'{{{{ {_label(first)} }}}}' is not a Python expression; write \\{{{{ for plain braces, "
        "or give --raw to send the whole prompt as typed."
    )
    raise OptionError(msg)


def _compile_shortest(text: str, start: int) -> tuple[str, CodeType, int] | None:
    """Return source, code and end of the shortest expression from ``start`` to any ``}}``."""
    end = text.find("}}", start)
    while end != -1:
        source = text[start:end].strip()
        try:
            return source, compile(source, "<prompt>", "eval"), end + 2
        except (SyntaxError, ValueError):
            end = text.find("}}", end + 1)
    return None


def _evaluate(source: str, code: CodeType, namespace: Mapping[str, Any]) -> Rendered:
    """Return the text of an expression's value.

    Raises:
        OptionError: The expression raises an exception, or its value has no text.
    """
    try:
        value = eval(code, dict(namespace))  # noqa: S307 - the user's own, like any code of a cell
        return render(value)
    except NoTextError as error:
        raise OptionError(_explain_no_text(source, value, error.value)) from None
    except Exception as error:  # noqa: BLE001 - the user's own expression may raise any
        why = f"raised {type(error).__name__}: {' '.join(str(error).split())}"
        if isinstance(error, NameError) and error.name:
            why = f"has no value: {error.name!r} is not defined"
    msg = (
        f"'{{{{ {_label(source)} }}}}' {why}; mend it or define it in a cell above, "
        "or write \\{{ for plain braces."
    )
    raise OptionError(msg)


def _explain_no_text(source: str, value: Any, culprit: Any) -> str:
    """Return the sentence about an expression whose value is, or holds, an object without text."""
    kind = type(culprit).__name__
    if culprit is value:
        what, instead = f"is a {kind}", find_remedy(value, _label(source))
    else:
        what, instead = f"holds a {kind}", "write what of it you mean, without that"
    return f"'{{{{ {_label(source)} }}}}' {what}, whose text is only its address; {instead}."


def _label(source: str) -> str:
    """Return an expression on one line of at most `LABEL_CHARACTERS`, to quote it."""
    line = "".join(filter(str.isprintable, " ".join(source.split())))
    return line if len(line) <= LABEL_CHARACTERS else f"{line[:LABEL_CHARACTERS]}…"
