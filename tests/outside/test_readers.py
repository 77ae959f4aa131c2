"""nbconvert reads what was saved, and sanitises nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from notebook_stream.markdown import MONEY, sanitize

from ..unit.test_markdown import PIECES, Tags
from ..unit.test_timeline import BLOCKS, whole


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
