"""What a page shows of an answer that grows, whatever fails on the way."""

from __future__ import annotations

import gc
import inspect
import json
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from notebook_stream import host
from notebook_stream.markdown import GrowingMarkdown
from notebook_stream.values.draft import AnswerDraft
from notebook_stream.view.area import AreaView
from notebook_stream.view.live import LiveView

from .test_markdown import page
from .test_reply import block, delta

TEXT = (
    "# A *title*\n\nSome **bold** words and a [link](https://a.example).\n\n"
    + "- an item\n" * 40
    + "\n```python\n"
    + "f(1)\n" * 150
    + "```\n\n| a |\n|---|\n"
    + "| 1 |\n" * 150
    + "\nThe end of it, > and & more."
)
HALF = len(TEXT) // 2


# ipywidgets 8.0.0 uses what newer versions of traitlets and ipykernel have deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Deprecated in traitlets 4.1:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The `ipykernel.comm.Comm` class:DeprecationWarning"),
]


class Page:
    """Takes a widget's messages as `web/src/live.js` does.

    Attributes:
        blocks: The HTML of the finished blocks that it shows.
        failures: How many of the next messages cannot be sent.
        starts: The numbers of the packets with which the messages began.
        on_paint: Called while a message is sent.
    """

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.failures = 0
        self.starts: list[int] = []
        self.on_paint: Callable[[], object] = lambda: None
        self._have = 0
        self._open = ["", ""]

    def receive(self, message: dict[str, Any], buffers: list[bytes]) -> None:
        if self.failures:
            self.failures -= 1
            msg = "the connection is gone"
            raise OSError(msg)
        self._paint(message, [json.loads(zlib.decompress(one)) for one in buffers])

    def _paint(self, message: dict[str, Any], packets: list[list[str]]) -> None:
        assert message["at"] <= self._have
        self.starts.append(message["at"])
        self.on_paint()
        opened = packets.pop() if message["open"] else None
        for packet in packets[self._have - message["at"] :]:
            self.blocks += packet
        if opened is not None and message["at"] + len(packets) >= self._have:
            self._open = opened
        self._have = max(self._have, message["at"] + len(packets))

    @property
    def shown(self) -> str:
        inside, after = self._open
        return page([*self.blocks, *([f"+{inside}"] if inside else []), after])


@pytest.fixture
def show() -> Iterator[Callable[[], tuple[LiveView, Page]]]:
    """Makes a view and the page that shows it, which gets what ipywidgets would send."""
    widgets = []

    def make() -> tuple[LiveView, Page]:
        view, page = LiveView(host.new_comm_id(), "", "claude", recorded=False), Page()
        view.widget.send = page.receive
        view.receive({"kind": "hello", "have": 0})
        widgets.append(view.widget)
        return view, page

    yield make
    for widget in widgets:
        widget.layout.close()
        widget.close()


def test_an_area_shows_an_answer_that_ended_before_the_first_paint() -> None:
    page = Page()
    view = AreaView(page.receive, 1, lambda text, phase: None, recorded=False, budget=None)
    draft = new_draft()
    write(draft, TEXT)
    view.finish(draft.freeze("stopped"), ())
    assert page.shown == expected(TEXT)


def new_draft() -> AnswerDraft:
    draft = AnswerDraft()
    draft.add(block(type="text", text=""))
    return draft


def write(draft: AnswerDraft, text: str) -> None:
    for start in range(0, len(text), 50):
        draft.add(delta("text_delta", text=text[start : start + 50]))


def expected(text: str) -> str:
    growing = GrowingMarkdown()
    blocks = growing.grow(text)
    inside, after = growing.render_open_block()
    return page([*blocks, *([f"+{inside}"] if inside else []), after])


def paint(view: LiveView, draft: AnswerDraft) -> None:
    while view.paint(draft):
        pass


@contextmanager
def stack_of(frames: int) -> Iterator[None]:
    """Leave so many frames before Python raises RecursionError, wherever that is."""
    limit = sys.getrecursionlimit()
    gc.disable()  # what it collects may need frames, too
    sys.setrecursionlimit(len(inspect.stack(0)) + frames)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        gc.enable()


def test_a_paint_that_fails_anywhere_is_made_up_for_by_the_next(
    show: Callable[[], tuple[LiveView, Page]],
) -> None:
    outcomes = set()
    for frames in (1000, *range(10, 120, 2)):  # the first loads what is loaded when it is needed
        (view, page), draft = show(), new_draft()
        write(draft, TEXT[:HALF])
        paint(view, draft)
        before = page.shown
        write(draft, TEXT[HALF:])
        with stack_of(frames), suppress(RecursionError):
            view.paint(draft)
        outcomes.add(page.shown == before)
        paint(view, draft)
        assert page.shown == expected(TEXT), frames
    assert outcomes == {True, False}


def test_a_message_that_cannot_be_sent_is_sent_with_the_next(
    show: Callable[[], tuple[LiveView, Page]],
) -> None:
    (view, page), draft = show(), new_draft()
    for start, failures in (0, 0), (100, 1), (1000, 0):
        write(draft, TEXT[start : 10 * start + 100])
        page.failures = failures
        with suppress(OSError):
            paint(view, draft)
        assert page.failures == 0
    assert page.shown == expected(draft.text)


def test_a_page_that_asks_while_a_message_is_sent_gets_all_with_the_next(
    show: Callable[[], tuple[LiveView, Page]],
) -> None:
    (view, page), draft = show(), new_draft()
    write(draft, TEXT[:HALF])
    paint(view, draft)
    asking = threading.Thread(target=view.receive, args=({"kind": "hello", "have": 0},))

    def ask() -> None:
        page.on_paint = lambda: None
        asking.start()
        asking.join(0.2)  # without the lock it ends by then, and is forgotten

    page.on_paint = ask
    view.paint(draft)
    asking.join()
    view.paint(draft)
    assert page.starts[-2:] == [1, 0]
