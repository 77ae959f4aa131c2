"""The text that holds a recorded answer: how it is written, read and compared.

A recording can be read and edited. It has a round for each request of the answer: first what was
asked and how the server answered, a line each (`name: JSON`), then the body, chunk by chunk, each
under the second at which it came::

    notebook_stream recording 1
    model: "claude-sonnet-5-5"
    max_tokens: 16000
    messages: [{"role": "user", "content": "Say hello"}]
    status: 200
    content-type: "text/event-stream; charset=utf-8"
    request-id: "req_011"
    @ 0.412
    event: message_start
    data: {"type":"message_start", …}

    @ 1.730 end

The last line of a round says how its body ended: ``end``; ``stopped`` where it was stopped or
interrupted, and so ends as stopped when it is replayed; ``lost`` where the connection broke. The
next round follows, if there is one, and begins with the first line again. A ``+`` after the time
means that the line above has no line end; body lines that begin with ``@`` carry one more. Lines
end with a line feed alone, which JSON never holds as it is. What editors add is no part of it: a
byte order mark, carriage returns, and spaces at the end of a line with a time.

The body is written decoded, whatever its content encoding was. Long base64 data of images and
documents is shortened to its start, its length and a digest; text is written as it was sent. No
request header is in it, and each known key is redacted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import OptionError

MAGIC = "notebook_stream recording 1"
HEADERS = ("content-type", "request-id")
"""The headers of the response that are written."""

LONGEST_DATA = 1_000
"""Characters of base64 data that are written as they are."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MARK = re.compile(
    rb"^@ (?P<time>\d+(?:\.\d+)?)(?P<joined>\+?)(?:[ \t]+(?P<ending>end|lost|stopped))?"
    rb"[ \t]*(?P<return>\r?)$"
)


@dataclass
class RecordedRound:
    """One request of an answer, with the response to it.

    Attributes:
        request: What was asked: the request's body, as `shorten` leaves it.
        status: HTTP status code.
        headers: The response's content type and request id.
        chunks: The body (list of (seconds since the request was sent, bytes)).
        ending: "end", "stopped", or "lost" where the connection broke.
        seconds: From sending the request to the end.
    """

    request: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    ending: str = "lost"
    seconds: float = 0.0

    @property
    def body(self) -> bytes:
        """The response's body, decoded."""
        return b"".join(chunk for _, chunk in self.chunks)

    def dump(self) -> bytes:
        """Write it as text; half a surrogate pair becomes its JSON escape."""
        facts = {**self.request, "status": self.status, **self.headers}
        head = [f"{name}: {json.dumps(fact, ensure_ascii=False)}" for name, fact in facts.items()]
        lines = "\n".join([MAGIC, *head, ""])
        return lines.encode(errors="backslashreplace") + b"".join(self._body())

    def _body(self) -> Iterator[bytes]:
        whole = True
        for seconds, chunk in self.chunks:
            yield _mark(seconds, whole=whole)
            yield re.sub(rb"^@", b"@@", chunk, flags=re.MULTILINE)
            whole = chunk.endswith(b"\n")
        yield _mark(self.seconds, whole=whole, ending=f" {self.ending}")


@dataclass
class Recording:
    """An answer on disk: its rounds, at least one."""

    rounds: tuple[RecordedRound, ...]

    @property
    def request(self) -> dict[str, Any]:
        """The request of the first round, which holds the prompt."""
        return self.rounds[0].request

    @property
    def ending(self) -> str:
        """How the last round ended."""
        return self.rounds[-1].ending

    def dump(self) -> bytes:
        """Write it as the text of a file."""
        return b"".join(one.dump() for one in self.rounds)


def _mark(seconds: float, *, whole: bool, ending: str = "") -> bytes:
    start, plus = ("", "") if whole else ("\n", "+")
    return f"{start}@ {seconds:.3f}{plus}{ending}\n".encode()


def parse(data: bytes, name: str) -> Recording:
    """Read the text of a file.

    Args:
        data: The text.
        name: Of the file, for the sentences of errors.

    Raises:
        OptionError: It is cut, or no recording.
    """
    parts = re.split(rb"^(?=@ \d)", data.removeprefix(_BYTE_ORDER_MARK), flags=re.MULTILINE)
    if parts[0].partition(b"\n")[0].rstrip() != MAGIC.encode():
        msg = f"{name!r} is not a recording; make one with --record FILE."
        raise OptionError(msg)
    rounds = [_round(head, body) for head, body in _split(parts)]
    whole = [one for one in rounds if one is not None]
    if len(whole) == len(rounds):
        return Recording(tuple(whole))
    msg = (
        f"the recording {name!r} is cut or damaged (its last line should be like "
        "'@ 1.730 end'); record it again with --record."
    )
    raise OptionError(msg)


def _split(parts: list[bytes]) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield the head and the marked parts of each round; a round ends with the mark of its end.

    Args:
        parts: The first head, then each mark with what follows it.
    """
    head, body = parts[0], []
    for part in parts[1:]:
        mark, _, text = part.partition(b"\n")
        body.append(part)
        if _ends(mark) and text.strip():
            body[-1] = mark
            yield head, body
            head, body = text, []
    yield head, body


def _ends(mark: bytes) -> bool:
    match = _MARK.match(mark)
    return bool(match and match["ending"])


def _round(head: bytes, body: list[bytes]) -> RecordedRound | None:
    first, _, lines = head.decode(errors="replace").partition("\n")
    facts = _facts(lines)
    marks = [part.partition(b"\n") for part in body]
    matches = [_MARK.match(mark) for mark, _, _ in marks]
    last = matches[-1] if matches else None
    if first.rstrip() != MAGIC or facts is None or not last or not last["ending"]:
        return None
    if not _is_status(facts.get("status")):
        return None
    made = RecordedRound(facts, status=facts.pop("status"))
    made.headers = {name: str(facts.pop(name)) for name in HEADERS if name in facts}
    for match, (_, _, text), following in zip(matches, marks, [*matches[1:], None], strict=True):
        if match is None:
            return None
        made.chunks.append((float(match["time"]), _chunk(text, following)))
    made.seconds, _ = made.chunks.pop()
    made.ending = last["ending"].decode()
    return made


def _chunk(text: bytes, following: re.Match[bytes] | None) -> bytes:
    """Return the bytes of a chunk; before a ``+`` its last line end belongs to the file."""
    chunk = re.sub(rb"^@@", b"@", text, flags=re.MULTILINE)
    if following is None or not following["joined"]:
        return chunk
    return chunk.removesuffix(following["return"] + b"\n")


def _is_status(status: Any) -> bool:
    return type(status) is int and 100 <= status <= 599


def _facts(head: str) -> dict[str, Any] | None:
    # Not `splitlines`, which also splits at U+2028, U+2029 and U+0085 inside a prompt.
    pairs = [line.partition(":") for line in head.split("\n") if line.strip()]
    try:
        return {name.strip(): json.loads(fact) for name, _, fact in pairs}
    except (ValueError, RecursionError):
        return None


def shorten(value: Any) -> Any:
    """Return the value with the base64 data of images and documents shortened."""
    if isinstance(value, list):
        return [shorten(part) for part in value]
    if not isinstance(value, dict):
        return value
    data = value.get("data")
    if value.get("type") == "base64" and isinstance(data, str) and len(data) > LONGEST_DATA:
        value = {**value, "data": _digest(data)}
    return {name: shorten(part) for name, part in value.items()}


def _digest(data: str) -> str:
    digest = hashlib.sha256(data.encode(errors="backslashreplace")).hexdigest()
    return f"{data[:40]}… ({len(data):,} characters, sha256 {digest[:16]})"


def prompt_of(request: dict[str, Any]) -> str | None:
    """Return the last message of a request as text, white space folded; None without one."""
    try:
        content = request["messages"][-1]["content"]
    except (KeyError, IndexError, TypeError):
        return None
    parts = content if isinstance(content, list) else [content]
    return " ".join(" ".join(map(_part, parts)).split())


def _part(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else part
    return text if isinstance(text, str) else json.dumps(part, sort_keys=True)


LONGEST_PROMPT = 60
"""Characters of a recorded prompt that are quoted."""


def difference(recording: Recording, request: dict[str, Any]) -> str:
    """Return a sentence on the other prompt or model of a recording; "" where both are the same.

    Args:
        recording: What answers.
        request: What is asked, as a recording would hold it.
    """
    others = []
    prompt = prompt_of(recording.request)
    if prompt is not None and prompt != prompt_of(request):
        cut = prompt if len(prompt) <= LONGEST_PROMPT else f"{prompt[:LONGEST_PROMPT]}…"
        others.append(f"another prompt ({cut!r})")
    model = recording.request.get("model")
    if model is not None and model != request.get("model"):
        others.append(f"another model ({str(model)[:LONGEST_PROMPT]!r})")
    return f"This recording was made with {' and '.join(others)}." if others else ""
