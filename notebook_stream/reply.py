"""The module in which pickles that version 0.1.0 wrote look for the classes Reply and Usage."""

from .values.reply import Reply
from .values.usage import Usage

__all__ = ["Reply", "Usage"]
