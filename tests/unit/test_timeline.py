"""Thinking, tools and sources between the text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook_stream.demo import HERE
from notebook_stream.values.block import Block
from notebook_stream.values.draft import AnswerDraft
from notebook_stream.values.reply import Reply
from notebook_stream.view.static import build_output, timeline_of
from notebook_stream.view.timeline import Timeline

from .test_markdown import GITHUB, PIECES, Tags
from .test_reply import CORPUS, events

STREAMS = [*sorted(HERE.glob("*.txt")), *CORPUS]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_stream_renders_alike_while_it_grows_and_when_it_is_done(path: Path) -> None:
    draft, timeline = AnswerDraft(), Timeline()
    for event in events(path.read_text(encoding="utf-8")):
        draft.add(event)
        timeline.take(draft.blocks)
        timeline.render_open_block()
    timeline.take(draft.blocks, whole=True)
    assert timeline.render_static() == timeline_of(draft.freeze().blocks).render_static()


@pytest.mark.parametrize("text", ["Some *words*.\n\n" * 10_000, "- an item\n" * 20_000])
def test_a_burst_is_rendered_a_part_at_a_time_and_whole_at_the_end(text: str) -> None:
    tool = {"type": "tool_use", "name": "look", "input": {"up": 1}}
    blocks, timeline = [Block({"type": "text"}), Block(tool)], Timeline()
    for start in range(0, len(text), 100):
        blocks[0].add({"text": text[start : start + 100]})
    assert timeline.take(blocks)
    assert len(timeline.render_static()[1]) < len(text) / 2
    parts = 1
    while timeline.has_more:
        assert timeline.take(blocks)
        parts += 1
    assert parts > 1
    timeline.take(blocks, whole=True)
    assert (
        timeline.render_static()
        == timeline_of([block.finish() for block in blocks]).render_static()
    )


@pytest.mark.parametrize(
    "text",
    [
        "```python\n" + "f(1)\n" * 150,
        "| a |\n|---|\n" + "| 1 |\n" * 150,
        "- item\n" * 149 + "- item",
        "3. item\n\n" * 100,
    ],
    ids=["code", "table", "tight list", "loose list"],
)
def test_a_long_block_that_another_ends_renders_alike(text: str) -> None:
    tool = {"type": "tool_use", "name": "look", "input": {"up": 1}}
    blocks, timeline = [Block({"type": "text"})], Timeline()
    for line in text.splitlines(keepends=True):
        blocks[0].add({"text": line})
        timeline.take(blocks)
    blocks += [Block(tool), Block({"type": "text", "text": "So."})]
    timeline.take(blocks, whole=True)
    assert timeline.render_static()[0].startswith(text.rstrip())
    assert (
        timeline.render_static()
        == timeline_of([block.finish() for block in blocks]).render_static()
    )


def whole(*blocks: dict[str, Any]) -> Timeline:
    timeline = Timeline()
    timeline.take([Block(block) for block in blocks], whole=True)
    return timeline


def test_blocks_are_rendered_in_their_order() -> None:
    timeline = whole(
        {"type": "thinking", "thinking": "Hm, *so* <b>"},
        {"type": "text", "text": "Let me see."},
        {"type": "server_tool_use", "name": "bash", "input": {"command": "ls `x`"}},
        {"type": "bash_code_execution_tool_result", "content": {"stdout": "a\nb", "stderr": ""}},
        {"type": "web_search_tool_result", "content": {"error_code": "max_uses_exceeded"}},
        {"type": "text", "text": "Two files."},
    )
    markdown, plain = timeline.render_static()
    assert markdown == (
        "<details><summary>Thinking</summary>\n\nHm, *so* &lt;b>\n\n</details>\n\n"
        "Let me see.\n\n"
        "<small>**▸ bash** <code>&#123;&#34;command&#34;&#58; &#34;ls &#96;x&#96;&#34;&#125;</code></small>\n\n"
        "<details><summary>Output</summary>\n\n```\na\nb\n```\n\n</details>\n\n"
        "<small>**◂ error** `max_uses_exceeded`</small>\n\n"
        "Two files."
    )
    assert plain == (
        'Thinking:\n  Hm, *so* <b>\n\nLet me see.\n\n▸ bash {"command": "ls `x`"}\n\n'
        "Output:\n  a\n  b\n\n◂ error max_uses_exceeded\n\nTwo files."
    )
    assert [html[:9] for html in timeline.take_finished()] == [
        "<details>",
        "<p>Let me",
        "<p><small",
        "<details>",
        "<p><small",
    ]


def test_citations_are_numbered_links_with_their_sources_below() -> None:
    cite = {"url": "https://a.example/x", "title": "A [page]"}
    markdown, plain = whole(
        {"type": "text", "text": "One", "citations": [cite, cite]},
        {"type": "text", "text": ", two", "citations": [{"document_title": "My *paper*"}, cite]},
        {"type": "text", "text": " and three."},
    ).render_static()
    assert markdown == (
        "One[&#91;1&#93;](<https://a.example/x>), two&#91;2&#93;[&#91;1&#93;](<https://a.example/x>) and three.\n\n"
        "**Sources**\n\n1. [A &#91;page&#93;](<https://a.example/x>)\n2. My &#42;paper&#42;"
    )
    assert plain.startswith("One[1] (https://a.example/x), two[2]")


def pages(count: int) -> list[dict[str, str]]:
    return [
        {"type": "web_search_result", "url": f"https://a.example/{n}", "title": f"Page *{n}*"}
        for n in range(count)
    ]


def test_few_sources_of_a_search_stand_on_a_line() -> None:
    timeline = whole({"type": "web_search_tool_result", "content": pages(3)})
    markdown, plain = timeline.render_static()
    links = " · ".join(f"[Page &#42;{n}&#42;](<https://a.example/{n}>)" for n in range(3))
    assert markdown.rstrip() == f"<small>**◂ 3 sources** {links}</small>"
    assert plain.startswith("◂ 3 sources\n  Page *0* (https://a.example/0)")
    (html,) = timeline.take_finished()
    assert html.startswith("<p><small><strong>◂ 3 sources</strong> <a ")


def test_many_sources_of_a_search_fold_behind_their_number() -> None:
    timeline = whole({"type": "web_search_tool_result", "content": pages(12)})
    markdown, plain = timeline.render_static()
    lines = [f"- [Page &#42;{n}&#42;](<https://a.example/{n}>)" for n in range(12)]
    listed = "\n".join(lines)
    folded = f"<details><summary>◂ 12 sources</summary>\n\n{listed}\n\n</details>"
    assert markdown.rstrip() == folded
    assert plain.strip().count("\n") == 12
    (html,) = timeline.take_finished()
    assert html.startswith("<details><summary>◂ 12 sources</summary><ul><li><a ")
    assert html.count("</a></li>") == 12


@pytest.mark.parametrize(
    ("count", "opening", "closing"),
    [
        (5, "**Sources**\n\n1. ", ">)"),
        (6, "<details><summary>6 sources</summary>\n\n1. ", ">)\n\n</details>"),
    ],
)
def test_a_long_list_of_cited_sources_folds(count: int, opening: str, closing: str) -> None:
    cited = {"type": "text", "text": "So.", "citations": pages(count)}
    markdown, plain = whole(cited).render_static()
    listed = markdown.partition("\n\n")[2]
    assert listed.startswith(f"{opening}[Page &#42;0&#42;](<https://a.example/0>)\n2. ")
    assert listed.endswith(closing)
    assert plain.endswith(f"\n{count}. Page *{count - 1}* (https://a.example/{count - 1})")


def test_finished_thinking_and_output_are_rendered_as_the_static_output_is() -> None:
    thought = "Is *this* $x$?\n\n- one\n- <b>two\n\n    indented\n"
    timeline = whole(
        {"type": "thinking", "thinking": thought},
        {"type": "bash_code_execution_tool_result", "content": {"stdout": "a <b>\n  b"}},
    )
    thinking, output = timeline.take_finished()
    assert thinking.startswith("<details><summary>Thinking</summary><p>Is <em>this</em> <math")
    assert "<p>&lt;b&gt;two</p>" in thinking
    code = '<pre class="ns-code"><code>a &lt;b&gt;\n  b\n</code></pre>\n'
    assert output == f"<details><summary>Output</summary>{code}</details>\n"


def test_growing_thinking_and_calls_are_shown_open_and_bounded() -> None:
    draft, timeline = AnswerDraft(), Timeline()
    draft.add({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}})
    for _ in range(1000):
        delta = {"type": "thinking_delta", "thinking": "words & "}
        draft.add({"type": "content_block_delta", "index": 0, "delta": delta})
        assert timeline.take(draft.blocks)
        assert len(timeline.render_open_block()[1]) < 4000
    assert "<details" in timeline.render_open_block()[1]
    assert " open>" in timeline.render_open_block()[1]
    draft.add(
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "name": "f"},
        }
    )
    delta = {"type": "input_json_delta", "partial_json": '{"a": <'}
    draft.add({"type": "content_block_delta", "index": 1, "delta": delta})
    assert timeline.take(draft.blocks)
    assert not timeline.take(draft.blocks)
    assert " open>" not in timeline.take_finished()[0]
    assert (
        timeline.render_open_block()[1]
        == "<p><small><strong>▸ f</strong> <code>{&quot;a&quot;: &lt;</code></small></p>\n"
    )


EVIL = st.lists(PIECES, max_size=8).map("".join)
BLOCKS = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("text"),
            "text": EVIL,
            "citations": st.lists(st.fixed_dictionaries({"url": EVIL, "title": EVIL}), max_size=2),
        }
    ),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": EVIL}),
    st.fixed_dictionaries({"type": st.just("tool_use"), "name": EVIL, "input": EVIL}),
    st.fixed_dictionaries(
        {
            "type": st.just("mcp_tool_result"),
            "content": st.lists(st.fixed_dictionaries({"text": EVIL}), max_size=3),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("web_search_tool_result"),
            "content": st.lists(st.fixed_dictionaries({"url": EVIL, "title": EVIL}), max_size=3),
        }
    ),
    st.fixed_dictionaries({"type": EVIL}),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(BLOCKS, max_size=4))
def test_nothing_that_is_rendered_runs_or_loads_anything(blocks: list[dict[str, Any]]) -> None:
    timeline = whole(*blocks)
    markdown, _ = timeline.render_static()
    for html in (
        GITHUB.render(markdown),
        "".join(timeline.take_finished()),
        *timeline.render_open_block(),
    ):
        assert not Tags(html).bad, markdown


def test_an_answer_whose_markdown_cannot_be_read_says_why() -> None:
    def failing() -> Timeline:
        raise ModuleNotFoundError

    shown = build_output(Reply("**a**"), ("Noted.",), "x", failing).data()
    assert set(shown) == {"text/plain"}
    assert shown["text/plain"].startswith("**a**\n\nNoted.\n\nThe Markdown could not be read")
    assert "ModuleNotFoundError" in shown["text/plain"]
