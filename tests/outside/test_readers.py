"""nbconvert reads what was saved, and sanitises nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from notebook_stream.markdown import MONEY, sanitize
from notebook_stream.values.reply import Reply
from notebook_stream.view.static import mimebundle

from ..unit.test_markdown import GITHUB, PIECES, Tags
from ..unit.test_timeline import BLOCKS, pages, whole


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=14))
def test_a_text_runs_and_loads_nothing(pieces: list[str]) -> None:
    saved = sanitize("".join(pieces))
    assert not Tags(markdown2html_mistune(saved).replace(MONEY, "$")).bad, saved


@settings(max_examples=200, deadline=None)
@given(st.lists(BLOCKS, max_size=4))
def test_thinking_and_tools_run_and_load_nothing(blocks: list[dict[str, Any]]) -> None:
    saved, _ = whole(*blocks).render_static()
    assert not Tags(markdown2html_mistune(saved)).bad, saved


@pytest.mark.parametrize(
    "read", [markdown2html_mistune, GITHUB.render], ids=["nbconvert", "GitHub"]
)
def test_folded_sources_are_a_list_of_links(read: Callable[[str], str]) -> None:
    saved, _ = whole(
        {"type": "web_search_tool_result", "content": pages(12)},
        {"type": "text", "text": "So.", "citations": pages(6)},
    ).render_static()
    html = read(saved)
    found, cited = re.findall(r"<details>(.*?)</details>", html, re.DOTALL)
    assert found.count('<li><a href="https://a.example/') == 12
    assert cited.count('<li><a href="https://a.example/') == 6


@pytest.mark.parametrize("after", [").", ".", ", and so on.", "?", ""])
def test_a_note_with_an_address_is_bold_and_its_link_ends_with_the_address(after: str) -> None:
    note = f"The key was wrong: see (it is https://a.example/keys{after}"
    saved = mimebundle(Reply("x"), (note,), ["Text."], ["Text."])["text/markdown"]
    link = '<a href="https://a.example/keys">https://a.example/keys</a>'
    bold = f"<strong>The key was wrong: see (it is {link}{after}</strong>"
    assert bold in markdown2html_mistune("".join(saved))
