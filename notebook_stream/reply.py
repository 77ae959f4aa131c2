"""Where pickles that version 0.1.0 wrote look for the classes of a reply."""

from .values.reply import Reply
from .values.usage import Usage

__all__ = ["Reply", "Usage"]
