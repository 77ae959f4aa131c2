"""Interpolation."""

from __future__ import annotations

import io
import re
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from notebook_stream import OptionError
from notebook_stream.prompt import Filled, interpolate
from notebook_stream.prompt.objects import BOUND


def bad() -> None:
    raise ValueError("a\nb")


NAMES = {
    "bad": bad,
    "x": 1,
    "word": "{{ x }}",
    "table": {"a": {"b": 2}},
    "f": lambda *given: sum(given),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no braces", "no braces"),
        ("{{ x }} and {{x}}", "1 and 1"),
        ("{{ word }}", "{{ x }}"),
        ("{{ table['a']['b'] + 1 }}", "3"),
        ("{{ {'k': {'v': 5}}['k']['v'] }}", "5"),
        ("{{ f(1, 2) }}", "3"),
        ("{{ [i for i in range(x + 1)] }}", "[0, 1]"),
        (r"\{{ x }}", "{{ x }}"),
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        (r"\frac{a}{b} {x}", r"\frac{a}{b} {x}"),
        ("{{ never closed", "{{ never closed"),
        ("{x} $x %x", "{x} $x %x"),
        ("", ""),
        ("{{{ x }}}", "{1}"),
        ("{{{x}}}", "{1}"),
        ("{{{{ x }}}}", "{{1}}"),
        ("{{{x}} and {{x}}}", "{1 and 1}"),
        (r"\frac{{{ x }}}{2}", r"\frac{1}{2}"),
        (r"\frac{{{never closed", r"\frac{{{never closed"),
        (r"\{{{ x }}}", "{{{ x }}}"),
        ("{{ {x, 2} }}", "{1, 2}"),
        ('{{ {"a": 1}["a"] }}', "1"),
        ('{{{"a": 1}["a"]}}', "1"),
        ("{{ {k: v for k, v in [(x, 2)]} }}", "{1: 2}"),
        ("{{{k: v for k, v in [(x, 2)]}}}", "{1: 2}"),
        ('{{ f"{x:.1f} {{x}}" }}', "1.0 {x}"),
    ],
)
def test_expressions_become_their_values_once(text: str, expected: str) -> None:
    assert interpolate(text, NAMES).text == expected
    assert interpolate(text, NAMES).notes == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [("{{ y }}", "'y' is not defined"), ("{{ a b }}", "'{{ a b }}' is not"), ("{{ }}", "is not a Python"),
     ("{{ 1/0 }}", "ZeroDivisionError"), ("{{ x.nope }}", "AttributeError"), ("{{ bad() }}", "ValueError: a b"),
     ("{{{ a b }}}", "'{{ a b }}' is not"), ("{{{x:.2f}}}", "'{{ x:.2f }}' is not"),
     ("{{ bad(\n) }}", "'{{ bad( ) }}' raised")],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_the_way_out(text: str, words: str) -> None:
    with pytest.raises(OptionError, match=r"\\\{\{") as caught:
        interpolate(text, NAMES)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def sent(value: Any) -> str:
    """What is sent of a value, all of which is."""
    filled = interpolate("{{ value }}", {"value": value})
    assert filled.notes == ()
    return filled.text


def test_a_data_frame_is_sent_whole() -> None:
    long = "word " * 50
    frame = pd.DataFrame({"n": range(200), "text": [f'{n}, "{long}"' for n in range(200)]})
    assert pd.read_csv(io.StringIO(sent(frame)), index_col=0).equals(frame)
    numbers = ",".join(map(str, range(100)))
    assert sent(pd.DataFrame([range(100)])) == f",{numbers}\n0,{numbers}"


def test_cells_of_a_table_are_exact() -> None:
    cells = [1 / 3, None, "a\nb", [1, 2], np.arange(2000), pd.Timestamp("2024-01-01")]
    frame = pd.DataFrame({"cell": pd.Series(cells, dtype=object)})
    text = sent(frame)
    for expected in (str(1 / 3), "None", '"a\nb"', '"[1, 2]"', "1999]", "2024-01-01 00:00:00"):
        assert expected in text
    assert "..." not in text


def test_a_series_and_an_index_are_sent_whole() -> None:
    series = pd.Series(range(1000, 1200), name="n")
    assert sent(series).splitlines() == [",n", *(f"{n},{n + 1000}" for n in range(200))]
    assert sent(series.index[:3]) == "[0, 1, 2]"
    assert sent(series.groupby(series // 100).sum()) == "n,n\n10,104950\n11,114950"
    two = pd.Series([1], index=pd.MultiIndex.from_tuples([("a", 2024)], names=["kind", "year"]))
    assert sent(two) == "kind,year,0\na,2024,1"
    assert sent(pd.Series(range(200), dtype="category").array).endswith("198, 199]")


def test_arrays_are_sent_whole() -> None:
    assert sent(np.arange(5000)) == str(list(range(5000)))
    assert sent(np.array([[1, 2], [3, 4]])) == "[[1, 2],\n[3, 4]]"
    assert sent(np.array([0.1, np.nan], np.float32)) == "[0.1, nan]"
    assert sent(np.array([1 / 3])) == f"[{1 / 3}]"
    assert sent(np.array(["a", "b"])) == "['a', 'b']"
    assert sent(np.array(3)) == "3"
    assert sent(np.array([True, None])) == "[True, None]"
    assert sent(np.array(["2024-01-01"], dtype="M8[D]")) == "[datetime.date(2024, 1, 1)]"
    assert sent(np.ma.array([1, 2], mask=[True, False])) == "[--, 2]"


Point = namedtuple("Point", "x y")


@dataclass
class Record:
    x: Any
    n: int = 1


@dataclass
class Own:
    x: Any

    def __str__(self) -> str:
        return "its own words"


@pytest.mark.parametrize(
    "holding",
    [
        lambda value: [value],
        lambda value: (value,),
        lambda value: {"a": value},
        lambda value: {"a": [{"b": value}]},
        lambda value: OrderedDict(a=value),
        lambda value: defaultdict(list, a=value),
        lambda value: Counter(a=value),
        lambda value: deque([value]),
        lambda value: Point(1, value),
        lambda value: Record(value),
    ],
)
@pytest.mark.parametrize(
    ("value", "all_of_it"),
    [
        (np.arange(2000), str(list(range(2000)))),
        (pd.DataFrame({"n": range(100)}), "\n".join(f"{n},{n}" for n in range(100))),
    ],
)
def test_containers_show_all_of_what_they_hold(holding: Any, value: Any, all_of_it: str) -> None:
    assert all_of_it in sent(holding(value))


@pytest.mark.parametrize(
    "value",
    ["text", 1, 1.5, None, True, b"x", [1, "a"], (1,), (), {}, set(), frozenset({1}), {1}, [],
     {"a": {"b": [1, None]}}, Point(1, "a"), Record("a"), Own(1), ValueError("<f at 0x7f00000000>"),
     "<f at 0x7f00000000>", ["<f at 0x7f00000000>"], int, range(3), np.float64(1.5), [np.float64(1.5)],
     {("a", 1): 2}, list(range(10_000)), "long " * 10_000],
)  # fmt: skip
def test_other_values_are_what_str_makes_of_them(value: Any) -> None:
    assert sent(value) == str(value)


LEFT_OUT = re.compile(r"\[… left out here: (.*) …\]")


@pytest.mark.parametrize(
    ("value", "count", "unit"),
    [
        (pd.DataFrame({"n": range(100_000)}), "100,000", "rows"),
        (pd.Series(range(100_000)), "100,000", "rows"),
        (np.arange(100_000), "100,000", "elements"),
        (np.arange(100_000).reshape(-1, 2), "50,000", "rows"),
        (list(range(100_000)), "100,000", "items"),
        ({n: n for n in range(100_000)}, "100,000", "entries"),
        (set(range(100_000)), "100,000", "items"),
    ],
)
def test_what_is_left_out_is_said_in_the_prompt_and_in_a_note(
    value: Any, count: str, unit: str
) -> None:
    filled = interpolate("{{ value }}", {"value": value})
    (note,) = filled.notes
    (marker,) = LEFT_OUT.findall(filled.text)
    assert note == f"value: {marker}."
    few = re.fullmatch(rf"([\d,]+) of {count} {unit} were sent", marker)
    assert few
    assert 0 < int(few[1].replace(",", "")) < 100_000
    assert BOUND * 0.9 < len(filled.text) < BOUND + 100
    last = int(count.replace(",", "")) - 1
    assert re.search(r"\D0\D", filled.text[:20])
    assert str(last if not isinstance(value, np.ndarray) else 99_999) in filled.text[-20:]


def test_counted_rows_are_the_rows_that_are_there() -> None:
    filled = interpolate("{{ df }}", {"df": pd.DataFrame({"n": range(100_000)})})
    rows = re.findall(r"^(\d+),\1$", filled.text, re.MULTILINE)
    assert f"df: {len(rows):,} of 100,000 rows were sent." in filled.notes


@pytest.mark.parametrize(
    "value",
    [["a" + "b" * 200_000 + "c"], {"a": np.arange(100_000)},
     pd.DataFrame([range(10**9, 10**9 + 20_000)])],
)  # fmt: skip
def test_pieces_that_are_too_long_are_cut_inside(value: Any) -> None:
    filled = interpolate("{{ value }}", {"value": value})
    (note,) = filled.notes
    assert note == "value: the first 50,000 and the last 50,000 characters were sent."
    assert len(filled.text) < BOUND + 100
    assert "a" in filled.text[:3] or isinstance(value, pd.DataFrame)
    assert LEFT_OUT.search(filled.text)


def test_a_string_is_sent_whole() -> None:
    long = "x" * (BOUND + 1)
    assert interpolate("{{ long }}", {"long": long}) == Filled(long)


def test_each_value_has_its_own_note() -> None:
    long = ["x" * (BOUND + 1)]
    filled = interpolate("{{ a }} {{ a[0][:2] }} {{ (a +\n a) }}", {"a": long})
    assert [note.split(":")[0] for note in filled.notes] == ["a", "(a + a)"]


class Plain:
    pass


async def coroutine() -> None:
    pass


async def numbers() -> Any:
    yield 1


def generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("expression", "instead"),
    [
        ("generator()", "{{ list(generator()) }}"),
        ("map(str, [1])", "{{ list(map(str, [1])) }}"),
        ("generator", "{{ generator(…) }} or {{ inspect.getsource(generator) }}"),
        ("lambda: 1", "{{ (lambda: 1)(…) }}"),
        ("frame.head", "{{ frame.head(…) }}"),
        ("len", "{{ len(…) }}"),
        ("numbers()", "x = [y async for y in (numbers())] in a cell above and {{ x }} here"),
        ("plain", "such as {{ plain.name }} or {{ vars(plain) }}"),
        ("file", "{{ file.read() }}"),
        ("memoryview(b'a')", "{{ bytes(memoryview(b'a')) }}"),
        ("frame.groupby('n')", "such as {{ (frame.groupby('n')).name }}"),
    ],
)
def test_what_has_no_text_but_an_address_is_refused_with_what_to_type(
    expression: str, instead: str
) -> None:
    names = {**globals(), "plain": Plain(), "file": io.StringIO("a")}
    names["frame"] = pd.DataFrame({"n": range(100)})
    with pytest.raises(OptionError) as caught:
        interpolate(f"On {{{{ {expression} }}}}", names)
    assert instead in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
    assert "0x" not in str(caught.value)


def test_a_coroutine_is_refused_with_the_await_to_type() -> None:
    value = coroutine()
    with pytest.raises(
        OptionError, match=r"write x = await value in a cell above and {{ x }} here"
    ):
        interpolate("{{ value }}", {"value": value})
    value.close()


@pytest.mark.parametrize(
    "holding",
    ["[plain]", "{'a': plain}", "{plain: 1}", "{'a': (1, [generator])}", "pd.Series([plain])",
     "np.array([plain])", "Record(plain)"],
)  # fmt: skip
def test_what_holds_an_address_is_refused(holding: str) -> None:
    with pytest.raises(OptionError, match="holds a") as caught:
        interpolate(f"{{{{ {holding} }}}}", {**globals(), "plain": Plain()})
    assert "0x" not in str(caught.value)
