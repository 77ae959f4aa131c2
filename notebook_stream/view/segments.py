"""Render what an answer holds beside its text: thinking, tool calls and their results.

The HTML of the live view has the elements that JupyterLab makes of the Markdown, so that its styles
give both the same look. Only thinking that grows has a look of its own.

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

from ..markdown import escape_markup, render_code_block, render_code_span, render_whole

LONGEST = 4000
"""The characters of a tool's output that are shown; the reply holds all of it."""

LINE = 300
"""The characters of a tool's input or output that are shown on one line."""

TAIL = 2000
"""The characters of thinking, or of a tool's input, that are shown while it grows."""

MOST_IN_LINE = 3
"""The sources of a search that are listed on its line; more are folded behind their number."""


@dataclass(frozen=True)
class Segment:
    """A content block that is no text, in three forms.

    Attributes:
        html: For the live view.
        markdown: For the static output, sanitized.
        plain: For the static output, without markup.
    """

    html: str
    markdown: str
    plain: str


def render_segment(block: dict[str, Any]) -> Segment | None:
    """Render a content block that is complete; None where there is nothing to show of it.

    Args:
        block: The block as the Messages API gives it, or of any other shape.
    """
    kind = str(block.get("type"))
    if kind in {"thinking", "redacted_thinking"}:
        return _render_details("Thinking", str(block.get("thinking") or ""), prose=True)
    if kind == "compaction":
        summary = str(block.get("content") or "")
        return _render_details("Summary of the conversation so far", summary, prose=True)
    if kind.endswith("tool_use"):
        return _render_call(block)
    if kind.endswith("tool_result"):
        return _render_result(block)
    if kind == "fallback":
        models = _name_of_model(block.get("from")), _name_of_model(block.get("to"))
        return _render_line(f"{models[0]} handed over to {models[1]}", "")
    return _render_line(kind.replace("_", " "), "")


def render_open_segment(kind: str, name: str, text: str) -> str:
    """Return the HTML of a content block that is not complete.

    Args:
        kind: The block's type.
        name: The name of the tool that it calls, if any.
        text: What has come of the thinking, or of the tool's input.
    """
    if kind == "thinking":
        shown = text if len(text) <= TAIL else f"… {text[-TAIL:]}"
        return (
            f'<details class="ns-thinking" open><summary>Thinking</summary>'
            f"<div>{html.escape(shown)}</div></details>"
        )
    return _render_line(f"▸ {name}", text[-TAIL:]).html


def _name_of_model(value: Any) -> str:
    return str(value.get("model")) if isinstance(value, dict) else "a model"


def _render_line(words: str, code: str) -> Segment:
    """Render one line of our words in bold, and after it some code of a machine."""
    code = _shorten(" ".join(code.split()), LINE)
    shown = f" <code>{html.escape(code)}</code>" if code else ""
    span = f" {render_code_span(code)}" if code else ""
    return Segment(
        f"<p><small><strong>{html.escape(words)}</strong>{shown}</small></p>\n",
        f"<small>**{escape_markup(words)}**{span}</small>",
        f"{words} {code}".rstrip(),
    )


def _render_call(block: dict[str, Any]) -> Segment:
    given = block.get("input")
    code = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return _render_line(f"▸ {block.get('name') or 'tool'}", "" if given in (None, {}) else code)


def _render_result(block: dict[str, Any]) -> Segment | None:
    content = block.get("content")
    if isinstance(content, dict) and "error_code" in content:
        return _render_line("◂ error", str(content["error_code"]))
    sources = list(_sources(content))
    if sources:
        return _render_sources(sources)
    output = _read_output(content)
    if not output:
        return _render_line("◂ done", "")
    if "\n" not in output.strip():
        return _render_line("◂", output)
    return _render_details("Output", output, prose=False)


def _sources(content: Any) -> Iterator[tuple[str, str]]:
    """Yield address and title of each page that a search found or a fetch got."""
    for one in content if isinstance(content, list) else [content]:
        if isinstance(one, dict) and isinstance(one.get("url"), str):
            inner = one.get("content")
            title = one.get("title") or (inner.get("title") if isinstance(inner, dict) else None)
            yield one["url"], str(title or one["url"])


def _render_sources(sources: list[tuple[str, str]]) -> Segment:
    count = f"◂ {len(sources)} source{'s' * (len(sources) > 1)}"
    html_links = [_render_html_link(*one) for one in sources]
    links = [render_link(*one) for one in sources]
    plain = "\n".join([count, *(f"  {title} ({url})" for url, title in sources)])
    if len(sources) <= MOST_IN_LINE:
        shown = f"<strong>{count}</strong> {' · '.join(html_links)}"
        markdown = f"<small>**{count}** {' · '.join(links)}</small>"
        return Segment(f"<p><small>{shown}</small></p>\n", markdown, plain)
    items = "".join(f"<li>{link}</li>" for link in html_links)
    listed = fold_markdown(count, "\n".join(f"- {link}" for link in links))
    return Segment(_fold_html(count, f"<ul>{items}</ul>"), listed, plain)


def fold_markdown(summary: str, body: str) -> str:
    """Return Markdown that is folded under its summary, in JupyterLab, nbconvert and on GitHub.

    Args:
        summary: Our words.
        body: Markdown, which the blank lines around it make every reader parse as such.
    """
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _fold_html(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>{body}</details>\n"


def _render_html_link(url: str, title: str) -> str:
    if not is_web_address(url):
        return html.escape(title)
    return (
        f'<a href="{html.escape(url)}" target="_blank" rel="noopener noreferrer">'
        f"{html.escape(title)}</a>"
    )


def is_web_address(url: str) -> bool:
    """Return whether it is an HTTP address, which a page may link to."""
    return bool(re.fullmatch(r"https?://[^\s<>]+", url))


def render_link(url: str, title: str) -> str:
    """Return a link in Markdown; the title alone where ``url`` is no HTTP address."""
    return f"[{escape_markup(title)}](<{url}>)" if is_web_address(url) else escape_markup(title)


def _read_output(content: Any) -> str:
    """Return the text of a tool's result, wherever its type has it."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(_read_output, content)))
    if not isinstance(content, dict):
        return ""
    for part in ("text", "stdout", "tool_name"):
        if content.get(part):
            return f"{content[part]}{content.get('stderr') or ''}"
    return "\n".join(
        filter(None, (_read_output(content.get(p)) for p in ("content", "tool_references")))
    )


def _render_details(summary: str, text: str, *, prose: bool) -> Segment | None:
    """Render a text that is folded under its summary; None for an empty one.

    Args:
        summary: Our words.
        text: Text of any origin.
        prose: Whether it is Markdown of a model; else it is output, which is code and shortened.
    """
    if not text.strip():
        return None
    shown = text if prose else _shorten(text)
    body, markdown = render_whole(shown if prose else render_code_block(shown))
    return Segment(
        _fold_html(summary, body),
        fold_markdown(summary, markdown.strip("\n")),
        f"{summary}:\n{indent(shown, '  ', lambda line: True)}",
    )


def _shorten(text: str, longest: int = LONGEST) -> str:
    """Return the first ``longest`` characters, and how many there are where there are more."""
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text):,} characters)"
