"""Where pickles that version 0.1.0 wrote look for the turns of a chat."""

from .values.turn import Turn

__all__ = ["Turn"]
