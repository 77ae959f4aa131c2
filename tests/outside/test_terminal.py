"""The command, and IPython in a real terminal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pexpect
import pytest

from notebook_stream.demo.opening import copy_notebooks

from ..attacks import TERMINAL, controls_in
from ..loopback import (
    DEADLINE_SECONDS,
    Drop,
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


def ask(env: dict[str, str], *arguments: str, **streams: Any) -> subprocess.CompletedProcess[Any]:
    """Run `notebook-stream ask`; without `input` or `stdin` its standard input is empty."""
    if "input" not in streams:
        streams = {"stdin": subprocess.DEVNULL, **streams}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **streams}
    command = [*COMMAND, "ask", *arguments]
    return subprocess.run(command, env=env, timeout=DEADLINE_SECONDS, check=False, **streams)


@contextmanager
def asking(env: dict[str, str], *arguments: str, **pipes: Any) -> Iterator[subprocess.Popen[Any]]:
    """A running `notebook-stream ask`; it does not outlive its test."""
    with subprocess.Popen([*COMMAND, "ask", *arguments], env=env, **pipes) as running:
        try:
            yield running
        finally:
            running.kill()


def pipe_of(stream: IO[Any] | None) -> IO[Any]:
    """The stream, which is a pipe."""
    assert stream is not None
    return stream


@contextmanager
def terminal_of(env: dict[str, str], *arguments: str, **options: Any) -> Iterator[pexpect.spawn]:
    """A terminal in which Python runs with those arguments; it does not outlive its test."""
    terminal = pexpect.spawn(
        sys.executable, list(arguments), env=env, encoding="utf-8", timeout=30, **options
    )
    try:
        yield terminal
    finally:
        terminal.close(force=True)


def in_terminal(env: dict[str, str], *arguments: str) -> tuple[str, int]:
    """What the command writes to a terminal, and its exit status."""
    with terminal_of(env, *COMMAND[1:], *arguments) as terminal:
        terminal.expect(pexpect.EOF)
        terminal.wait()
    return terminal.before.replace("\r\n", "\n"), terminal.exitstatus


HOSTILE = "".join(text for _, text in TERMINAL)


def hostile_answer() -> Script:
    """Escape sequences: whole, cut at each character, and in the name of the model."""
    return Script([start(HOSTILE), delta(HOSTILE), *map(delta, HOSTILE), end()])


def without_dimming(text: str) -> str:
    """The text without the sequences of our own, which make the footer dim."""
    return text.replace("\x1b[2m", "").replace("\x1b[0m", "")


def test_ask_prints_the_answer_and_its_footer_apart(env: dict[str, str], server: Server) -> None:
    server.play(answer("Hello ", "**you**"))
    done = ask(env, "hi", "--model", "haiku")
    assert (done.returncode, done.stdout) == (0, "Hello **you**\n")
    assert "25 in · 12 out" in done.stderr
    assert server.requests[0].body["model"] == "claude-haiku-5-5"


def test_ask_streams(env: dict[str, str], server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("first "), hold]))
    with asking(env, "hi", stdout=subprocess.PIPE) as running:
        assert pipe_of(running.stdout).read(6) == b"first "
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE_SECONDS) == 130
    assert server.requests[0].has_closed()


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
    with asking(env, "hi", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert pipe_of(running.stdout).readline() == b"first\n"
        pipe_of(running.stdout).close()
        assert running.wait(DEADLINE_SECONDS) == 1
        assert b"Traceback" not in pipe_of(running.stderr).read()
    assert server.requests[0].has_closed()


@pytest.fixture(params=["buffered", "unbuffered"])
def buffering(request: pytest.FixtureRequest, env: dict[str, str]) -> dict[str, str]:
    """The environment in which Python holds back what it writes, or does not."""
    return {**env, "PYTHONUNBUFFERED": "1" if request.param == "unbuffered" else ""}


@pytest.mark.parametrize("tail", [[Hold()], [end()]], ids=["goes on", "is whole"])
def test_a_reader_that_leaves_before_the_last_piece(
    buffering: dict[str, str], server: Server, tail: list[Any]
) -> None:
    hold = Hold()
    server.play(Script([start(), delta("first\n"), hold, delta("last\n"), *tail]))
    with asking(buffering, "hi", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert pipe_of(running.stdout).readline() == b"first\n"
        pipe_of(running.stdout).close()
        hold.let_go.set()
        errors = pipe_of(running.stderr).read()
        assert running.wait(DEADLINE_SECONDS) == 1
    assert b"Traceback" not in errors
    assert b"ignored" not in errors
    assert server.requests[0].has_closed()


def test_help_that_nobody_reads_is_quiet(env: dict[str, str]) -> None:
    env = {**env, "PYTHONUNBUFFERED": ""}
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, "--help"], env=env, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (1, b"")


def test_no_space_for_the_answer_is_one_line_and_ends_the_stream(
    buffering: dict[str, str], server: Server
) -> None:
    server.play(Script([start(), delta("lost"), Hold()]))
    with open("/dev/full", "wb") as full:
        done = ask(buffering, "hi", stdout=full)
    assert done.returncode == 1
    assert one_line(done.stderr) == (
        "notebook-stream: standard output cannot be used (No space left on device)."
    )
    assert server.requests[0].has_closed()


def one_line(stderr: str) -> str:
    """The one line that says what is wrong."""
    assert "Traceback" not in stderr
    assert "ignored" not in stderr
    (line,) = [line for line in stderr.splitlines() if line.startswith("notebook-stream: ")]
    return line


def test_no_space_for_the_footer_costs_nothing(buffering: dict[str, str]) -> None:
    with open("/dev/full", "wb") as full:
        done = ask(buffering, "hi", stderr=full)
    assert (done.returncode, done.stdout) == (0, "Hello, world.\n")


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_an_answer_needs_standard_output_alone(env: dict[str, str], closed: str) -> None:
    done = in_shell(env, f'ask "hi" {closed}')
    assert (done.returncode, done.stdout) == (0, "Hello, world.\n")


def in_shell(env: dict[str, str], line: str) -> subprocess.CompletedProcess[str]:
    """Run the command by a line of the shell's."""
    program = f"{sys.executable} -m notebook_stream"
    return subprocess.run(
        ["sh", "-c", f"{program} {line}"],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_without_standard_output_nothing_is_sent(
    env: dict[str, str], server: Server, closed: str
) -> None:
    done = in_shell(env, f'ask "hi" {closed}')
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if "2>" not in closed:
        assert "it is closed" in one_line(done.stderr)
    assert not server.requests


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_no_encoding_costs_an_answer(env: dict[str, str], server: Server, encoding: str) -> None:
    server.play(Script([start("cläude-🌊"), delta("naïve — "), delta("🌊"), end()]))
    done = ask({**env, "PYTHONIOENCODING": encoding}, "hi", text=False)
    assert done.returncode == 0
    shown = "naïve — 🌊\n".encode(encoding, "backslashreplace")
    assert done.stdout == shown
    assert b"12 out" in done.stderr


def test_a_terminal_gets_nothing_but_text(env: dict[str, str], server: Server) -> None:
    server.play(hostile_answer())
    shown, status = in_terminal(env, "ask", "hi")
    assert status == 0
    assert shown.count("52;c;cm0gLXJmIH4=") == 6  # twice in each copy, the third in the footer
    assert not controls_in(without_dimming(shown))


def test_a_pipe_gets_the_text_as_it_is(env: dict[str, str], server: Server) -> None:
    server.play(hostile_answer())
    assert ask(env, "hi", text=False).stdout.decode() == HOSTILE * 2 + "\n"


def test_what_a_server_says_is_no_command_to_a_terminal(
    env: dict[str, str], server: Server
) -> None:
    server.play(refusal(400, HOSTILE[:200], HOSTILE[:200]), Script([b"x"]))
    for _ in range(2):
        shown, status = in_terminal(env, "ask", "hi")
        assert status == 1
        assert "notebook-stream: " in shown
        assert not controls_in(without_dimming(shown))


def test_notebooks_are_no_command_to_a_terminal(env: dict[str, str], tmp_path: Path) -> None:
    facts = {"notebook_stream": {"model": HOSTILE, "usage": {"input_tokens": 7}}}
    cell = {"cell_type": "code", "outputs": [{"output_type": "display_data", "metadata": facts}]}
    name = "\x1b]52;c;eA==\x07\u202e"
    (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / f"{name}broken.ipynb").write_text("{")
    for form in ([], ["--csv"], ["--json"]):
        shown, status = in_terminal(env, "usage", str(tmp_path), *form)
        assert status == 0
        assert "52;c;eA==" in shown
        assert "skipped" in shown
        assert not controls_in(shown)
    shown, status = in_terminal(env, "usage", str(tmp_path / name))
    assert status == 1
    assert not controls_in(shown)


ENDINGS = {"tool_use": 0, "max_tokens": 3, "a_new_one": 3, "refusal": 4}


@pytest.mark.parametrize("reason", ENDINGS)
def test_the_exit_status_says_how_an_answer_ended(
    env: dict[str, str], server: Server, reason: str
) -> None:
    server.play(answer("what came", stop_reason=reason))
    done = ask(env, "hi")
    assert (done.returncode, done.stdout) == (ENDINGS[reason], "what came\n")


def test_a_lost_connection_is_a_failure(env: dict[str, str], server: Server) -> None:
    server.play(Script([start(), delta("what came"), Drop]))
    done = ask(env, "hi")
    assert (done.returncode, done.stdout) == (1, "what came\n")


@pytest.mark.parametrize("command", [[], ["ask"], ["usage"]])
def test_help_lists_the_exit_statuses(env: dict[str, str], command: list[str]) -> None:
    env = {**env, "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(
        [*COMMAND, *command, "--help"], env=env, capture_output=True, text=True, check=True
    )
    _, _, statuses = done.stdout.partition("exit status:\n")
    listed = {line.split()[0] for line in statuses.splitlines() if line[2:3].isdigit()}
    assert listed == {"0", "1", "2", "3", "4", "130"}


def test_the_prompt_may_come_from_standard_input(env: dict[str, str], server: Server) -> None:
    assert ask(env, input="What is\nthis?\n").returncode == 0
    assert ask(env, "-", input="A dash\n").returncode == 0
    assert ask(env, "About this:", input="a\n\nb\n").returncode == 0
    assert ask(env, "Nothing more", input="\n").returncode == 0
    prompts = [request.prompt for request in server.requests]
    assert prompts == ["What is\nthis?", "A dash", "About this:\n\na\n\nb", "Nothing more"]


def test_a_file_may_be_standard_input(env: dict[str, str], server: Server, tmp_path: Path) -> None:
    path = tmp_path / "prompt.txt"
    path.write_bytes(b"\xef\xbb\xbf" + "größer".encode() + b"\r\n")
    for arguments in ([], ["-"], ["Translate:"]):
        with path.open("rb") as file:
            assert ask(env, *arguments, stdin=file).returncode == 0
    prompts = [request.prompt for request in server.requests]
    assert prompts == ["größer", "größer", "Translate:\n\ngrößer"]


def test_standard_input_may_be_longer_than_any_argument(
    env: dict[str, str], server: Server
) -> None:
    prompt = "word " * 40_000 + "end"
    assert ask(env, input=prompt).returncode == 0
    assert server.requests[0].prompt == prompt


@pytest.mark.parametrize(
    ("arguments", "data", "words"),
    [
        ([], b"", "type: cat FILE"),
        (["-"], b" \n", "type: cat FILE"),
        ([], b"caf\xe9", "byte 0xe9 at 3"),
        (["About this:"], b"caf\xe9", "iconv"),
    ],
)
def test_standard_input_that_is_no_prompt_is_one_line(
    env: dict[str, str], server: Server, arguments: list[str], data: bytes, words: str
) -> None:
    done = ask(env, *arguments, input=data, text=False)
    assert done.returncode == 2
    assert words in one_line(done.stderr.decode())
    assert not server.requests


def test_no_prompt_and_no_standard_input_is_one_line(env: dict[str, str], server: Server) -> None:
    done = ask(env)
    assert done.returncode == 2
    assert "type: notebook-stream ask" in one_line(done.stderr)
    shown, status = in_terminal(env, "ask")
    assert status == 2
    assert "type: notebook-stream ask" in shown
    assert not server.requests


def test_a_prompt_can_be_typed(env: dict[str, str], server: Server) -> None:
    with terminal_of(env, *COMMAND[1:], "ask", "-") as terminal:
        terminal.expect_exact("Ctrl-D")
        terminal.sendline("What is this?")
        terminal.sendeof()
        terminal.expect_exact("Hello, world.")
        terminal.expect(pexpect.EOF)
    assert server.requests[0].prompt == "What is this?"


def test_a_pipe_that_stays_open_and_silent_is_waited_for_with_a_word(
    env: dict[str, str], server: Server
) -> None:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with asking(env, "About this:", text=True, **pipes) as running:
        line = pipe_of(running.stderr).readline()
        assert "waiting for the end of standard input" in line
        assert "< /dev/null" in line
        assert not server.requests
        shown, _ = running.communicate("late", DEADLINE_SECONDS)
    assert (running.returncode, shown) == (0, "Hello, world.\n")
    assert server.requests[0].prompt == "About this:\n\nlate"


def test_ctrl_c_ends_the_wait_for_standard_input(env: dict[str, str], server: Server) -> None:
    pipes = dict.fromkeys(("stdin", "stderr"), subprocess.PIPE)
    with asking(env, "hi", text=True, **pipes) as running:
        assert "waiting" in pipe_of(running.stderr).readline()
        running.send_signal(signal.SIGINT)
        assert running.wait(DEADLINE_SECONDS) == 130
        assert pipe_of(running.stderr).read() == ""
    assert not server.requests


@pytest.mark.parametrize("arguments", [[], ["demmo"], ["ask", "a", "b"], ["usage"]])
def test_a_mistake_in_the_command_is_one_line(arguments: list[str]) -> None:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--help" in one_line(done.stderr)


def test_an_answer_that_was_cut_says_so(env: dict[str, str], server: Server) -> None:
    server.play(Script([start(), delta("cut"), end(stop_reason="max_tokens")]))
    assert "raise --max-tokens" in ask(env, "hi").stderr


def test_no_key_is_one_line(env: dict[str, str]) -> None:
    done = ask({k: v for k, v in env.items() if k != "ANTHROPIC_API_KEY"}, "hi")
    assert (done.returncode, done.stdout) == (2, "")
    assert "ANTHROPIC_API_KEY" in done.stderr


@pytest.fixture
def ipython(env: dict[str, str]) -> Iterator[pexpect.spawn]:
    """IPython in a terminal, the extension loaded."""
    command = ["-m", "IPython", "--no-banner", "--simple-prompt", "--colors=NoColor"]
    with terminal_of({**env, "TERM": "dumb"}, *command) as terminal:
        terminal.expect_exact("In [1]: ")
        terminal.sendline("%load_ext notebook_stream")
        terminal.expect_exact("In [2]: ")
        yield terminal


@pytest.fixture
def console(env: dict[str, str]) -> Iterator[pexpect.spawn]:
    """`jupyter console`, the extension loaded."""
    command = ["-m", "jupyter_console", "--simple-prompt", "--ZMQTerminalInteractiveShell.banner="]
    with terminal_of({**env, "TERM": "dumb"}, *command) as terminal:
        terminal.expect_exact("In [1]: ")
        terminal.sendline("%load_ext notebook_stream")
        terminal.expect_exact("In [2]: ")
        yield terminal


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


def test_ipython_in_a_terminal_gets_nothing_but_text(
    ipython: pexpect.spawn, server: Server
) -> None:
    server.play(hostile_answer())
    ipython.sendline("%claude hi")
    ipython.expect_exact("12 out")
    assert not controls_in(without_dimming(ipython.before.replace("\r\n", "\n")))
    ipython.expect_exact("In [3]: ")


def test_ipython_whose_output_is_ascii_loses_no_answer(env: dict[str, str], server: Server) -> None:
    server.play(answer("naïve ", "🌊"))
    code = "get_ipython().run_line_magic('claude', 'hi'); print(ascii(str(claude_reply)))"
    command = [sys.executable, "-m", "IPython", "--ext=notebook_stream", "-c", code]
    env = {**env, "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    assert "na\\xefve \\U0001f30a\n" in done.stdout
    assert "'na\\xefve \\U0001f30a'" in done.stdout
    assert "Error" not in done.stdout + done.stderr


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
    assert server.requests[0].has_closed()


def test_jupyter_console_streams_text_and_keeps_the_partial(
    console: pexpect.spawn, server: Server
) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    console.sendline("%claude go on")
    console.expect_exact("partial")
    console.sendintr()
    console.expect_exact("KeyboardInterrupt: interrupted")
    console.expect_exact("In [3]: ")
    console.sendline("print([claude_reply, claude_reply.stop_reason])")
    console.expect_exact("['partial', 'interrupted']")
    assert server.requests[0].has_closed()


def test_jupyter_console_gets_nothing_but_text(console: pexpect.spawn, server: Server) -> None:
    server.play(hostile_answer(), refusal(400, HOSTILE[:100], HOSTILE[:100]))
    console.sendline("%claude hi")
    console.expect_exact("12 out")
    assert not controls_in(console.before.replace("\r\n", "\n"))
    console.expect_exact("In [3]: ")
    console.sendline("%claude hi")
    console.expect_exact("In [4]: ")
    assert "RefusedError" in console.before
    assert not controls_in(console.before.replace("\r\n", "\n"))


def test_demo_into_what_is_no_folder_is_one_line(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("file", "file/below"):
        done = subprocess.run(
            [*COMMAND, "demo", "--folder", folder],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        assert done.returncode == 2
        assert "--folder" in one_line(done.stderr)


def test_demo_opens_a_copy_of_its_own(env: dict[str, str], tmp_path: Path) -> None:
    arguments = [*COMMAND[1:], "demo", "--no-browser"]
    with terminal_of(env, *arguments, cwd=str(tmp_path)) as demo:
        demo.expect(r"http://\S+/lab/tree/quickstart\.ipynb\?token=\w+")
        demo.kill(signal.SIGTERM)
        demo.expect(pexpect.EOF)
    copy = tmp_path / "notebook_stream_demo" / "quickstart.ipynb"
    assert json.loads(copy.read_text())["cells"]


def test_demo_never_writes_over_the_persons_copy(tmp_path: Path) -> None:
    copy = copy_notebooks(tmp_path / "new" / "folder")
    copy.write_text("mine")
    assert copy_notebooks(copy.parent).read_text() == "mine"
