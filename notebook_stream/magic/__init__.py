"""The magics of IPython, and the transformers of the cells that they are in."""

from .magics import load, unload

__all__ = ["load", "unload"]
