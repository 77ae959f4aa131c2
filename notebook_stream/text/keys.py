"""Keys and passwords: which ones this process uses, and text without them.

`redact` is the one function that takes them out of what leaves: sentences of errors, names and ids
that a server sends, recordings, logs. It knows what the environment holds now and what requests
have sent before (`remember`), so that a key that was changed meanwhile is still known; and it knows
them in any spelling: percent-encoded, escaped as in JSON or HTML, or cut after its beginning.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

MARK = "…"
"""Stands where a secret was."""

HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
TOKEN_FILE = "ANTHROPIC_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
LARGEST_TOKEN = 16_384
"""Bytes of an identity token; the SDK sends no larger one."""

SENT = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""The variables whose values are sent as they are."""

SECRET_WORDS = frozenset({
    "accesstoken", "apikey", "auth", "authentication", "authorization", "authtoken", "cookie",
    "credential", "credentials", "jwt", "key", "passwd", "password", "secret", "session",
    "signature", "token",
})  # fmt: skip
"""A variable or a header whose name ends with one of these words holds a secret."""

SHORTEST_WORD = 6
"""Characters of a secret that is letters or digits alone; shorter ones are in every sentence."""

SHORTEST = 4
"""Characters of any other secret."""

LONGEST_WORD = 11
"""Characters of a secret of English letters that is looked for as a word, not inside of others."""

BEGINNING = 12
"""Characters by which a longer secret is recognized, however a server cuts it."""

_known: dict[str, None] = {}
"""Each secret that was used, for the process's life. A dict, as all its operations are atomic."""


def unsendable() -> str:
    """The variable whose key has a space or a line end in it, as one from a file may; else ""."""
    values = ((name, os.environ.get(name, "")) for name in SENT)
    return next((name for name, value in values if re.search(r"[^\x21-\x7e]", value)), "")


def remember(headers: Iterable[tuple[str, str]] = ()) -> None:
    """Note the secrets of the environment and of a request's headers, to redact them from now on.

    Args:
        headers: Names and values that are sent.
    """
    sent = (part for name, value in headers if _is_secret_name(name) for part in _parts(value))
    for secret in (*_in_environment(), *_in_token_file(), *sent):
        _known.setdefault(secret)


def redact(text: str) -> str:
    """Return `text` with `…` for each secret that this process knows, and each Anthropic key."""
    for secret in sorted({*list(_known), *_in_environment()}, key=len, reverse=True):
        if _is_long_enough(secret):
            text = _pattern(secret).sub(MARK, text)
    return re.sub(r"(?i)sk-ant-[\w-]+", MARK, text)


_SHAPES = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r"""(//|\\/\\/|%2f%2f)(?:(?!\\/|%2f|%40)[^\s/?#"'<>])*(?:@|%40)""", rf"\1{MARK}@"),
        (r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", MARK),
        (r"(?<![\w-])sk-[\w-]{20,}", MARK),
        (r"\b(bearer|basic)\s+(?=\S*\d)[\w.~+/=-]{8,}", rf"\1 {MARK}"),
        (
            r"""([?&;](?:[\w-]*[_-])?(?:key|token|secret|password|sig|signature)=)[^\s&"'<>\\]+""",
            rf"\1{MARK}",
        ),
    )
)
"""What secrets of others look like, and what to write instead: the user and password of an address,
a JSON Web Token, a key of another provider, what follows an authentication scheme, and a parameter
of an address that carries a key. None reaches over a quote, so that JSON stays JSON."""


def redact_message(text: str) -> str:
    """Return what a server or an error says without known secrets, and without what looks like one.

    Not for what a model wrote: an address with a password in its answer may be an example.
    """
    text = redact(text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def logger(name: str) -> logging.Logger:
    """The logger of one of our modules; no record of it holds a secret, nor the error behind it.

    A filter of a logger sees only what is logged on that very one, so each module's needs its own.
    """
    made = logging.getLogger(name)
    made.addFilter(_redact_record)
    return made


def _redact_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = redact_message(record.getMessage()), ()
    if record.exc_info:
        # The text alone stays: the error's own attributes hold requests with their headers.
        text = record.exc_text or logging.Formatter().formatException(record.exc_info)
        record.exc_text, record.exc_info = redact_message(text), None
    return True


def _in_environment() -> Iterator[str]:
    """The secrets that the SDK and its transport read from variables.

    Source: ``os.environ`` in anthropic 2.13, ``_client.py`` and ``lib/``; urllib's ``getproxies``.
    """
    for name in list(os.environ):
        value = os.environ.get(name, "").strip()
        if name == HEADERS:
            yield from _in_custom_headers(value)
        elif name.upper().endswith(("_PROXY", "_BASE_URL")):
            yield from _in_address(value)
        elif name.startswith(("ANTHROPIC_", "AWS_")) and _holds_secret(name):
            yield value


def _holds_secret(variable: str) -> bool:
    return _is_secret_name(variable) or variable == "AWS_BEARER_TOKEN_BEDROCK"


def _is_secret_name(name: str) -> bool:
    name = name.lower()
    return re.split("[-_]", name)[-1] in SECRET_WORDS and name != "idempotency-key"


def _in_token_file() -> Iterator[str]:
    path = Path(os.environ.get(TOKEN_FILE) or os.devnull)
    try:
        if path.is_file():
            with path.open(encoding="utf-8") as file:
                yield file.read(LARGEST_TOKEN).strip()
    except (OSError, ValueError):
        return  # the SDK says what is wrong with it


def _in_custom_headers(text: str) -> Iterator[str]:
    """The secrets among headers, read as the SDK reads them: one on each line, up to its colon.

    A header is secret by its name (`SECRET_WORDS`), or by a value that no person would write: 16
    letters and digits in a row, with both among them. So ``x-team: research`` is none.
    """
    for line in text.split("\n"):
        name, _, value = (part.strip() for part in line.partition(":"))
        if _is_secret_name(name) or _is_random(value):
            yield from _parts(value)


def _is_random(value: str) -> bool:
    runs = re.findall(r"[A-Za-z0-9]{16,}", value)
    return any(not run.isalpha() and not run.isdigit() for run in runs)


def _parts(value: str) -> Iterator[str]:
    """A header's value, and what of it is secret alone: without its scheme and its names."""
    yield value
    for part in re.split(r"[;,]\s*", value):
        for word in part.split()[1:] or part.split():
            yield word
            yield word.partition("=")[2].strip('"')
            yield from _in_basic(word)


def _in_basic(word: str) -> Iterator[str]:
    """User and password of HTTP's Basic scheme (RFC 7617), and the password alone."""
    try:
        decoded = base64.b64decode(word, validate=True).decode()
    except ValueError:
        return
    if ":" in decoded:
        yield decoded
        yield decoded.partition(":")[2]


def _in_address(address: str) -> Iterator[str]:
    """The password of an address, alone and with its user, also as HTTP's Basic scheme has both."""
    found = re.match(r"(?:[^/]*//)?([^/?#]*)@", address) or re.match(r"(?:[^/]*//)?(.*)@", address)
    if found and ":" in found[1]:
        pair = unquote(found[1])
        yield from (found[1], pair, base64.b64encode(pair.encode()).decode())
        yield from (found[1].partition(":")[2], unquote(found[1].partition(":")[2]))


def _is_long_enough(secret: str) -> bool:
    return len(secret) >= (SHORTEST_WORD if secret.isalpha() or secret.isdigit() else SHORTEST)


@lru_cache(1000)
def _pattern(secret: str) -> re.Pattern[str]:
    """Finds a secret in any spelling.

    A word such as ``ollama``, which local servers take for a key, is found where it stands alone:
    the name of a model may begin with it. Of a long secret its beginning is enough.
    """
    if secret.isascii() and secret.isalpha() and len(secret) <= LONGEST_WORD:
        return re.compile(rf"(?<![\w/-]){re.escape(secret)}(?![\w/-])")
    beginning, rest = _spelled(secret[:BEGINNING]), _spelled(secret[BEGINNING:])
    if len(secret) < BEGINNING + SHORTEST:
        return re.compile(beginning + rest)
    return re.compile(rf"{beginning}(?:{rest}|[\w.~+/=%-]*)")


def _spelled(secret: str) -> str:
    return "".join(map(_one_spelled, secret))


def _one_spelled(one: str) -> str:
    """A pattern for a character as it is, and, where it is often escaped, for its escapes."""
    if one.isascii() and (one.isalnum() or one in "-_.~"):
        return re.escape(one)
    code = ord(one)
    percent = "".join(f"%{byte:02x}" for byte in one.encode(errors="surrogatepass"))
    escapes = [json.dumps(one)[1:-1], f"\\u{code:04x}", f"\\x{code:02x}", f"\\{one}", percent]
    entities = [html.escape(one), f"&#{code};", f"&#x{code:x};"]
    return f"(?i:{'|'.join(map(re.escape, [*escapes, *entities, one]))})"
