"""Options: as typed on a line, as given in Python."""

from __future__ import annotations

import re
from typing import Any

import pytest

from notebook_stream import OptionError
from notebook_stream.options import Options, read_line, settings


@pytest.mark.parametrize(
    ("line", "given", "rest"),
    [
        ("", {}, ""),
        ('What\'s $5 {x} "now"?', {}, 'What\'s $5 {x} "now"?'),
        ("-m opus tell me", {"model": "opus"}, "tell me"),
        ("--model=opus -t 5  two  spaces", {"model": "opus", "max_tokens": "5"}, "two  spaces"),
        ("--system 'be brief' go", {"system": "be brief"}, "go"),
        ('--system "say \\"hi\\"" go', {"system": 'say "hi"'}, "go"),
        ("--raw {{ x }}", {"raw": True}, "{{ x }}"),
        ("-- --model", {}, "--model"),
        ("-5 + 3?", {}, "-5 + 3?"),
        ("- a list", {}, "- a list"),
        ("--record 'a b.txt' go", {"record": "a b.txt"}, "go"),
        ("--system don't-shout hi", {"system": "don't-shout"}, "hi"),
        ("-c trip And now?", {"chat": "trip"}, "And now?"),
        ("--chat=trip -m opus hi", {"chat": "trip", "model": "opus"}, "hi"),
        ("-c", {"chat": ""}, ""),
        ("-c -m opus hi", {"chat": "", "model": "opus"}, "hi"),
        ("--chat -- And now?", {"chat": ""}, "And now?"),
        ("--system=x['a'] hi", {"system": "x['a']"}, "hi"),
    ],
)
def test_a_line_is_options_then_the_rest_as_typed(
    line: str, given: dict[str, Any], rest: str
) -> None:
    read = read_line(line)
    assert (read.given, read.rest) == (given, rest)


@pytest.mark.parametrize(
    "line", ["--nope x", "-q", "--model", "-t", "--raw=yes hi", "--system 'open quote"]
)
def test_a_wrong_option_names_itself(line: str) -> None:
    with pytest.raises(OptionError, match=re.split("[ =]", line)[0]):
        read_line(line)


def test_a_recording_that_cannot_be_written_is_found_before_anything_is_spent() -> None:
    with pytest.raises(OptionError, match="cannot be written to"):
        Options.of({"record": "/proc/self/recording.txt"})


@pytest.mark.parametrize("value", [0, -1, "0", "x", 1.5, True, ""])
def test_max_tokens_must_count(value: Any) -> None:
    with pytest.raises(OptionError, match="whole number"):
        Options.of({"max_tokens": value})


def test_settings_hold_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "model", "opus")
    assert Options.of({}).model == "opus"
    assert Options.of({"model": "haiku"}).model == "haiku"
    with pytest.raises(OptionError, match="'modle'"):
        Options.of({"modle": "haiku"})
