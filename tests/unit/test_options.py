"""Options: as typed on a line, as given in Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from notebook_stream import OptionError
from notebook_stream.request.checks import check_count
from notebook_stream.request.line import read_line
from notebook_stream.request.options import Options, settings


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


def test_a_count_names_its_own_option() -> None:
    with pytest.raises(OptionError, match=r"^--most-tries must be .*, got 'x'; write --most-tries"):
        check_count("most_tries", "x")


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


def in_a_process(word: str | None, code: str) -> str:
    """What a process prints whose environment asks for the demo with the word."""
    env = {name: value for name, value in os.environ.items() if name != "NOTEBOOK_STREAM_DEMO"}
    env |= {} if word is None else {"NOTEBOOK_STREAM_DEMO": word}
    command = [sys.executable, "-c", f"from notebook_stream.request.options import *; {code}"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return done.stdout or done.stderr.splitlines()[-1]


@pytest.mark.parametrize("word", ["1", "true", "Yes", "ON", " 1 "])
def test_a_word_for_yes_switches_the_demo_on(word: str) -> None:
    assert in_a_process(word, "print(Options.of({}).demo)") == "True\n"


@pytest.mark.parametrize("word", [None, "", "0", "false", "False", "no", "off", " 0 ", "OFF"])
def test_a_word_for_no_leaves_the_demo_off(word: str | None) -> None:
    assert in_a_process(word, "print(Options.of({}).demo)") == "False\n"


@pytest.mark.parametrize("word", ["maybe", "2", "ja", "tru"])
def test_another_word_sends_nothing_and_plays_nothing(word: str) -> None:
    refused = in_a_process(word, "Options.of({})")
    assert f"OptionError: NOTEBOOK_STREAM_DEMO is {word!r}, which is neither on nor off" in refused
    late = "import os; os.environ['NOTEBOOK_STREAM_DEMO'] = '1'; Options.of({})"
    assert in_a_process(word, late) == refused
    switched_on = "settings.demo = True; print(Options.of({}).demo)"
    assert in_a_process(word, switched_on) == "True\n"
    assert in_a_process(word, "print(Options.of({'replay': 'x'}).demo)") == "False\n"


def test_asking_with_a_wrong_word_for_the_demo_is_one_sentence(clean_env: dict[str, str]) -> None:
    env = clean_env | {"NOTEBOOK_STREAM_DEMO": "ture", "ANTHROPIC_API_KEY": "sk-ant-test"}
    command = [sys.executable, "-m", "notebook_stream", "ask", "hi"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert line.startswith("notebook-stream: NOTEBOOK_STREAM_DEMO is 'ture'")


def test_a_row_alone_makes_an_option() -> None:
    """Two imaginary ones, with a value and a switch: a row is all that each of them takes."""
    code = """
from notebook_stream.request import table
effort = table.Option(
    "effort", "how hard to think", ("-e", "--effort"), "LEVEL", check=str.upper,
    body=lambda level: {"output_config": {"effort": level}}, lasts=True,
    setting=table.Setting("low", str, "How hard to think."),
)
loud = table.Option(
    "loud", "in capitals", ("--loud",), check=bool, body=lambda on: {"loud": on},
)
table.TABLE += (effort, loud)
table.FLAGGED += (effort, loud)
table.BY_FLAG |= {"-e": effort, "--effort": effort, "--loud": loud}
table.SETTINGS["effort"] = effort.setting
table.LASTING += ("effort",)
import io, contextlib
from IPython.core.interactiveshell import InteractiveShell
from notebook_stream.cli import _parser, main
from notebook_stream.magic.magics import ClaudeMagics
from notebook_stream.request.line import read_line
from notebook_stream.request.options import Options
given = read_line("-e high --loud hi").given
print(Options.of(given).body()["output_config"], Options.of({}).body()["output_config"])
print(Options.of(given).body()["loud"], "loud" in Options.of({}).body())
print("--effort LEVEL" in ClaudeMagics.claude.__doc__, ClaudeMagics.effort.help)
from notebook_stream.magic.calls import LASTING
print("effort" in LASTING)
with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
    main(["ask", "--help"])
print("--effort LEVEL" in out.getvalue())
typed = vars(_parser().parse_args(["ask", "hi", "-e", "high", "--loud"]))
print(typed["effort"], typed["loud"], vars(_parser().parse_args(["ask", "hi"]))["loud"])
print("\\n".join(row for row in table.markdown_rows() if "effort" in row or "loud" in row))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "{'effort': 'HIGH'} {'effort': 'LOW'}",
        "True False",
        "True How hard to think.",
        "True",
        "True",
        "high True None",
        "| `-e`, `--effort LEVEL` | how hard to think |",
        "| `--loud` | in capitals |",
    ], done.stderr
