"""Markdown of an answer, three ways: HTML blocks that grow, safe Markdown, plain text."""

from .growing import Growing
from .safe import MONEY, code_span, fenced, harmless, literal, plain

__all__ = ["MONEY", "Growing", "code_span", "fenced", "harmless", "literal", "plain"]
