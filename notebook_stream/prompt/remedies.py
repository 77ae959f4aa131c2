"""Find what a user can type for an object that has no text."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import AsyncGenerator, Awaitable, Iterator
from typing import Any


def find_remedy(value: Any, source: str) -> str:
    """Return what to type for a value without text, as part of a sentence.

    Args:
        value: The value.
        source: The expression for it, which the remedy repeats.
    """
    operand = source if re.fullmatch(r"[\w.]+", source) else f"({source})"
    if isinstance(value, Awaitable):
        return f"write x = await {operand} in a cell above and {{{{ x }}}} here"
    if isinstance(value, AsyncGenerator):
        return f"write x = [y async for y in {operand}] in a cell above and {{{{ x }}}} here"
    if inspect.isfunction(value) or inspect.ismethod(value):
        return f"write {{{{ {operand}(…) }}}} or {{{{ inspect.getsource({source}) }}}}"
    if inspect.isroutine(value):
        return f"write {{{{ {operand}(…) }}}}"
    if isinstance(value, io.IOBase):
        return f"write {{{{ {operand}.read() }}}}"
    if isinstance(value, memoryview):
        return f"write {{{{ bytes({source}) }}}}"
    if isinstance(value, Iterator):
        return f"write {{{{ list({source}) }}}}"
    attribute, attributes = f"{operand}.name", f"vars({source})"
    return f"write what of it you mean, such as {{{{ {attribute} }}}} or {{{{ {attributes} }}}}"
