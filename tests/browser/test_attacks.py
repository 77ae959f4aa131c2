"""Hostile answers in a real page: nothing runs, nothing is loaded from elsewhere, nothing hangs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Page, expect

from ..attacks import ATTACKS, BIG, FIELDS, URLS
from ..loopback import Hold, Script, delta, end, start
from ..streams import CITED, FOUND, call, stream, text, thinking, whole
from .conftest import Lab, Notebook

GROUP = 20  # outputs of a cell; JupyterLab shows 50
SCHEMES = ("http:", "https:", "mailto:", "ftp:", "tel:")


@pytest.fixture(autouse=True)
def _nothing_runs_or_loads(page: Page, lab: Lab) -> Iterator[None]:
    elsewhere: list[str] = []
    dialogs: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))

    def close(dialog: Dialog) -> None:
        if dialog.type != "beforeunload":  # JupyterLab's own, of a notebook that is not saved
            dialogs.append(dialog.message)
        dialog.accept()

    page.on("dialog", close)
    yield
    asked = ("data:", "blob:", lab.url)
    assert not [url for url in elsewhere if not url.startswith(asked)]
    assert not dialogs
    assert page.evaluate("window.bad") is None


def link_schemes(page: Page) -> set[str]:
    links = "[...document.querySelectorAll('.jp-OutputArea a[href]')].map(a => a.protocol)"
    return set(page.evaluate(links))


def show(page: Page, lab: Lab, name: str, scripts: list[tuple[Script, Hold]]) -> None:
    """Let each be seen live, then in the output."""
    lab.api.play(*(script for script, _ in scripts))
    code = f"from notebook_stream import ask\nfor _ in range({len(scripts)}):\n    ask('hi')"
    notebook = Notebook(page, lab, lab.write(name, code), app="lab")
    notebook.run_all()
    for n, (_, hold) in enumerate(scripts):
        expect(page.locator(".ns-text").last).to_contain_text(f"attack {n}.", timeout=60_000)
        assert link_schemes(page) <= set(SCHEMES)
        hold.let_go.set()
    expect(notebook.output(1).locator("small", has_text="sonnet")).to_have_count(len(scripts))
    assert link_schemes(page) <= set(SCHEMES)


def in_deltas(n: int, hostile: str, count: int = 40) -> tuple[Script, Hold]:
    hold = Hold()
    size = -(-len(hostile) // count)
    pieces = [hostile[i : i + size] for i in range(0, len(hostile), size)]
    deltas = [delta(piece) for piece in (f"attack {n}.\n\n", *pieces)]
    return Script([start(), *deltas, hold, end()]), hold


@pytest.mark.parametrize("first", range(0, len(ATTACKS), GROUP))
def test_no_text_runs_or_loads_anything(page: Page, lab: Lab, first: int) -> None:
    attacks = ATTACKS[first : first + GROUP]
    scripts = [in_deltas(n, hostile) for n, (_, hostile) in enumerate(attacks)]
    show(page, lab, f"attack{first}", scripts)


def in_blocks(n: int, field: str, url: str) -> tuple[Script, Hold]:
    """The attack in every other place of an answer."""
    hold = Hold()
    cited = {"type": "citations_delta", "citation": {**CITED, "url": url, "title": field}}
    body = stream(
        thinking(field),
        call("server_tool_use", field, json.dumps({"query": field})),
        whole("web_search_tool_result", tool_use_id="x", content=[{**FOUND, "url": url, "title": field}]),
        whole("bash_code_execution_tool_result", tool_use_id="x", content={"stdout": field, "stderr": field}),
        whole(field, name=field),
        (text()[0], [*text(f"attack {n}. ")[1], cited]),
        call("tool_use", field, field),
        stop_reason=field,
    )  # fmt: skip
    before, mark, after = body.partition(b"event: message_delta")
    return Script([before, hold, mark + after]), hold


def test_no_other_field_runs_or_loads_anything(page: Page, lab: Lab) -> None:
    pairs = [(FIELDS[n % len(FIELDS)], url) for n, url in enumerate(URLS)]
    scripts = [in_blocks(n, *pair) for n, pair in enumerate(pairs)]
    show(page, lab, "fields", scripts)


@pytest.mark.timeout(700)
@pytest.mark.parametrize(("name", "hostile"), BIG, ids=[name for name, _ in BIG])
def test_nothing_long_hangs(page: Page, lab: Lab, name: str, hostile: str) -> None:
    script, hold = in_deltas(0, hostile, 10)
    hold.let_go.set()
    lab.api.play(script)
    path = lab.write(f"big-{name}", "%%claude x\nhi", "print('next:', len(x))")
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    # A megabyte in one line takes half a minute, and more where others work too.
    expect(notebook.output(2)).to_contain_text("next:", timeout=600_000)
    expect(notebook.output(1)).to_have_count(1)
