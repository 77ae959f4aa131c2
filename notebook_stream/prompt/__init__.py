r"""Prompts: ``{{ expression }}`` becomes its value, once.

``\{{`` is a literal. Single braces, JSON, LaTeX and code pass untouched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import CodeType
from typing import Any

from .errors import OptionError

_OPENING = re.compile(r"(?P<escaped>\\\{\{)|\{\{")


def interpolate(text: str, namespace: Mapping[str, Any]) -> str:
    """Replace each ``{{ expression }}`` of ``text`` by its value, as ``str()`` gives it.

    One pass: a value that holds braces itself is not looked into.

    Args:
        text: The prompt as typed.
        namespace: The names that expressions may use.

    Raises:
        OptionError: A name is not defined, an expression fails, or is none.
    """
    parts, position = [], 0
    while opening := _OPENING.search(text, position):
        parts.append(text[position : opening.start()])
        value, position = _value(text, opening, namespace)
        parts.append(value)
    return "".join([*parts, text[position:]])


def _value(text: str, opening: re.Match[str], namespace: Mapping[str, Any]) -> tuple[str, int]:
    """What stands for the braces that open here, and where the text goes on."""
    if opening["escaped"] or "}}" not in text[opening.end() :]:
        return opening[0].lstrip("\\"), opening.end()
    source, code, end = _expression(text, opening.end())
    return _evaluate(source, code, namespace), end


def _expression(text: str, start: int) -> tuple[str, CodeType, int]:
    """The shortest Python expression from ``start`` up to a ``}}``."""
    end = text.find("}}", start)
    first = text[start:end].strip()
    while end != -1:
        source = text[start:end].strip()
        try:
            return source, compile(source, "<prompt>", "eval"), end + 2
        except (SyntaxError, ValueError):
            end = text.find("}}", end + 1)
    msg = (
        f"'{{{{ {first} }}}}' is not a Python expression; write \\{{{{ for plain braces, "
        "or give --raw to send the whole prompt as typed."
    )
    raise OptionError(msg)


def _evaluate(source: str, code: CodeType, namespace: Mapping[str, Any]) -> str:
    try:
        # Their kernel, their expression: as free as any other cell.
        return str(eval(code, dict(namespace)))  # noqa: S307
    except Exception as error:  # noqa: BLE001 - whatever the user's own expression raises
        told = f"raised {type(error).__name__}: {' '.join(str(error).split())}"
        if isinstance(error, NameError) and error.name:
            told = f"has no value: {error.name!r} is not defined"
    msg = (
        f"'{{{{ {source} }}}}' {told}; mend it or define it in a cell above, "
        "or write \\{{ for plain braces."
    )
    raise OptionError(msg)
