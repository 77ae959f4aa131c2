"""Recordings on disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notebook_stream import OptionError
from notebook_stream.demo import HERE, recorded_reply
from notebook_stream.replay import Recording, load
from notebook_stream.reply import Draft

GOOD = Recording(
    {"model": "claude-x", "messages": [{"role": "user", "content": "hé\n@ 1.0"}]},
    200,
    {"content-type": "text/event-stream"},
    [(0.1, b"event: a\ndata: {}\n\n"), (0.25, b"@ 9.0 end\n@@\n"), (0.5, "é".encode())],
    "end",
    1.0,
)


def again(recording: Recording, folder: Path) -> Recording:
    path = folder / "recording.txt"
    path.write_bytes(recording.dump())
    return load(path)


def test_a_recording_comes_back_as_it_was(tmp_path: Path) -> None:
    assert again(GOOD, tmp_path) == GOOD


@settings(max_examples=60, deadline=None)
@given(chunks=st.lists(st.binary(min_size=1, max_size=30), max_size=6), lost=st.booleans())
def test_any_body_comes_back(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], lost: bool
) -> None:
    timed = [(float(i), chunk) for i, chunk in enumerate(chunks)]
    ending = "lost" if lost else "end"
    recording = Recording({}, 529, {}, timed, ending, 99.5)
    assert again(recording, tmp_path_factory.mktemp("any")) == recording


def test_a_recording_reads_as_text(tmp_path: Path) -> None:
    text = GOOD.dump().decode()
    assert text.startswith('notebook_stream recording 1\nmodel: "claude-x"\nmessages: ')
    assert "\n@ 0.100\nevent: a\n" in text
    assert text.endswith("@ 1.000+ end\n")


BAD = {
    "missing": None,
    "empty": b"",
    "blank": b" \n\n",
    "no recording": b"hello\n",
    "a notebook": b'{"cells": []}',
    "no status": b'notebook_stream recording 1\nmodel: "x"\n@ 0.1 end\n',
    "a status of null": b"notebook_stream recording 1\nstatus: null\n@ 0.1 end\n",
    "a status in words": b'notebook_stream recording 1\nstatus: "ok"\n@ 0.1 end\n',
    "no body": b"notebook_stream recording 1\nstatus: 200\n",
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
    assert load(path).headers == {"content-type": "5"}


def test_a_file_cut_anywhere_is_told(tmp_path: Path) -> None:
    data = GOOD.dump()
    path = tmp_path / "recording.txt"
    for length in range(len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(OptionError):
            load(path)


def test_an_edited_file_with_windows_lines_still_loads(tmp_path: Path) -> None:
    path = tmp_path / "recording.txt"
    path.write_bytes(
        Recording({}, 200, {}, [(0.1, b"data: {}\n\n")], "end", 1.0).dump().replace(b"\n", b"\r\n")
    )
    assert load(path).ending == "end"


@pytest.mark.parametrize("path", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_each_demo_reply_is_whole(path: Path) -> None:
    recording = load(path)
    body = b"".join(chunk for _, chunk in recording.chunks)
    assert recording.ending == "end"
    assert b"message_stop" in body
    assert [seconds for seconds, _ in recording.chunks] == sorted(s for s, _ in recording.chunks)


def text_of(prompt: str) -> str:
    """The text of the demo reply to a prompt."""
    recording = recorded_reply({"messages": [{"role": "user", "content": prompt}]})
    draft = Draft()
    for line in b"".join(chunk for _, chunk in recording.chunks).splitlines():
        if line.startswith(b"data:"):
            draft.add(json.loads(line[5:]))
    return draft.text


def test_a_prompt_without_a_recording_gets_the_one_that_says_so() -> None:
    assert "there is no recording for your prompt" in text_of("never recorded")
    assert "**The Tide**" in text_of(" Write a short poem\n about the tide. ")
