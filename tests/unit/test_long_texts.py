"""Long texts are worked on in slices: no call holds the interpreter lock for long."""

from __future__ import annotations

import gc
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook_stream.markdown import growing
from notebook_stream.markdown.escaping import escape_signs
from notebook_stream.markdown.grammar import strip_invisible
from notebook_stream.markdown.plain import collapse_blank_lines
from notebook_stream.markdown.sanitizing import sanitize
from notebook_stream.text import slices
from notebook_stream.text.controls import strip_controls
from notebook_stream.values.block import Block
from notebook_stream.values.reply import Reply
from notebook_stream.view.packets import Packets
from notebook_stream.view.rendering import Rendering
from notebook_stream.view.static import build_output, timeline_of
from notebook_stream.view.timeline import strip_end

from ..bench.texts import dense, document
from .test_markdown import EVERYTHING, LINES, rendered, static

MOST_SECONDS = 0.02
LONG: dict[str, str] = {
    "a paragraph": "some more words " * 125_000,
    "a paragraph of many signs": "www.[a] *b* | <c> & `d` " * 42_000,
    "a paragraph of formulas": "some words $x_1$ " * 60_000,
    "lines of a paragraph": "some more words and signs\n" * 4_000,
    "code in one line": "```python\n" + "x = f(1) + 'a'; " * 62_500 + "\n```\n",
    "blocks": document(20_000),
}
"""A megabyte or two, but for those of many lines, which take long while each call is measured."""


class CallTimes:
    """The CPU time of the calls of functions that are written in C, while they call no Python.

    Such a call holds the interpreter lock until it returns; between the others it is handed over.
    """

    def __init__(self) -> None:
        self.longest = (0.0, "")
        self._began = -1.0

    def __call__(self, frame: FrameType, event: str, function: Any) -> None:
        now = time.thread_time()
        if event == "c_return" and self._began >= 0:
            self.longest = max(self.longest, (now - self._began, str(function)))
        self._began = time.thread_time() if event == "c_call" else -1.0


def longest_call(act: Callable[[], object]) -> tuple[float, str]:
    """The seconds that the longest call took, and of what."""
    times = CallTimes()
    sys.setprofile(times)
    try:
        act()
    finally:
        sys.setprofile(None)
    return times.longest


def render(text: str) -> None:
    build_output(Reply(text), (), "", lambda: timeline_of([{"type": "text", "text": text}]))


def show(text: str) -> None:
    packets, rendering, block = Packets(), Rendering(), Block({"type": "text"})
    for part in slices.split_slices(text):
        block.add({"text": part})
    step = rendering.advance([block], whole=True)
    assert step
    packets.add(step)


@contextmanager
def no_collections() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize("act", [render, show])
@pytest.mark.parametrize("name", LONG)
def test_no_call_holds_the_interpreter_lock_for_long(name: str, act: Callable[[str], None]) -> None:
    act("some *words*\n\n```python\nf(1)\n```\n")  # what is made once
    with no_collections():
        longest = longest_call(lambda: act(LONG[name]))
    assert 0 < longest[0] <= MOST_SECONDS, longest


def test_the_tokens_of_a_long_answer_make_no_work_for_the_garbage_collector() -> None:
    passes: list[int] = []

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and info["generation"] > 0:
            passes.append(info["generation"])

    text = dense(300_000)
    render(dense(2_000))
    gc.collect()
    gc.callbacks.append(count)
    try:
        render(text)
    finally:
        gc.callbacks.remove(count)
    assert len(passes) < 5


@pytest.mark.parametrize("function", [strip_controls, strip_invisible, sanitize])
@given(text=st.text(st.sampled_from("a w.\n*\x1b\x00\u202e$\\")))
def test_slices_make_the_same_as_the_whole(function: Callable[[str], str], text: str) -> None:
    whole = function(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "LONGEST_SLICE", 3)
        assert function(text) == whole


@given(text=st.text(st.sampled_from("a w.$\\&")))
def test_signs_are_escaped_the_same_in_slices(text: str) -> None:
    whole = escape_signs("[&]", text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "LONGEST_SLICE", 3)
        assert escape_signs("[&]", text) == whole


@given(st.lists(st.text(st.sampled_from("a\n"))))
def test_blank_lines_are_collapsed_to_one(parts: list[str]) -> None:
    expected = re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip("\n")
    assert "".join(collapse_blank_lines(parts)) == expected


@given(st.lists(st.text(st.sampled_from("a\n "))))
def test_the_end_of_parts_is_stripped_as_that_of_the_whole(parts: list[str]) -> None:
    assert "".join(strip_end(parts)) == "".join(parts).rstrip()


DEFINITIONS = st.sampled_from([
    "[y]: /z", "[y]", "![y]", "> [x]: /w", "- [x]: /w", "[x] and ![x]", "[a", "b]: /c", "[a b]", "![y][x]",
])  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(LINES, DEFINITIONS), max_size=20), st.sampled_from([1, 7, 40]))
def test_any_text_renders_the_same_in_parts(lines: list[str], longest: int) -> None:
    text = "\n".join(lines)
    expected = rendered(text), static(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "LONGEST_PARSED", longest)
        assert (rendered(text), static(text)) == expected


def test_a_link_definition_holds_for_all_that_comes_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = f"See [here] and ![there].\n\n{EVERYTHING}\n\n[here]: /a\n[there]: /b\n"
    expected = rendered(text), static(text)
    assert 'href="/a"' in expected[0]
    assert "and [there]" in expected[1][0]
    monkeypatch.setattr(growing, "LONGEST_PARSED", 40)
    assert (rendered(text), static(text)) == expected
