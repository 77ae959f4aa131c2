"""Markdown of an answer, three ways: HTML blocks that grow, safe Markdown, plain text."""

from .growing import Growing
from .still import harmless, plain

__all__ = ["Growing", "harmless", "plain"]
