"""The command, and IPython in a real terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from notebook_stream.cli import _own_copy

from ..loopback import (
    DEADLINE_SECONDS,
    Hold,
    Pause,
    Script,
    Server,
    answer,
    delta,
    end,
    refusal,
    start,
)

COMMAND = [sys.executable, "-m", "notebook_stream"]


def ask(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "ask", *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )


def test_ask_prints_the_answer_and_its_footer_apart(env: dict[str, str], server: Server) -> None:
    server.play(answer("Hello ", "**you**"))
    done = ask(env, "hi", "--model", "haiku")
    assert (done.returncode, done.stdout) == (0, "Hello **you**\n")
    assert "25 in · 12 out" in done.stderr
    assert server.requests[0].body["model"] == "claude-haiku-5-5"


def test_ask_streams(env: dict[str, str], server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("first "), hold]))
    with subprocess.Popen([*COMMAND, "ask", "hi"], env=env, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.read(6) == b"first "
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE_SECONDS) == 130
    assert server.requests[0].closed.wait(5)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["hi", "--max-tokens", "0"], 2, "whole number"),
        (["hi", "--model", "nope"], 2, "'nope'"),
        ([""], 2, "empty"),
        (["hi", "--replay", "nowhere"], 2, "nowhere"),
        (["refused"], 1, "ANTHROPIC_API_KEY"),
    ],
)
def test_a_failure_is_one_line(
    env: dict[str, str], server: Server, arguments: list[str], status: int, words: str
) -> None:
    server.play(refusal(401, "authentication_error", "no"))
    done = ask(env, *arguments)
    assert done.returncode == status
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("notebook-stream: ")]
    assert words in line
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_ends_it_quietly(env: dict[str, str], server: Server) -> None:
    server.play(Script([start(), delta("first\n"), Pause(0.3), *[delta("more\n")] * 9, Hold()]))
    command = [*COMMAND, "ask", "hi"]
    running = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline() == b"first\n"
    running.stdout.close()
    assert running.wait(DEADLINE_SECONDS) == 1
    assert b"Traceback" not in running.stderr.read()
    assert server.requests[0].closed.wait(5)
    running.stderr.close()


def test_an_answer_that_was_cut_says_so(env: dict[str, str], server: Server) -> None:
    server.play(Script([start(), delta("cut"), end(stop_reason="max_tokens")]))
    assert "raise --max-tokens" in ask(env, "hi").stderr


def test_no_key_is_one_line(env: dict[str, str]) -> None:
    done = ask({k: v for k, v in env.items() if k != "ANTHROPIC_API_KEY"}, "hi")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ANTHROPIC_API_KEY" in done.stderr


@pytest.fixture
def ipython(env: dict[str, str]) -> pexpect.spawn:
    """IPython in a terminal, the extension loaded."""
    command = [*["-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor"]]
    terminal = pexpect.spawn(
        sys.executable, command, env={**env, "TERM": "dumb"}, encoding="utf-8", timeout=20
    )
    terminal.expect_exact("In [1]: ")
    terminal.sendline("%load_ext notebook_stream")
    terminal.expect_exact("In [2]: ")
    yield terminal
    terminal.close(force=True)


def test_ipython_in_a_terminal_streams_and_binds(ipython: pexpect.spawn, server: Server) -> None:
    server.play(answer("Hello ", "there"))
    ipython.sendline("x = %claude what is it?")
    ipython.expect_exact("Hello there")
    ipython.expect_exact("25 in")
    ipython.expect_exact("In [3]: ")
    ipython.sendline("print([x, x.stop_reason])")
    ipython.expect_exact("['Hello there', 'end_turn']")
    assert server.requests[0].prompt == "what is it?"


def test_a_terminal_shows_an_answer_once(ipython: pexpect.spawn) -> None:
    ipython.sendline("%claude hi")
    ipython.expect_exact("In [3]: ")
    assert ipython.before.count("Hello, world.") == 1
    ipython.sendline("claude_reply")
    ipython.expect_exact("Out[3]: 'Hello, world.'")


def test_ctrl_c_in_a_terminal_keeps_the_partial(ipython: pexpect.spawn, server: Server) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    ipython.sendline("%claude go on")
    ipython.expect_exact("partial")
    ipython.sendintr()
    ipython.expect_exact("KeyboardInterrupt: interrupted")
    ipython.expect_exact("In [3]: ")
    assert "Traceback" not in ipython.before
    ipython.sendline("print([claude_reply, claude_reply.stop_reason])")
    ipython.expect_exact("['partial', 'interrupted']")
    assert server.requests[0].closed.wait(5)


def test_jupyter_console_streams_text_and_keeps_the_partial(
    env: dict[str, str], server: Server
) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    command = ["-m", "jupyter_console", "--simple-prompt", "--ZMQTerminalInteractiveShell.banner="]
    terminal = pexpect.spawn(
        sys.executable, command, env={**env, "TERM": "dumb"}, encoding="utf-8", timeout=30
    )
    terminal.expect_exact("In [1]: ")
    terminal.sendline("%load_ext notebook_stream")
    terminal.expect_exact("In [2]: ")
    terminal.sendline("%claude go on")
    terminal.expect_exact("partial")
    terminal.sendintr()
    terminal.expect_exact("KeyboardInterrupt: interrupted")
    terminal.expect_exact("In [3]: ")
    terminal.sendline("print([claude_reply, claude_reply.stop_reason])")
    terminal.expect_exact("['partial', 'interrupted']")
    terminal.close(force=True)
    assert server.requests[0].closed.wait(5)


def test_demo_opens_a_copy_of_its_own(env: dict[str, str], tmp_path: Path) -> None:
    arguments = [*COMMAND[1:], "demo", "--no-browser"]
    demo = pexpect.spawn(
        COMMAND[0], arguments, env=env, cwd=str(tmp_path), encoding="utf-8", timeout=30
    )
    demo.expect(r"http://\S+/lab/tree/quickstart\.ipynb\?token=\w+")
    demo.kill(signal.SIGTERM)
    demo.expect(pexpect.EOF)
    demo.close()
    copy = tmp_path / "notebook_stream_demo" / "quickstart.ipynb"
    assert json.loads(copy.read_text())["cells"]


def test_demo_never_writes_over_the_persons_copy(tmp_path: Path) -> None:
    copy = _own_copy(tmp_path / "new" / "folder")
    copy.write_text("mine")
    assert _own_copy(copy.parent).read_text() == "mine"
