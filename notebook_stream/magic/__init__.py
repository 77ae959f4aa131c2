"""The magics, and how IPython reads the cells they are in."""

from .magics import load, unload

__all__ = ["load", "unload"]
