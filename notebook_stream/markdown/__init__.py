"""Markdown of an answer in three forms: HTML that grows, sanitized Markdown, plain text."""

from .escaping import MONEY, escape_markup, render_code_block, render_code_span
from .growing import GrowingMarkdown, render_whole
from .plain import render_plain
from .sanitizing import sanitize

__all__ = [
    "MONEY",
    "GrowingMarkdown",
    "escape_markup",
    "render_code_block",
    "render_code_span",
    "render_plain",
    "render_whole",
    "sanitize",
]
