"""Redact keys and passwords.

`redact` is the one function that removes secrets from text that leaves the process: error messages,
names and ids that a server sends, recordings and log records. It looks for the secrets that the
environment holds now and for those that requests have sent before (`remember`), so that a key which
was changed meanwhile is redacted too. It finds each in any spelling: percent-encoded, escaped as in
JSON or HTML, or cut after its beginning.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

MARK = "…"
"""The character that replaces a secret."""

HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
TOKEN_FILE = "ANTHROPIC_IDENTITY_TOKEN_FILE"  # noqa: S105 - a variable's name
LARGEST_TOKEN = 16_384
"""The size of the longest identity token that the SDK sends, in bytes."""

SENT = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
"""The environment variables whose values are sent unchanged as a header."""

SECRET_WORDS = frozenset({
    "accesstoken", "apikey", "auth", "authentication", "authorization", "authtoken", "cookie",
    "credential", "credentials", "jwt", "key", "passwd", "password", "secret", "session",
    "signature", "token",
})  # fmt: skip
"""The words with which the name of a variable or header ends that holds a secret."""

SHORTEST_WORD = 6
"""The least length of a secret of letters alone or digits alone, in characters.

Shorter ones occur in every sentence.
"""

SHORTEST = 4
"""The least length of any other secret, in characters."""

LONGEST_WORD = 11
"""The greatest length, in characters, of an ASCII-letter secret that is matched as a whole word."""

BEGINNING = 12
"""The length of the prefix, in characters, by which a longer secret is found where it was cut."""

_known: dict[str, None] = {}
"""The secrets that were used since the process began, as keys.

A dict, not a set that is iterated: `setdefault` and `list` of it are atomic between threads.
"""


def find_unsendable() -> str:
    """Find a key that no HTTP header can carry, such as one with the line end of its file.

    Returns:
        The name of the first variable of `SENT` whose value has a character outside of ``!`` to
        ``~``; "" where there is none.
    """
    values = ((name, os.environ.get(name, "")) for name in SENT)
    return next((name for name, value in values if re.search(r"[^\x21-\x7e]", value)), "")


def remember(headers: Iterable[tuple[str, str]] = ()) -> None:
    """Store the secrets of the environment and of a request's headers; `redact` knows them then.

    Args:
        headers: The names and values of the headers that are sent.
    """
    sent = (part for name, value in headers if _is_secret_name(name) for part in _parts(value))
    for secret in (*_in_environment(), *_in_token_file(), *sent):
        _known.setdefault(secret)


_ANTHROPIC_KEY = re.compile(r"(?i)sk-ant-[\w-]+")


def redact(text: str) -> str:
    """Return ``text`` with `MARK` for each known secret and each string like an Anthropic key."""
    for pattern in _patterns(frozenset({*list(_known), *_in_environment()})):
        text = pattern.sub(MARK, text)
    return _ANTHROPIC_KEY.sub(MARK, text)


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
"""Patterns of secrets that this process does not know, and what replaces each.

In order: user and password of a URL, a JSON Web Token, an API key that begins with ``sk-``, the
credentials after an HTTP authentication scheme, and a query parameter whose name says that it is a
secret. No match extends over a quote, so that redacted JSON stays JSON.
"""


def redact_message(text: str) -> str:
    """Redact known secrets and what looks like one in the text of a server or of an error.

    It is not for text that a model wrote: a URL with a password there may be an example.
    """
    text = redact(text)
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def logger(name: str) -> logging.Logger:
    """Return the logger ``name`` with a filter that redacts each record.

    A logger's filter sees only the records that are logged on that logger itself, not those of its
    children (`logging.Logger.handle`), so each module of this package calls this for its own.
    """
    made = logging.getLogger(name)
    made.addFilter(_redact_record)
    return made


def _redact_record(record: logging.LogRecord) -> bool:
    """Redact a record in place, and return True, so that it is logged."""
    record.msg, record.args = redact_message(record.getMessage()), ()
    if record.exc_info:
        # Only the text is left: the exception's attributes hold requests with their headers.
        text = record.exc_text or logging.Formatter().formatException(record.exc_info)
        record.exc_text, record.exc_info = redact_message(text), None
    return True


def _in_environment() -> frozenset[str]:
    """Return the secrets that the SDK and its HTTP transport read from environment variables.

    The environment is read anew at each call, so that a variable which was changed counts at once.
    What is cached depends on the names, and on the values, that were read, and on nothing else.

    Source: ``os.environ`` in anthropic 2.13, ``_client.py`` and ``lib/``; urllib's ``getproxies``.
    """
    names = _secret_variables(tuple(os.environ))
    return _in_variables(tuple((name, os.environ.get(name, "")) for name in names))


@lru_cache(16)
def _secret_variables(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the environment's variables that may hold a secret."""
    return tuple(name for name in names if _reader_of(name))


@lru_cache(16)
def _in_variables(variables: tuple[tuple[str, str], ...]) -> frozenset[str]:
    """Return the secrets in the values of variables, given as pairs of name and value."""
    readers = ((_reader_of(name), value.strip()) for name, value in variables)
    return frozenset(secret for read, value in readers if read for secret in read(value))


def _reader_of(variable: str) -> Callable[[str], Iterable[str]] | None:
    """Return what reads the secrets in the value of a variable; None where it holds none."""
    if variable == HEADERS:
        return _in_custom_headers
    if variable.upper().endswith(("_PROXY", "_BASE_URL")):
        return _in_address
    if variable.startswith(("ANTHROPIC_", "AWS_")) and _holds_secret(variable):
        return lambda value: (value,)
    return None


def _holds_secret(variable: str) -> bool:
    return _is_secret_name(variable) or variable == "AWS_BEARER_TOKEN_BEDROCK"


def _is_secret_name(name: str) -> bool:
    name = name.lower()
    return name.replace("_", "-").rpartition("-")[2] in SECRET_WORDS and name != "idempotency-key"


def _in_token_file() -> Iterator[str]:
    """Yield the identity token in the file that `TOKEN_FILE` names, where it can be read."""
    named = os.environ.get(TOKEN_FILE)
    try:
        if named and (path := Path(named)).is_file():
            with path.open(encoding="utf-8") as file:
                yield file.read(LARGEST_TOKEN).strip()
    except (OSError, ValueError):
        return  # The SDK reports what is wrong with the file.


def _in_custom_headers(text: str) -> Iterator[str]:
    """Yield the secrets among custom headers, split as the SDK does: ``name: value`` a line.

    A header is secret by its name (`SECRET_WORDS`), or by a value with at least 16 letters and
    digits in a row that has both. So the value of ``x-team: research`` is not secret.
    """
    for line in text.split("\n"):
        name, _, value = (part.strip() for part in line.partition(":"))
        if _is_secret_name(name) or _is_random(value):
            yield from _parts(value)


def _is_random(value: str) -> bool:
    runs = re.findall(r"[A-Za-z0-9]{16,}", value)
    return any(not run.isalpha() and not run.isdigit() for run in runs)


def _parts(value: str) -> Iterator[str]:
    """Yield a header's value, and its parts that are secret alone: no scheme, no parameter name."""
    yield value
    for part in re.split(r"[;,]\s*", value):
        for word in part.split()[1:] or part.split():
            yield word
            yield word.partition("=")[2].strip('"')
            yield from _in_basic(word)


def _in_basic(word: str) -> Iterator[str]:
    """Yield ``user:password`` and the password of credentials of HTTP's Basic scheme (RFC 7617)."""
    try:
        decoded = base64.b64decode(word, validate=True).decode()
    except ValueError:
        return
    if ":" in decoded:
        yield decoded
        yield decoded.partition(":")[2]


def _in_address(address: str) -> Iterator[str]:
    """Yield a URL's password alone, with its user, and as HTTP's Basic scheme encodes the two."""
    found = re.match(r"(?:[^/]*//)?([^/?#]*)@", address) or re.match(r"(?:[^/]*//)?(.*)@", address)
    if found and ":" in found[1]:
        pair = unquote(found[1])
        yield from (found[1], pair, base64.b64encode(pair.encode()).decode())
        yield from (found[1].partition(":")[2], unquote(found[1].partition(":")[2]))


def _is_long_enough(secret: str) -> bool:
    return len(secret) >= (SHORTEST_WORD if secret.isalpha() or secret.isdigit() else SHORTEST)


@lru_cache(16)
def _patterns(secrets: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """Return the patterns that find secrets, the longest first: it may contain a shorter one."""
    longest_first = sorted(secrets, key=len, reverse=True)
    return tuple(_pattern(secret) for secret in longest_first if _is_long_enough(secret))


@lru_cache(1000)
def _pattern(secret: str) -> re.Pattern[str]:
    """Compile the pattern that finds a secret in any spelling.

    A secret that is a word, such as ``ollama``, which local servers accept as a key, is found as a
    whole word only: the name of a model may begin with it. A long secret is found by its first
    `BEGINNING` characters.
    """
    if secret.isascii() and secret.isalpha() and len(secret) <= LONGEST_WORD:
        return re.compile(rf"(?<![\w/-]){re.escape(secret)}(?![\w/-])")
    beginning, rest = _spelled(secret[:BEGINNING]), _spelled(secret[BEGINNING:])
    if len(secret) < BEGINNING + SHORTEST:
        return re.compile(beginning + rest)
    return re.compile(rf"{beginning}(?:{rest}|[\w.~+/=%-]*)")


def _spelled(secret: str) -> str:
    """Return the pattern of a secret each of whose characters may be escaped."""
    return "".join(map(_one_spelled, secret))


def _one_spelled(one: str) -> str:
    """Return the pattern of a character: itself or, where it is often escaped, any escape of it."""
    if one.isascii() and (one.isalnum() or one in "-_.~"):
        return re.escape(one)
    code = ord(one)
    percent = "".join(f"%{byte:02x}" for byte in one.encode(errors="surrogatepass"))
    escapes = [json.dumps(one)[1:-1], f"\\u{code:04x}", f"\\x{code:02x}", f"\\{one}", percent]
    entities = [html.escape(one), f"&#{code};", f"&#x{code:x};"]
    return f"(?i:{'|'.join(map(re.escape, [*escapes, *entities, one]))})"
