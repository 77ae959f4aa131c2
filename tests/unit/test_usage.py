"""Price, ledger and footer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from notebook_stream.cli import main
from notebook_stream.ledger.saved import ledger_of
from notebook_stream.ledger.usage import Ledger, Sum, dollars, estimate_tokens, price
from notebook_stream.values.reply import Reply
from notebook_stream.values.usage import Usage
from notebook_stream.view.static import footer, metadata, mimebundle


def test_price_is_what_the_table_of_prices_gives() -> None:
    usage = {
        "input_tokens": 1000,
        "cache_read_input_tokens": 10_000,
        "cache_creation_input_tokens": 2000,
        "cache_creation": {"ephemeral_5m_input_tokens": 500, "ephemeral_1h_input_tokens": 1500},
        "output_tokens": 500,
    }
    by_hand = (1000 * 4 + 10_000 * 0.2 + 500 * 5 + 1500 * 8 + 500 * 20) / 1e6
    assert price("claude-opus-5-5", usage) == pytest.approx(by_hand)


def test_an_unknown_price_is_none_never_nothing() -> None:
    assert price("claude-mythos-5", {"input_tokens": 1, "output_tokens": 1}) is None
    assert price(None, {"input_tokens": 1}) is None
    assert price("claude-opus-5-5", {}) is None
    assert "price unknown" in footer(Reply("x", usage=Usage(input_tokens=1), model="m"))


def test_the_footer_says_what_was_used_and_how_it_ended() -> None:
    facts: dict[str, Any] = {
        "model": "claude-sonnet-5-5",
        "usage": Usage(input_tokens=1204, cache_read_input_tokens=3000),
        "output_tokens": 312,
        "cost": 0.0057,
        "first_token_seconds": 0.6,
        "seconds": 4.1,
    }
    assert footer(Reply("hi", stop_reason="end_turn", **facts)) == (
        "claude-sonnet-5-5 · 1,204 in · 3,000 cache read · 312 out · $0.0057 · first token 0.6 s "
        "· 4.1 s"
    )
    reply = Reply("hi", stop_reason="stopped", estimated=True, **facts)
    assert "≈ 312 out · ≈ $0.0057" in footer(reply)
    assert footer(reply).startswith("Stopped · ")


@pytest.mark.parametrize(
    ("cost", "text"), [(12.345, "12.35"), (0.0057, "0.0057"), (0.000021, "0.000021"), (0, "0.00")]
)
def test_dollars_keep_the_digits_that_matter(cost: float, text: str) -> None:
    assert dollars(cost) == text


def texts(reply: Reply, *parts: str, notes: tuple[str, ...] = ()) -> dict[str, str]:
    return {kind: "".join(made) for kind, made in mimebundle(reply, notes, parts, parts).items()}


def test_an_ending_that_is_not_plain_is_explained_with_a_remedy() -> None:
    data = texts(Reply("", stop_reason="max_tokens", model="<b>"), "cut")
    assert "raise --max-tokens" in data["text/markdown"]
    assert "<b>" not in data["text/markdown"]
    assert "<small>" not in data["text/plain"]
    noted = texts(Reply("x"), notes=("The <key> was *wrong* (see https://a.example/keys).",))
    bold = "**The &#60;key&#62; was &#42;wrong&#42; (see <https://a.example/keys>).**"
    assert bold in noted["text/markdown"]
    assert "The <key> was *wrong*" in noted["text/plain"]


def test_the_sentence_of_an_error_is_left_to_who_raises_it() -> None:
    error = texts(Reply("", stop_reason="error", error="the key was wrong"))
    assert error["text/markdown"].startswith("**Error** <small>")
    assert "the key was wrong" not in error["text/markdown"] + error["text/plain"]


def test_figures_are_given_once() -> None:
    paid = texts(Reply("", usage=Usage(input_tokens=1), cost=0.0057))
    assert "· $0.0057" in paid["text/markdown"]


def test_metadata_can_be_saved() -> None:
    facts = metadata(Reply("x", usage=Usage(input_tokens=1)), "poem")
    assert json.loads(json.dumps(facts))["notebook_stream"]["usage"] == {"input_tokens": 1}


@pytest.mark.parametrize("count", ["25", None, 2.5, [], {"a": 1}, -1, True])
def test_counts_that_are_none_cost_no_answer(count: Any) -> None:
    usage = Usage(input_tokens=count, output_tokens=count, cache_read_input_tokens=count)
    price("claude-opus-5-5", usage)
    reply = Reply("x", model="claude-opus-5-5", usage=usage, output_tokens=7)
    Ledger().add(reply)
    assert "7 out" in footer(reply)
    price("claude-opus-5-5", {"input_tokens": 1, "output_tokens": count})


def test_recorded_replies_cost_nothing() -> None:
    ledger = Ledger()
    ledger.add(Reply("x", model="m", usage=Usage(input_tokens=1), cost=5.0, recorded=True))
    ledger.add(Reply("x", model="m", usage=Usage(input_tokens=1), cost=1.0))
    assert "$1.0000" in repr(ledger).splitlines()[-1]


def test_the_ledger_is_the_sum_of_its_replies() -> None:
    ledger = Ledger()
    for recorded in (False, False, True):
        ledger.add(
            Reply("x", model="m", usage=Usage(input_tokens=10), output_tokens=5, recorded=recorded)
        )
    text = repr(ledger)
    assert [line.split()[:2] for line in text.splitlines()[1:]] == [
        ["m", "2"], ["m", "(recorded)"], ["total", "3"],
    ]  # fmt: skip
    assert "+ 2 of unknown price" in text.splitlines()[-1]


def test_a_model_that_a_server_names_is_no_markup_in_the_table() -> None:
    ledger = Ledger()
    ledger.add(Reply("x", model="![a](https://e.test/x.png) | <b>"))
    row = ledger._repr_markdown_().splitlines()[-1]
    assert row.count("|") == 1 + len(Sum().row("m"))
    assert not {"<", "[", "]"} & set(row)


def test_a_guess_is_never_nothing_for_some_text() -> None:
    assert [estimate_tokens(n) for n in (0, 1, 4, 5)] == [0, 1, 1, 2]


def test_usage_is_a_table_of_pandas() -> None:
    ledger = Ledger()
    usage = Usage(input_tokens=10, output_tokens_details={"thinking_tokens": 3})
    ledger.add(Reply("x", model="m", usage=usage, output_tokens=5, cost=0.5))
    frame = ledger.to_frame()
    assert frame.loc["m", ["input_tokens", "output_tokens", "thinking", "cost"]].tolist() == [
        10, 5, 3, 0.5,
    ]  # fmt: skip
    assert Ledger().to_frame().empty


def test_summaries_and_advice_are_paid_for_too() -> None:
    usage = {"input_tokens": 1_000_000, "output_tokens": 0}
    apart = {"type": "compaction", "input_tokens": 1_000_000, "output_tokens": 0}
    once = price("claude-opus-5-5", {**usage, "iterations": [{"type": "message", **usage}]})
    both = price("claude-opus-5-5", {**usage, "iterations": [apart]})
    assert once is not None
    assert both == pytest.approx(2 * once)
    assert price("claude-opus-5-5", {**usage, "iterations": [{**apart, "model": "x"}]}) is None


def notebook(path: Path, *given: dict[str, Any]) -> Path:
    outputs = [{"output_type": "display_data", "metadata": one} for one in (*given, {})]
    cells = [{"cell_type": "code", "outputs": outputs}, {"cell_type": "markdown"}]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": cells}))
    return path


def test_saved_notebooks_tell_their_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paid = metadata(Reply("x", model="m", usage=Usage(input_tokens=7), cost=0.5, seconds=1.0))
    free = metadata(Reply("x", model="m", usage=Usage(input_tokens=7), cost=0.5, recorded=True))
    one = notebook(tmp_path / "one.ipynb", paid, paid, free)
    notebook(tmp_path / "sub" / "two.ipynb", paid)
    notebook(tmp_path / ".ipynb_checkpoints" / "one.ipynb", paid)
    assert main(["usage", str(one), str(tmp_path / "sub"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    figures = [(row["notebook"][-9:], row["model"], row["requests"], row["cost"]) for row in rows]
    assert figures == [
        ("one.ipynb", "m", 2, 1.0), ("one.ipynb", "m (recorded)", 1, 0.0), ("two.ipynb", "m", 1, 0.5),
    ]  # fmt: skip
    assert main(["usage", str(tmp_path)]) == 0
    assert "$1.5000" in capsys.readouterr().out.splitlines()[-1]
    assert main(["usage", str(one), "--csv"]) == 0
    assert capsys.readouterr().out.startswith("notebook,model,requests,")


FACTS = metadata(Reply("x", model="m", usage=Usage(input_tokens=7), cost=0.5, seconds=1.0))


def summed(capsys: pytest.CaptureFixture[str], *paths: Path) -> tuple[int, list[Any], list[str]]:
    """The exit status of `notebook-stream usage --json`, its rows, and its lines on stderr."""
    status = main(["usage", *map(str, paths), "--json"])
    shown = capsys.readouterr()
    return status, json.loads(shown.out, parse_constant=pytest.fail), shown.err.splitlines()


def directory(path: Path) -> None:
    path.mkdir()


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.touch(), "it is empty"),
    "blank": (lambda path: path.write_text(" \n"), "it is empty"),
    "cut": (lambda path: path.write_text('{"cells": [{"outp'), "cut"),
    "binary": (lambda path: path.write_bytes(bytes(range(256))), "cut"),
    "a list": (lambda path: path.write_text("[]"), "not a notebook"),
    "a number": (lambda path: path.write_text("1"), "not a notebook"),
    "no cells": (lambda path: path.write_text("{}"), "not a notebook"),
    "cells of no kind": (lambda path: path.write_text('{"cells": [1]}'), "not a notebook"),
    "cells of null": (lambda path: path.write_text('{"cells": null}'), "not a notebook"),
    "deep": (lambda path: path.write_text("[" * 200_000), "too deeply"),
    "a long number": (lambda path: path.write_text("9" * 5000), "cut"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "symbolic links"),
    "a pipe": (lambda path: os.mkfifo(path), "a pipe"),
    "a device": (lambda path: path.symlink_to("/dev/null"), "a device"),
    "a file that cannot be read": (lambda path: path.symlink_to("/proc/self/mem"), "error"),
    "a folder": (directory, "it is a folder"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_notebook_is_named_and_left_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, why = BROKEN[name]
    broken, good = tmp_path / "a\x1b.ipynb", notebook(tmp_path / "b.ipynb", FACTS)
    make(broken)
    status, rows, lines = summed(capsys, tmp_path)
    assert (status, [row["cost"] for row in rows]) == (0, [0.5])
    (line,) = lines
    assert "a\\x1b.ipynb" in line
    assert why in line
    if not broken.is_dir():
        assert summed(capsys, broken, good) == (1, rows, lines)


def test_a_path_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, rows, (line,) = summed(capsys, tmp_path / "none", notebook(tmp_path / "b", FACTS))
    assert (status, len(rows)) == (1, 1)
    assert "none': No such file" in line


def test_a_folder_that_cannot_be_read_is_named() -> None:
    skipped: list[tuple[Path, str]] = []
    with TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        path = notebook(Path(made, "locked") / "a.ipynb", FACTS)
        path.parent.chmod(0)
        try:
            with as_nobody():
                ledger_of([Path(made), path], lambda *one: skipped.append(one))
        finally:
            path.parent.chmod(0o700)
    assert skipped == [(path.parent, "Permission denied"), (path, "Permission denied")]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, which may read anything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-le", "latin-1"])
def test_a_notebook_in_another_encoding_is_read(
    encoding: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path / "a.ipynb", FACTS)
    text = path.read_text().replace('"m"', '"größer"')
    path.write_text(text, encoding=encoding)
    status, (row,), lines = summed(capsys, path)
    assert (status, row["model"], row["cost"], lines) == (0, "größer", 0.5, [])


def test_a_notebook_of_an_old_format_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path / "a.ipynb", FACTS)
    old = {"nbformat": 3, "worksheets": [json.loads(path.read_text()), {"cells": []}]}
    path.write_text(json.dumps(old))
    status, (row,), lines = summed(capsys, path)
    assert (status, row["cost"], lines) == (0, 0.5, [])


def test_a_notebook_counts_once_by_whatever_names_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook(tmp_path / "a.ipynb", FACTS)
    (tmp_path / "link.ipynb").symlink_to(path)
    (tmp_path / "hard.ipynb").hardlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path)
    others = [Path("a.ipynb"), tmp_path, tmp_path / "folder" / "a.ipynb", Path("below/../a.ipynb")]
    status, rows, lines = summed(capsys, path, *others)
    assert (status, lines) == (0, [])
    assert [(row["requests"], row["cost"]) for row in rows] == [(1, 0.5)]


NO_AMOUNTS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "-1",
    "true",
    "1e999",
    "1e300",
    "9" * 400,
    '"1"',
    "[]",
]


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_what_is_no_number_is_no_cost(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = FACTS["notebook_stream"]
    for field, column in (("cost_usd", "cost"), ("seconds", "seconds"), ("usage", "input_tokens")):
        facts = {**known, field: {"input_tokens": "?"} if field == "usage" else "?"}
        path = notebook(tmp_path / "a.ipynb", {"notebook_stream": facts})
        path.write_text(path.read_text().replace('"?"', text))
        status, (row,), lines = summed(capsys, path)
        assert (status, row["requests"], row[column], lines) == (0, 1, 0, [])


TEXT = json.dumps(FACTS["notebook_stream"], indent=1)
PARTS: dict[str, tuple[Any, int]] = {
    "an object": (FACTS["notebook_stream"], 1),
    "text": (TEXT, 1),
    "lines": (TEXT.splitlines(keepends=True), 1),
    "lines without ends": (TEXT.splitlines(), 1),
    "an empty text": ("", 0),
    "no lines": ([], 0),
    "text of a list": ("[]", 0),
    "text that is cut": (TEXT[:-2], 0),
    "text that is deep": ("[" * 200_000, 0),
    "a long number": ("9" * 5000, 0),
    "lines that are none": ([1, None, {}], 0),
    "a number": (1, 0),
    "null": (None, 0),
    "half a character": ("\ud800", 0),
}


@pytest.mark.parametrize("name", PARTS)
def test_facts_in_a_part_of_the_data_are_read(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part, requests = PARTS[name]
    data = {"text/markdown": "Hi", "application/vnd.notebook-stream+json": part}
    others: list[dict[str, Any]] = [{}, {"data": None}, {"data": []}, {"data": {"text/plain": "1"}}]
    outputs = [{"output_type": "display_data", "metadata": {}, "data": data}, *others]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"outputs": outputs}]}))
    status, rows, lines = summed(capsys, path)
    assert (status, lines) == (0, [])
    assert [(row["model"], row["requests"], row["cost"]) for row in rows] == [
        ("m", 1, 0.5)
    ] * requests


def test_facts_in_both_places_of_an_output_count_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = FACTS["notebook_stream"]
    part = {"application/vnd.notebook-stream+json": {**facts, "cost_usd": 9.0}}
    outputs = [
        {"metadata": FACTS, "data": part},
        {"metadata": {"notebook_stream": 1}, "data": part},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": [{"outputs": outputs}]}))
    _, (row,), _ = summed(capsys, path)
    assert (row["requests"], row["cost"]) == (2, 9.5)


def test_a_model_of_no_name_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = FACTS["notebook_stream"]
    models = [[1], {"a": 1}, " ", None, True]
    facts = [{"notebook_stream": {**known, "model": model}} for model in models]
    path = notebook(tmp_path / "a.ipynb", *facts)
    _, (row,), _ = summed(capsys, path)
    assert (row["model"], row["requests"]) == ("unknown model", 5)


def test_a_name_that_is_no_text_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.ipynb")
    notebook(path, FACTS)
    assert main(["usage", str(path)]) == 0
    assert "caf\\udce9.ipynb" in capsys.readouterr().out
    _, (row,), _ = summed(capsys, path)
    assert Path(row["notebook"]) == path
