"""What an answer holds beside its text, in three forms: thinking, tool calls and their results.

Source: https://docs.claude.com/en/docs/agents-and-tools/tool-use/web-search-tool and its like.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent
from typing import Any

from ..markdown import escape_markup, render_code_block, render_code_span, sanitize

LONGEST = 4000
"""Characters of a tool's output that are shown; the reply has them all."""

LINE = 300
"""Characters that are shown where one line has to do."""

TAIL = 2000
"""Characters of thinking that are shown while it goes on."""


@dataclass(frozen=True)
class Aside:
    """A block that is no text, as HTML, Markdown and plain text."""

    html: str
    markdown: str
    plain: str


def aside(block: dict[str, Any]) -> Aside | None:
    """A block that is whole; None where there is nothing to see."""
    kind = str(block.get("type"))
    if kind in {"thinking", "redacted_thinking"}:
        return _folded("Thinking", str(block.get("thinking") or ""), prose=True)
    if kind == "compaction":
        return _folded("Summary of the conversation so far", str(block.get("content") or ""), True)
    if kind.endswith("tool_use"):
        return _call(block)
    if kind.endswith("tool_result"):
        return _result(block)
    if kind == "fallback":
        return _line(f"{_model(block.get('from'))} handed over to {_model(block.get('to'))}", "")
    return _line(kind.replace("_", " "), "")


def open_aside(kind: str, name: str, text: str) -> str:
    """The HTML of a block that still grows."""
    if kind == "thinking":
        shown = text if len(text) <= TAIL else f"… {text[-TAIL:]}"
        return (
            f'<details class="ns-aside ns-thinking" open><summary>Thinking</summary>'
            f"<div>{html.escape(shown)}</div></details>"
        )
    return _line(f"▸ {name}", text[-TAIL:]).html


def _model(told: Any) -> str:
    return str(told.get("model")) if isinstance(told, dict) else "a model"


def _line(words: str, code: str) -> Aside:
    """One line: words, and what a machine wrote."""
    code = _short(" ".join(code.split()), LINE)
    shown = f"<code>{html.escape(code)}</code>" if code else ""
    marked = render_code_span(code) if code else ""
    return Aside(
        f'<p class="ns-aside"><b>{html.escape(words)}</b> {shown}</p>\n',
        f"<small>**{escape_markup(words)}** {marked}".rstrip() + "</small>",
        f"{words} {code}".rstrip(),
    )


def _call(block: dict[str, Any]) -> Aside:
    given = block.get("input")
    code = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return _line(f"▸ {block.get('name') or 'tool'}", "" if given in (None, {}) else code)


def _result(block: dict[str, Any]) -> Aside | None:
    content = block.get("content")
    if isinstance(content, dict) and "error_code" in content:
        return _line("◂ error", str(content["error_code"]))
    sources = list(_sources(content))
    if sources:
        return _links(sources)
    output = _output(content)
    if not output:
        return _line("◂ done", "")
    return _line("◂", output) if "\n" not in output.strip() else _folded("Output", output, False)


def _sources(content: Any) -> Iterator[tuple[str, str]]:
    """Address and title of what a search found or a fetch got."""
    for one in content if isinstance(content, list) else [content]:
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            inner = one.get("content")
            title = one.get("title") or (inner.get("title") if isinstance(inner, dict) else None)
            yield one["url"], str(title or one["url"])


def _links(sources: list[tuple[str, str]]) -> Aside:
    count = f"◂ {len(sources)} source{'s' * (len(sources) > 1)}"
    return Aside(
        f'<p class="ns-aside"><b>{count}</b> {" · ".join(_link(*one) for one in sources)}</p>\n',
        f"<small>**{count}** {' · '.join(marked_link(*one) for one in sources)}</small>",
        "\n".join([count, *(f"  {title} ({url})" for url, title in sources)]),
    )


def _link(url: str, title: str) -> str:
    if not is_web(url):
        return html.escape(title)
    return (
        f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">'
        f"{html.escape(title)}</a>"
    )


def is_web(url: str) -> bool:
    """Whether it is an address that a page may link to."""
    return bool(re.fullmatch(r"https?://[^\s<>]+", url))


def marked_link(url: str, title: str) -> str:
    """A link in Markdown; the title alone where the address is none."""
    return f"[{escape_markup(title)}](<{url}>)" if is_web(url) else escape_markup(title)


def _output(content: Any) -> str:
    """What a tool printed or said."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(_output, content)))
    if not isinstance(content, dict):
        return ""
    for part in ("text", "stdout", "tool_name"):
        if content.get(part):
            return f"{content[part]}{content.get('stderr') or ''}"
    return "\n".join(
        filter(None, (_output(content.get(p)) for p in ("content", "tool_references")))
    )


def _folded(summary: str, text: str, prose: bool) -> Aside | None:
    if not text.strip():
        return None
    shown = text if prose else _short(text)
    body = sanitize(shown).strip() if prose else render_code_block(shown)
    kind = "ns-thinking" if prose else "ns-output"
    return Aside(
        f'<details class="ns-aside {kind}"><summary>{summary}</summary>'
        f"<div>{html.escape(shown)}</div></details>\n",
        f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>",
        f"{summary}:\n{indent(shown, '  ', lambda line: True)}",
    )


def _short(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text):,} characters)"
