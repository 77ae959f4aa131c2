"""Interpolation."""

from __future__ import annotations

import pytest

from notebook_stream import OptionError
from notebook_stream.prompt import interpolate


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
    ],
)
def test_expressions_become_their_values_once(text: str, expected: str) -> None:
    assert interpolate(text, NAMES) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [("{{ y }}", "'y' is not defined"), ("{{ a b }}", "'{{ a b }}' is not"), ("{{ }}", "is not a Python"),
     ("{{ 1/0 }}", "ZeroDivisionError"), ("{{ x.nope }}", "AttributeError"), ("{{ bad() }}", "ValueError: a b")],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_the_way_out(text: str, words: str) -> None:
    with pytest.raises(OptionError, match=r"\\\{\{") as caught:
        interpolate(text, NAMES)
    assert words in str(caught.value)
