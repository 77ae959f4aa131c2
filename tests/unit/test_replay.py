"""Recordings on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook_stream import OptionError, demo
from notebook_stream.demo import HERE, recorded_reply
from notebook_stream.recording.files import load
from notebook_stream.recording.format import RecordedRound, Recording, prompt_of, shorten
from notebook_stream.recording.redaction import as_recorded, redact_recording
from notebook_stream.values.draft import AnswerDraft

ROUND = RecordedRound(
    {"model": "claude-x", "messages": [{"role": "user", "content": "hé\n@ 1.0"}]},
    200,
    {"content-type": "text/event-stream"},
    [(0.1, b"event: a\ndata: {}\n\n"), (0.25, b"@ 9.0 end\n@@\n"), (0.5, "é".encode())],
    "end",
    1.0,
)
GOOD = Recording((ROUND,))


def again(recording: Recording, folder: Path) -> Recording:
    path = folder / "recording.txt"
    path.write_bytes(recording.dump())
    return load(path)


def test_a_recording_comes_back_as_it_was(tmp_path: Path) -> None:
    assert again(GOOD, tmp_path) == GOOD


@settings(max_examples=60, deadline=None)
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=30), max_size=6),
    ending=st.sampled_from(["end", "lost", "stopped"]),
    rounds=st.integers(1, 3),
)
def test_any_body_comes_back(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], ending: str, rounds: int
) -> None:
    timed = [(float(i), chunk) for i, chunk in enumerate(chunks)]
    recorded = RecordedRound({}, 529, {}, timed, ending, 99.5)
    recording = Recording((recorded,) * rounds)
    assert again(recording, tmp_path_factory.mktemp("any")) == recording


def test_a_recording_reads_as_text(tmp_path: Path) -> None:
    text = GOOD.dump().decode()
    assert text.startswith('notebook_stream recording 1\nmodel: "claude-x"\nmessages: ')
    assert "\n@ 0.100\nevent: a\n" in text
    assert text.endswith("@ 1.000+ end\n")


def test_a_recording_of_two_rounds_reads_as_one_after_the_other(tmp_path: Path) -> None:
    two = Recording((ROUND, ROUND))
    assert two.dump() == 2 * ROUND.dump()
    assert again(two, tmp_path) == two


BAD = {
    "another round that has no first line": GOOD.dump() + b"status: 200\n@ 0.1 end\n",
    "another round that is cut": GOOD.dump() + GOOD.dump().rpartition(b"@ ")[0],
    "missing": None,
    "empty": b"",
    "blank": b" \n\n",
    "no recording": b"hello\n",
    "a notebook": b'{"cells": []}',
    "no status": b'notebook_stream recording 1\nmodel: "x"\n@ 0.1 end\n',
    "a status of null": b"notebook_stream recording 1\nstatus: null\n@ 0.1 end\n",
    "a status in words": b'notebook_stream recording 1\nstatus: "ok"\n@ 0.1 end\n',
    "no body": b"notebook_stream recording 1\nstatus: 200\n",
    "a later format": b"notebook_stream recording 12\nstatus: 200\n@ 0.1 end\n",
    "another ending": b"notebook_stream recording 1\nstatus: 200\n@ 0.1 over\n",
    "JSON too deep": b"notebook_stream recording 1\nstatus: 200\nsystem: "
    + b"[" * 100_000
    + b"\n@ 0.1 end\n",
    "bad json": b"notebook_stream recording 1\nstatus: {\n@ 0.1 end\n",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.txt"
    content = BAD[name]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OptionError, match=r"recording\.txt.*;|check the path|--record"):
        load(path)


def test_headers_are_text(tmp_path: Path) -> None:
    path = tmp_path / "recording.txt"
    path.write_bytes(b"notebook_stream recording 1\nstatus: 200\ncontent-type: 5\n@ 0.1 end\n")
    assert load(path).rounds[0].headers == {"content-type": "5"}


def test_a_file_cut_anywhere_is_reported(tmp_path: Path) -> None:
    data = GOOD.dump()
    path = tmp_path / "recording.txt"
    for length in range(len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(OptionError):
            load(path)


@pytest.mark.parametrize("ending", ["end", "lost", "stopped"])
def test_what_editors_add_changes_nothing(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "recording.txt"
    body = [(0.1, b"event: a\ndata: {}\n\n"), (0.2, b'data: {"half'), (0.3, b'": 1}\n\nend')]
    recording = Recording((RecordedRound({"system": "a\u2028b"}, 200, {}, body, ending, 1.0),))
    marks = re.compile(rb"^(@ .*|notebook_stream .*)$", re.MULTILINE)
    for edit in (
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: marks.sub(rb"\1 \t", data),
        lambda data: data.replace(b"\n@ 1.000+ ", b"\n@ 1.000+ \t "),
        lambda data: data.replace(b"status", b"\n\nstatus") + b"\n\n",
        lambda data: data.removesuffix(b"\n"),
    ):
        path.write_bytes(edit(recording.dump()))
        assert load(path) == recording
    path.write_bytes(b"\xef\xbb\xbf" + marks.sub(rb"\1 ", recording.dump()).replace(b"\n", b"\r\n"))
    windows = load(path)
    assert windows.rounds[0].body == recording.rounds[0].body.replace(b"\n", b"\r\n")
    assert (windows.request, windows.ending) == (recording.request, ending)


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters()))
def test_any_text_that_was_asked_comes_back(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    recording = Recording(
        (RecordedRound({"system": text}, 200, {"request-id": text}, [], "end", 0.0),)
    )
    assert again(recording, tmp_path_factory.mktemp("any")) == recording


def test_only_base64_data_is_shortened() -> None:
    long = "A" * 200_000
    content = [
        {"type": "text", "text": long},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": long}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": long}},
        {
            "type": "tool_result",
            "content": [{"type": "image", "source": {"type": "base64", "data": long + "B"}}],
        },
        {"type": "image", "source": {"type": "base64", "data": "short"}},
    ]
    text, document, image, result, short = shorten(content)
    assert [text, document, short] == [content[0], content[1], content[4]]
    first = image["source"]["data"]
    second = result["content"][0]["source"]["data"]
    assert first.startswith("AAAA")
    assert "200,000 characters" in first
    assert len(first) < 200
    assert first != second.replace("200,001", "200,000")  # two images do not look the same
    assert content[2]["source"]["data"] == long  # type: ignore[index]


def test_a_prompt_is_its_text_in_whichever_shape() -> None:
    parts = [{"type": "text", "text": " Say\n"}, {"type": "text", "text": "hello"}]
    for content in ("Say hello", parts):
        assert prompt_of({"messages": [{"role": "user", "content": content}]}) == "Say hello"
    image = {"type": "image", "source": {"type": "base64", "data": "x"}}
    other = {"type": "image", "source": {"type": "base64", "data": "y"}}
    prompts = {prompt_of({"messages": [{"content": [*parts, one]}]}) for one in (image, other)}
    assert len(prompts) == 2


def test_a_recording_without_a_key_is_left_as_it_is() -> None:
    assert redact_recording(GOOD) == GOOD


def test_a_long_prompt_is_found_by_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompt = "word " * 30_000 + "sk-ant-0123456789"
    recording = Recording(
        (RecordedRound(as_recorded({"messages": [{"content": prompt}]}), ending="end"),)
    )
    for name in ("one.txt", "no_recording.txt"):
        (tmp_path / name).write_bytes(recording.dump() if name == "one.txt" else GOOD.dump())
    monkeypatch.setattr(demo, "HERE", tmp_path)
    demo._recordings.cache_clear()
    try:
        assert recorded_reply({"messages": [{"role": "user", "content": prompt}]}) == recording
    finally:
        demo._recordings.cache_clear()


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_each_demo_reply_is_whole(path: Path) -> None:
    recording = load(path)
    (only,) = recording.rounds
    assert recording.ending == "end"
    assert b"message_stop" in only.body
    assert [seconds for seconds, _ in only.chunks] == sorted(s for s, _ in only.chunks)


def text_of(prompt: str) -> str:
    """The text of the demo reply to a prompt."""
    recording = recorded_reply({"messages": [{"role": "user", "content": prompt}]})
    draft = AnswerDraft()
    for line in recording.rounds[0].body.splitlines():
        if line.startswith(b"data:"):
            draft.add(json.loads(line[5:]))
    return draft.text


def test_a_prompt_without_a_recording_gets_the_one_that_says_so() -> None:
    assert "there is no recording for your prompt" in text_of("never recorded")
    assert "**The Tide**" in text_of(" Write a short poem\n about the tide. ")
