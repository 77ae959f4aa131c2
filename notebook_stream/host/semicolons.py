"""IPython's look for a semicolon at the end of what `%%time` and `%%capture` run."""

from __future__ import annotations

from collections.abc import Callable
from tokenize import TokenError


def find_semicolons_in_any_text() -> Callable[[], None]:
    """Let cells be any text, not Python alone, where IPython looks for a semicolon at their end.

    `%%time` and `%%capture` silence a cell that ends in a semicolon, for which IPython reads it as
    Python tokens after it ran. A prompt is no Python: an open quote or bracket in it raises a
    TokenError there, although the answer came (`DisplayHook.semicolon_at_end_of_expression`; read
    in IPython 9.18, and IPython 7 has none). Text that has no tokens ends in no semicolon.

    Returns:
        The function that puts IPython's method back, unless another program has replaced it since.
    """
    from IPython.core.displayhook import DisplayHook

    name = "semicolon_at_end_of_expression"
    found = getattr(DisplayHook, name, None)
    if found is None:
        return lambda: None

    def ends_in_semicolon(text: str) -> bool:
        try:
            return bool(found(text))
        except (TokenError, SyntaxError):
            return False

    def restore() -> None:
        if getattr(DisplayHook, name) is ends_in_semicolon:
            setattr(DisplayHook, name, staticmethod(found))

    setattr(DisplayHook, name, staticmethod(ends_in_semicolon))
    return restore
