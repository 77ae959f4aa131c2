"""The module in which pickles that version 0.1.0 wrote look for the class Turn."""

from .values.turn import Turn

__all__ = ["Turn"]
