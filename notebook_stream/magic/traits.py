"""The settings of the table as traits, which `%config ClaudeMagics` shows and sets."""

from __future__ import annotations

from typing import Any

from traitlets import Bool, Float, Int, TraitType, Unicode

from ..request.table import Setting


def trait_of(setting: Setting) -> TraitType[Any, Any]:
    """Make the trait of a setting; traitlets raises a TraitError for a value of another kind."""
    known: dict[str, Any] = {"help": setting.help, "allow_none": setting.optional}
    if setting.kind in {int, float} and setting.minimum is not None:
        known["min"] = setting.minimum
    makers: dict[type, Any] = {str: Unicode, int: Int, float: Float, bool: Bool}
    made: TraitType[Any, Any] = makers[setting.kind](setting.default, **known).tag(config=True)
    return made
