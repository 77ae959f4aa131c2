"""What no terminal may get."""

from __future__ import annotations

from typing import Any

import pytest

from notebook_stream import ClaudeError
from notebook_stream.ledger.usage import Ledger
from notebook_stream.text.controls import strip_controls
from notebook_stream.values.reply import Reply
from notebook_stream.values.usage import Usage
from notebook_stream.view.static import build_output, timeline_of
from notebook_stream.view.timeline import Timeline

from ..attacks import TERMINAL, controls_in

HOSTILE = pytest.mark.parametrize("text", [t for _, t in TERMINAL], ids=[n for n, _ in TERMINAL])


@HOSTILE
def test_no_control_is_left_wherever_a_text_is_cut(text: str) -> None:
    whole = strip_controls(text)
    assert not controls_in(whole)
    for cut in range(len(text) + 1):
        assert strip_controls(text[:cut]) + strip_controls(text[cut:]) == whole


def test_every_control_is_stripped_and_nothing_else() -> None:
    every = "".join(map(chr, range(0x110000)))
    assert strip_controls(every) == "".join(sign for sign in every if not controls_in(sign))


@HOSTILE
def test_a_static_output_holds_no_control(text: str) -> None:
    blocks: list[dict[str, Any]] = [
        {"type": "thinking", "thinking": text},
        {"type": "tool_use", "name": text, "input": {"a": text}},
        {"type": "web_search_tool_result", "content": [{"url": text, "title": text}]},
        {"type": "code_execution_tool_result", "content": f"{text}\n{text}"},
        {"type": text},
        {"type": "text", "text": text, "citations": [{"title": text, "url": text}]},
    ]
    reply = Reply(text, model=text, stop_reason="error", error=text, usage=Usage(input_tokens=1))

    def fail() -> Timeline:
        raise RuntimeError(text)

    for make_timeline in (lambda: timeline_of(blocks), fail):
        data = build_output(reply, (text,), "", make_timeline).data()
        assert not controls_in("".join(data.values()))


@HOSTILE
def test_a_table_holds_no_control_and_a_line_for_each_row(text: str) -> None:
    ledger = Ledger(("chat", "model"))
    ledger.add(Reply("x", model=text), f"{text}\n{text}")
    assert not controls_in(repr(ledger))
    assert len(repr(ledger).splitlines()) == 2


@HOSTILE
def test_an_error_shows_no_control(text: str) -> None:
    error = ClaudeError(f"the server said {text}.")
    assert not controls_in(str(error))
    assert not controls_in("".join(error._render_traceback_()))
