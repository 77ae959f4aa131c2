"""Price, ledger and footer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from notebook_stream.cli import main
from notebook_stream.reply import Reply, Usage
from notebook_stream.usage import Ledger, Sum, dollars, estimate_tokens, price
from notebook_stream.view.final import footer, metadata, mimebundle


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
    reply = Reply(
        "hi",
        model="claude-sonnet-5-5",
        usage=Usage(input_tokens=1204, cache_read_input_tokens=3000),
        output_tokens=312,
        cost=0.0057,
        first_token_seconds=0.6,
        seconds=4.1,
        stop_reason="end_turn",
    )
    assert footer(reply) == (
        "claude-sonnet-5-5 · 1,204 in · 3,000 cache read · 312 out · $0.0057 · first token 0.6 s "
        "· 4.1 s"
    )
    reply.stop_reason, reply.estimated = "stopped", True
    assert "≈ 312 out · ≈ $0.0057" in footer(reply)
    assert footer(reply).endswith("· stopped")


@pytest.mark.parametrize(
    ("cost", "text"), [(12.345, "12.35"), (0.0057, "0.0057"), (0.000021, "0.000021"), (0, "0.00")]
)
def test_dollars_keep_the_digits_that_matter(cost: float, text: str) -> None:
    assert dollars(cost) == text


def test_an_ending_that_is_not_plain_is_told_with_what_to_do() -> None:
    data = mimebundle(Reply("", stop_reason="max_tokens", model="<b>"), (), "cut", "cut")
    assert "raise --max-tokens" in data["text/markdown"]
    assert "<b>" not in data["text/markdown"]
    assert "<small>" not in data["text/plain"]
    error = mimebundle(Reply("", stop_reason="error", error="the <key> was *wrong*"), (), "", "")
    assert "**The &#60;key&#62; was &#42;wrong&#42;**" in error["text/markdown"]
    assert "The <key> was *wrong*" in error["text/plain"]
    paid = mimebundle(Reply("", usage=Usage(input_tokens=1), cost=0.0057), (), "", "")
    assert "· $0.0057" in paid["text/markdown"]


def test_metadata_can_be_saved() -> None:
    told = metadata(Reply("x", usage=Usage(input_tokens=1)), "poem")
    assert json.loads(json.dumps(told))["notebook_stream"]["usage"] == {"input_tokens": 1}


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


def notebook(path: Path, *told: dict[str, Any]) -> Path:
    outputs = [{"output_type": "display_data", "metadata": one} for one in (*told, {})]
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
    told = [(row["notebook"][-9:], row["model"], row["requests"], row["cost"]) for row in rows]
    assert told == [
        ("one.ipynb", "m", 2, 1.0), ("one.ipynb", "m (recorded)", 1, 0.0), ("two.ipynb", "m", 1, 0.5),
    ]  # fmt: skip
    assert main(["usage", str(tmp_path)]) == 0
    assert "$1.5000" in capsys.readouterr().out.splitlines()[-1]
    assert main(["usage", str(one), "--csv"]) == 0
    assert capsys.readouterr().out.startswith("notebook,model,requests,")


@pytest.mark.parametrize("text", ["[]", "{}", "x", '{"cells": [1]}'])
def test_what_is_no_notebook_is_named(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    assert main(["usage", str(path)]) == 2
    assert "a.ipynb' is not a notebook" in capsys.readouterr().err
    assert main(["usage", str(tmp_path / "none.ipynb")]) == 2
