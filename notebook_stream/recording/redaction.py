"""Redact keys in a recording: in what was asked, and in what the server sent back.

A body is read as JSON or as server-sent events, because a server may write a key with JSON escapes
and a model writes it a few characters at a time, in one event after another.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any

from ..text.keys import redact
from .format import RecordedRound, Recording, shorten

Events = dict[int, dict[str, Any]]
"""The events of a body, by the number of their line."""


def as_recorded(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request's body as a recording holds it: base64 data shortened, keys redacted."""
    recorded: dict[str, Any] = redact_json(shorten(request))
    return recorded


def redact_recording(recording: Recording) -> Recording:
    """Return the recording without any key; its chunks hold as many lines as before."""
    return Recording(tuple(map(_redact_round, recording.rounds)))


def _redact_round(recorded: RecordedRound) -> RecordedRound:
    chunks = recorded.chunks
    text = recorded.body.decode(errors="surrogateescape")
    clean = redact_body(text)
    if clean != text:
        counts = [chunk.count(b"\n") for _, chunk in chunks]
        chunks = [
            (when, part) for (when, _), part in zip(chunks, _deal(clean, counts), strict=True)
        ]
    return replace(
        recorded,
        request=as_recorded(recorded.request),
        headers={name: redact(value) for name, value in recorded.headers.items()},
        chunks=chunks,
    )


def _deal(text: str, counts: list[int]) -> Iterator[bytes]:
    """Yield the text in parts of so many lines; the last one has all the rest."""
    lines = text.encode(errors="surrogateescape").split(b"\n")
    lines = [*(line + b"\n" for line in lines[:-1]), lines[-1]]
    for end, count in zip(accumulate(counts[:-1]), counts[:-1], strict=True):
        yield b"".join(lines[end - count : end])
    yield b"".join(lines[sum(counts[:-1]) :])


def redact_json(value: Any) -> Any:
    """Return the value with each key redacted in its strings; names and types of the API's stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        return [redact_json(part) for part in value]
    if not isinstance(value, dict):
        return "…" if _shows_key(str(value)) else value
    return {
        _redact_word(name): _redact_word(part) if _is_type(name, part) else redact_json(part)
        for name, part in value.items()
    }


def _is_type(name: str, part: Any) -> bool:
    return name == "type" and isinstance(part, str)


def _redact_word(word: str) -> str:
    """Redact a word, unless it looks like one of the format, such as ``message``."""
    return word if re.fullmatch(r"\s*[a-z_]+\s*", word) else redact(word)


def redact_body(body: str) -> str:
    """Return a response's body with each key redacted; lines without one stay as they are."""
    whole = _parse(body)
    if whole is not None:
        return _dump(redact_json(whole)) if _shows_key(body, *_strings(whole)) else body
    lines = body.split("\n")
    events = {n: event for n, line in enumerate(lines) if (event := _event(line)) is not None}
    if not events:
        return redact(body)
    return "\n".join(_redacted(lines, events)) if _has_key(lines, events) else body


def _parse(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _dump(value: dict[str, Any]) -> str:
    """JSON in which half a surrogate pair is an escape, as it cannot be written in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()


def _event(line: str) -> dict[str, Any] | None:
    return _parse(line[5:]) if line.startswith("data:") else None


def _has_key(lines: list[str], events: Events) -> bool:
    """Return whether a key is anywhere in it, by one search: one for each string would be slow.

    A string without escapes stands in its line as it is.
    """
    runs = ["".join(_texts(events, name, numbers)) for (_, name), numbers in _runs(events).items()]
    escaped = [event for n, event in events.items() if "\\" in lines[n]]
    return _shows_key(*lines, *_strings(escaped), *runs)


def _shows_key(*texts: str) -> bool:
    text = "\n".join(texts)
    return redact(text) != text


def _strings(value: Any) -> Iterator[str]:
    """Yield all strings in a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, dict):
        yield from value
        yield from _strings(list(value.values()))


def _runs(events: Events) -> dict[tuple[str, str], list[int]]:
    """Return the lines whose deltas make one text, by index and field (``text`` …)."""
    runs = defaultdict(list)
    for n, event in events.items():
        delta = event.get("delta")
        for name, text in delta.items() if isinstance(delta, dict) else ():
            if name != "type" and isinstance(text, str):
                runs[str(event.get("index")), name].append(n)
    return runs


def _texts(events: Events, name: str, lines: list[int]) -> list[str]:
    return [events[n]["delta"][name] for n in lines]


def _redacted(lines: list[str], events: Events) -> Iterator[str]:
    joined = _redact_runs(events)
    for n, line in enumerate(lines):
        yield _redact_event(line, events[n], joined[n]) if n in events else _redact_line(line)


def _redact_runs(events: Events) -> Events:
    """Return the events, without the keys that stand in the deltas of several."""
    clean = dict(events)
    for (_, name), lines in _runs(events).items():
        texts = _texts(events, name, lines)
        for n, text in zip(lines, _spread(redact("".join(texts)), texts), strict=True):
            clean[n] = {**clean[n], "delta": {**clean[n]["delta"], name: text}}
    return clean


def _spread(text: str, pieces: list[str]) -> Iterator[str]:
    """Return the text in pieces as long as those given; the last ones may be shorter."""
    ends = list(accumulate(map(len, pieces)))
    ends[-1] = max(ends[-1], len(text))
    return (text[start:end] for start, end in zip([0, *ends], ends, strict=False))


def _redact_event(line: str, event: dict[str, Any], joined: dict[str, Any]) -> str:
    if joined == event and not _shows_key(line, *_strings(event)):
        return line
    # Written anew: of a name that is there twice, JSON has one value, and the line both.
    return f"data: {_dump(redact_json(joined))}" + "\r" * line.endswith("\r")


def _redact_line(line: str) -> str:
    name, colon, word = line.partition(":")
    return f"{name}:{_redact_word(word)}" if name == "event" and colon else redact(line)
