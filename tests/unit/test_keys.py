"""Keys and passwords are taken out of any text, in any spelling, and nothing else is."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import notebook_stream
from notebook_stream import OptionError
from notebook_stream.text import keys

from ..attacks import ECHOES, HARMLESS

PACKAGE = Path(notebook_stream.__file__).parent


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin as a process whose environment holds no secret and that has sent none."""
    monkeypatch.setattr(keys, "_known", {})
    for name in list(os.environ):
        if name.upper().startswith(("ANTHROPIC_", "AWS_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


@pytest.mark.parametrize("echo", ECHOES, ids=lambda echo: echo[0])
def test_what_a_server_echoes_is_redacted(
    echo: tuple[str, dict[str, str], str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, environment, message, secret = echo
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = keys.redact_message(message)
    assert secret not in shown
    assert re.fullmatch(r"bad key .*…\S*( or …)? given", shown), shown


@pytest.mark.parametrize(("environment", "message"), HARMLESS)
def test_what_is_no_secret_stays(
    environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    keys.remember()
    assert keys.redact_message(message) == message


@settings(max_examples=200, deadline=None)
@given(
    secret=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=8),
    dump=st.sampled_from([json.dumps, repr, lambda text: json.dumps(text, ensure_ascii=False)]),
)
def test_a_secret_is_found_however_python_writes_it(secret: str, dump: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        forget(patch)
        patch.setenv("ANTHROPIC_API_KEY", secret)
        written = dump(secret)  # type: ignore[operator] # one of the three above
        assert keys.redact(f"<{written}>") == f"<{written[0]}…{written[-1]}>"


def test_an_example_in_an_answer_stays_in_its_recording() -> None:
    example = "postgres://user:password@localhost/db, Authorization: Bearer abc123def456"
    assert keys.redact(example) == example
    assert "password" not in keys.redact_message(example)


def test_a_key_that_was_sent_is_known_when_the_environment_has_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "canary-old")
    keys.remember([("authorization", "Bearer canary-minted"), ("x-trace", "0123456789abcdef0123")])
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "canary-new")
    text = "canary-old canary-minted canary-new 0123456789abcdef0123"
    assert keys.redact(text) == "… … … 0123456789abcdef0123"


def test_a_change_of_the_environment_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "canary-one canary-two canary-three"
    assert keys.redact(text) == text
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-one")
    assert keys.redact(text) == "… canary-two canary-three"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-two")  # the same variables, another value
    assert keys.redact(text) == "canary-one … canary-three"
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "canary-two")  # the same values, other variables
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-three")
    assert keys.redact(text) == "canary-one … …"
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN")
    assert keys.redact(text) == "canary-one canary-two …"
    keys.remember([("x-api-key", "canary-one")])  # a secret that the environment never had
    assert keys.redact(text) == "… canary-two …"


def test_threads_that_change_keys_redact_each_its_own() -> None:
    def redacts(number: int) -> bool:
        secrets = [f"canary-{number}-{turn}" for turn in range(200)]
        for secret in secrets:
            os.environ[f"ANTHROPIC_{number}_KEY"] = secret
            if keys.redact(f"<{secret}>") != "<…>":
                return False
            keys.remember()
        del os.environ[f"ANTHROPIC_{number}_KEY"]
        return not any("canary" in keys.redact(secret) for secret in secrets)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(redacts, range(4)))


def test_an_identity_token_in_a_file_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("canary-in-a-file\n")
    monkeypatch.setenv("ANTHROPIC_IDENTITY_TOKEN_FILE", str(file))
    keys.remember()
    file.write_text("another")
    assert keys.redact("it was canary-in-a-file.") == "it was …."
    for none in (tmp_path, tmp_path / "missing", Path("/dev/zero")):
        monkeypatch.setenv("ANTHROPIC_IDENTITY_TOKEN_FILE", str(none))
        keys.remember()


PLAIN = {"ANTHROPIC_IDENTITY_TOKEN_FILE", "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE"}
"""Variables of the SDK whose names speak of a token, and that hold none."""


def test_every_secret_variable_of_the_installed_sdk_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sources = Path(anthropic.__file__).parent.rglob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    names = set(re.findall(r'"((?:ANTHROPIC|AWS)_[A-Z_]*(?:KEY|TOKEN|SECRET)[A-Z_]*)"', text))
    assert "ANTHROPIC_IDENTITY_TOKEN" in names
    for name in names - PLAIN:
        monkeypatch.setenv(name, "canary-0")
        assert keys.redact("x canary-0") == "x …", name
        monkeypatch.delenv(name)


HOSTILE = ["eyJ" * 50_000, "//a" * 50_000, "\\/\\/" * 50_000, "%2f%2f" * 30_000, "//" + "a" * 150_000,
           "bearer " * 20_000, "bearer" + " " * 150_000, "sk-ant-" * 20_000, "?a_" * 50_000,
           "?" + "a-" * 75_000, "gateway-key-" * 12_000, "sk-" * 50_000]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:8])
def test_no_text_takes_long(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "gateway-key-0123456789")
    began = time.process_time()
    keys.redact_message(text)
    assert time.process_time() - began < 5


def test_an_error_quotes_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-0123")
    error = OptionError("there is no model 'canary-0123'; use sonnet.", 7)
    assert error.args == ("there is no model '…'; use sonnet.", 7)


class Carrying(Exception):
    """An error as an SDK raises it: it has the request, and so its headers."""

    request = "canary-0123"


def test_a_log_record_holds_no_key_in_any_part(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-0123")
    log = keys.logger("notebook_stream.a_test")
    try:
        raise Carrying("inner canary-0123")
    except Carrying as inner:
        outer = ValueError("outer https://u:canary@h/")
        outer.__cause__ = inner
    log.error("it was %s", "canary-0123", exc_info=outer)
    (record,) = caplog.records
    shown = logging.Formatter().format(record)
    assert "it was …" in shown
    assert "inner …" in shown
    assert "outer https://…@h/" in shown
    assert "canary" not in shown + repr(vars(record))


def test_every_logger_of_ours_redacts() -> None:
    uses = [p.name for p in PACKAGE.rglob("*.py") if "getLogger(" in p.read_text(encoding="utf-8")]
    assert sorted(uses) == ["__init__.py", "keys.py"]
