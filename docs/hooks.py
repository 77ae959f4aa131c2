"""The generated parts of the docs: tables of the options and settings, made from their table.

MkDocs calls `on_page_markdown` for each page (https://www.mkdocs.org/user-guide/configuration/#hooks).
A new row of `notebook_stream/request/table.py` appears in the docs by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from notebook_stream.request import table


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page's Markdown with each marker replaced by the text that it stands for."""
    for name, lines in {"options": options, "lasting": lasting, "settings": settings}.items():
        markdown = markdown.replace(f"<!-- {name} -->", "\n".join(lines()))
    return markdown


def options() -> Iterator[str]:
    """Yield the lines of a table of the options that a call may give."""
    yield from ("| option | |", "|---|---|")
    yield from table.markdown_rows()


def lasting() -> Iterator[str]:
    """Yield the options that hold for a whole chat, as part of a sentence."""
    names = [f"`{option.flags[-1]}`" for option in table.FLAGGED if option.name in table.LASTING]
    yield " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def settings() -> Iterator[str]:
    """Yield the lines of a table of the session's settings."""
    yield from ("| setting | default | |", "|---|---|---|")
    for name, setting in table.SETTINGS.items():
        yield f"| `{name}` | `{setting.default!r}` | {setting.help} |"
