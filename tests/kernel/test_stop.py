"""Stop and interrupt, at every moment and from every kind of page."""

from __future__ import annotations

import pytest

from ..loopback import Hold, Pause, Script, Server, Step, answer, delta, end, event, start
from .kernel import Kernel
from .test_cells import shown

PAGES = pytest.mark.parametrize("page", ["main", "subshell"])
"""A page that sends its clicks to the main shell (VS Code, nbclassic), or to a subshell (JupyterLab)."""


def click(kernel: Kernel, page: str) -> None:
    if page == "subshell" and not kernel.has_subshells:
        pytest.skip("ipykernel 6 has no subshells")
    kernel.click_stop(subshell=page == "subshell")


@pytest.mark.every_kernel
@PAGES
def test_stop_by_click_keeps_the_partial_and_goes_on(
    kernel: Kernel, server: Server, page: str
) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    cell = kernel.send("%%claude poem\nGo.")
    after = kernel.send("print('next:', poem, poem.stop_reason, poem.complete)")
    server.wait_for_request()
    kernel.until(lambda: kernel.views() and kernel.painted(kernel.views()[0]))
    click(kernel, page)
    assert server.requests[0].has_closed()
    assert server.requests[0].client_left
    assert kernel.wait(cell).ok
    assert kernel.wait(after).stdout == "next: partial stopped False\n"
    assert shown(cell).startswith("partial\n\n**Stopped** <small>")
    assert "**Stopped** <small>" in shown(cell)


def test_a_recording_of_an_interrupted_cell_lets_the_next_cell_run(
    kernel: Kernel, server: Server
) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    cell = kernel.send("%%claude poem --record stream.txt\nGo.")
    server.wait_for_request()
    kernel.until(lambda: kernel.views() and "partial" in str(kernel.painted(kernel.views()[0])))
    kernel.interrupt()
    assert not kernel.wait(cell).ok
    cell = kernel.send("%%claude again --replay stream.txt\nGo.")
    after = kernel.send("print('next:', again, again.stop_reason)")
    assert kernel.wait(cell).ok
    assert kernel.wait(after).stdout == "next: partial stopped\n"
    assert shown(cell).startswith("partial\n\n**Stopped** <small>")
    cell = kernel.run("%%claude again --replay stream.txt --model opus\nStop.")
    assert "This recording was made with another prompt ('Go.') and another model" in shown(cell)


BLOCKING = {
    "ask": "import notebook_stream\nx = notebook_stream.ask('hi')",
    "by hand": "magic = get_ipython().run_cell_magic\nmagic('claude', 'x', 'hi')",
    "time": "%%time\nx = %claude hi",
    "run": "%run other.ipynb",
    "run_cell": "get_ipython().run_cell('x = %claude hi');",
}


@PAGES
@pytest.mark.parametrize("way", BLOCKING)
def test_a_blocking_call_can_be_stopped_by_click(
    kernel: Kernel, server: Server, way: str, page: str
) -> None:
    kernel.run(OTHER_NOTEBOOK)
    server.play(Script([start(), delta("partial"), Hold()]))
    cell = kernel.send(BLOCKING[way])
    behind = [kernel.send(f"print({n}, x.stop_reason)") for n in range(3)]
    server.wait_for_request()
    click(kernel, page)
    assert server.requests[0].has_closed()
    assert kernel.wait(cell).ok
    assert [kernel.wait(one).stdout for one in behind] == [f"{n} stopped\n" for n in range(3)]
    assert "partial" in shown(cell)


OTHER_NOTEBOOK = """
import nbformat.v4 as v4, nbformat
nbformat.write(v4.new_notebook(cells=[v4.new_code_cell('%%claude x\\nhi')]), 'other.ipynb')
"""

MOMENTS: dict[str, list[Step]] = {
    "before the first byte": [Hold()],
    "before the first token": [start(), Hold()],
    "while it thinks": [
        start(),
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Hm"}),
        Hold(),
    ],
    "during a stall": [start(), delta("partial"), Hold()],
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_click_twice_at_any_moment(kernel: Kernel, server: Server, moment: str) -> None:
    server.play(Script(MOMENTS[moment]))
    cell = kernel.send("%%claude poem\nGo.")
    server.wait_for_request()
    if moment == "during a stall":
        kernel.until(lambda: kernel.views() and "partial" in str(kernel.painted(kernel.views()[0])))
    kernel.click_stop()
    kernel.click_stop()
    assert server.requests[0].has_closed()
    assert kernel.wait(cell).ok
    kernel.click_stop()
    text = "partial" if moment == "during a stall" else ""
    assert kernel.value("(poem, poem.stop_reason)") == repr((text, "stopped"))
    assert "**Stopped** <small>" in shown(cell)
    assert not cell.stderr


def test_clicks_around_the_end_never_hurt(kernel: Kernel, server: Server) -> None:
    for n in range(8):
        server.play(answer("who", "le", pause=0.001 * n))
        cell = kernel.send("%%claude poem\nGo.")
        server.wait_for_request(n + 1)
        kernel.click_stop()
        assert kernel.wait(cell).ok
        assert kernel.value("poem == 'whole' or poem.stop_reason == 'stopped'") == "True"
        assert "Error" not in cell.stderr


@pytest.mark.colab
@pytest.mark.parametrize("text", ["partial", ""])
def test_interrupt_keeps_the_partial_in_one_line(kernel: Kernel, server: Server, text: str) -> None:
    server.play(Script([start(), *([delta(text)] if text else []), Hold()]))
    cell = kernel.send("%%claude poem\nGo.")
    after = kernel.send("print('never')")
    server.wait_for_request()
    kernel.until(lambda: kernel.views() and kernel.painted(kernel.views()[0]))
    kernel.interrupt()
    assert server.requests[0].has_closed()
    kernel.wait(cell)
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert len(cell.error["traceback"]) == 1
    assert "\n" not in cell.error["traceback"][0]
    kernel.until(lambda: after.reply)
    assert after.reply is not None
    assert after.reply["status"] == "aborted"
    assert kernel.value("(poem, poem.stop_reason)") == repr((text, "interrupted"))
    assert "**Interrupted**" in shown(cell)


@pytest.mark.parametrize(
    "code", ["%%claude x\nhi", "import notebook_stream\nx = notebook_stream.ask('hi')"]
)
def test_more_interrupts_change_nothing(kernel: Kernel, server: Server, code: str) -> None:
    server.play(Script([start(), delta("*long* `text`\n\n" * 20_000), Hold()]))
    cell = kernel.send(code)
    server.wait_for_request()
    kernel.until(kernel.views)
    kernel.until(lambda: any(one["tokens"] for one in kernel.painted(kernel.views()[0])))
    kernel.interrupt()
    assert server.requests[0].has_closed()
    for _ in range(3):
        kernel.interrupt()  # while so long an answer is made ready
    kernel.wait(cell)
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert len(cell.error["traceback"]) == 1
    (output,) = cell.outputs
    assert set(output["data"]) == {"text/markdown", "text/plain"}
    kernel.until(lambda: kernel.run("1").ok)
    if code.startswith("%"):
        assert kernel.value("x.stop_reason") == "'interrupted'"


def test_a_slow_start_does_not_hold_up_interrupts(kernel: Kernel, server: Server) -> None:
    server.play(Script([Pause(0.2), start(), Hold()]))
    cell = kernel.send("import notebook_stream\nx = notebook_stream.ask('hi')")
    server.wait_for_request()
    kernel.interrupt()
    kernel.wait(cell)
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert len(cell.error["traceback"]) == 1


COUNT = """
import asyncio, psutil, threading, notebook_stream.background as b
threads = [t for t in threading.enumerate() if t.name != "notebook_stream_work"]  # a pool's, which stay
print(len(psutil.Process().net_connections()), len(threads), len(asyncio.all_tasks()), len(asyncio.all_tasks(b.loop())),
      len(get_ipython().kernel.comm_manager.comms))
"""


@pytest.mark.parametrize("way", ["click", "interrupt", "to the end"])
def test_a_hundred_answers_leave_nothing(kernel: Kernel, server: Server, way: str) -> None:
    kernel.run("%claude hi")
    before = kernel.run(COUNT).stdout
    for n in range(100):
        server.play(
            answer("partial")
            if way == "to the end"
            else Script([start(), delta("partial"), Hold()])
        )
        cell = kernel.send("%claude hi")
        number = n + 2
        kernel.until(lambda: len(kernel.views()) == number)  # noqa: B023 - called at once
        if way == "click":
            kernel.click_stop()
        elif way == "interrupt":
            kernel.until(lambda: kernel.painted(kernel.views()[-1]))
            kernel.interrupt()
        kernel.wait(cell)
    assert kernel.value("str(claude_reply)") in {"'partial'", "''"}
    kernel.until(lambda: kernel.run(COUNT).stdout == before)


@pytest.mark.parametrize(
    "code", ["%%claude x\nhi", "import notebook_stream\nx = notebook_stream.ask('hi')"]
)
def test_a_user_who_nests_loops_hangs_no_cell(kernel: Kernel, server: Server, code: str) -> None:
    kernel.run("import nest_asyncio\nnest_asyncio.apply()")
    server.play(Script([start(), delta("partial"), Hold()]))
    cell = kernel.send(code)
    after = kernel.send("print(x.stop_reason)")
    server.wait_for_request()
    kernel.click_stop()
    assert kernel.wait(cell).ok
    assert kernel.wait(after).stdout == "stopped\n"


def test_two_answers_at_once_in_one_kernel(kernel: Kernel, server: Server) -> None:
    if not kernel.has_subshells:
        pytest.skip("ipykernel 6 has no subshells")
    first, second = Hold(), Hold()
    server.play(
        Script([start(), delta("one"), first, end()]),
        Script([start(), delta("two"), second, end()]),
    )
    one = kernel.send("%%claude x\nhi")
    server.wait_for_request(1)
    two = kernel.send("%%claude y\nhi", subshell_id=kernel.subshell())
    server.wait_for_request(2)
    second.let_go.set()
    assert kernel.wait(two).ok
    assert not one.done
    first.let_go.set()
    assert kernel.wait(one).ok
    assert kernel.value("(x, y)") == "('one', 'two')"
    assert shown(one).startswith("one")
    assert shown(two).startswith("two")


IN_OUTPUT = """
from ipywidgets import Button, Output
from notebook_stream import ask

out, button = Output(), Button()

def on_click(_):
    global x
    with out:
        x = ask("hi")

button.on_click(on_click)
print(button.model_id, end="")
"""


@pytest.mark.every_kernel
@pytest.mark.colab
def test_an_answer_in_an_output_widget_streams_and_stops_by_click(
    kernel: Kernel, server: Server
) -> None:
    server.play(Script([start(), delta("partial"), Hold()]), answer("whole"))
    button = kernel.run(IN_OUTPUT).stdout
    kernel.send_from_page(button, {"event": "click"})
    kernel.until(lambda: any("partial" in str(kernel.painted(view)) for view in kernel.views()))
    view = kernel.views()[-1]
    kernel.send_from_page(view, {"kind": "stop", "answer": 1})
    kernel.until(lambda: kernel.painted(view)[-1]["phase"] == "done")
    assert kernel.value("(x.stop_reason, str(x))") == repr(("stopped", "partial"))
    assert kernel.run("with out:\n    x = ask('hi')").ok
    assert kernel.painted(kernel.views()[-1])[-1]["phase"] == "done"
    assert kernel.value("str(x)") == repr("whole")


def test_an_answer_in_interact_streams(kernel: Kernel, server: Server) -> None:
    server.play(answer("first"), answer("second"))
    made = kernel.run(
        "from ipywidgets import IntSlider, interact\nfrom notebook_stream import ask\n"
        "slider = IntSlider(3)\n_ = interact(lambda n: str(ask(f'{n}?')), n=slider)"
    )
    assert made.ok
    assert kernel.run("slider.value = 4").ok
    assert [request.prompt for request in server.requests] == ["3?", "4?"]
    one, two = (kernel.painted(view)[-1] for view in kernel.views())
    assert "first" in str(one["packets"])
    assert "second" in str(two["packets"])


def test_an_output_widget_gets_the_answer_at_its_end_where_nobody_looks(
    kernel: Kernel, server: Server
) -> None:
    kernel.run(IN_OUTPUT)
    cell = kernel.run("with out:\n    x = ask('hi')", watched=False)
    assert cell.ok
    assert not kernel.views()
    assert kernel.value("str(x)") == "'Hello, world.'"


SLOW = """
import time
def slow():
    for n in range(600):
        print(n, flush=True)
        time.sleep(0.1)
    return "too late"
"""

FILLING_IN = {
    "cell": "%%claude x\n{{ slow() }}",
    "line": "x = %claude {{ slow() }}",
    "chat": "%claude --chat trip {{ slow() }}",
    "blocking": "%%time\nx = %claude {{ slow() }}",
    "ask": "import notebook_stream\nx = notebook_stream.ask('{{ slow() }}', raw=False)",
    "aask": "import notebook_stream\nx = await notebook_stream.aask('{{ slow() }}', raw=False)",
}


@pytest.mark.parametrize("way", FILLING_IN)
def test_an_interrupt_ends_what_a_prompt_is_filled_in_with(
    kernel: Kernel, server: Server, way: str
) -> None:
    kernel.run(SLOW)
    cell = kernel.send(FILLING_IN[way])
    kernel.until(lambda: cell.stdout)
    kernel.interrupt()
    kernel.wait(cell)
    assert cell.error["ename"] == "KeyboardInterrupt"
    (line,) = cell.error["traceback"]
    assert line == (
        "KeyboardInterrupt: interrupted while the prompt's {{ }} were filled in; nothing was sent."
    )
    assert not server.requests
    kernel.until(lambda: kernel.run("1").ok)
    server.play(Script([start(), delta("partial"), Hold()]))
    after = kernel.send("%%claude x\nhi")
    server.wait_for_request()
    kernel.until(lambda: kernel.views() and kernel.painted(kernel.views()[-1]))
    kernel.interrupt()
    kernel.wait(after)
    assert kernel.value("(x, x.stop_reason)") == "('partial', 'interrupted')"
    assert kernel.run("1").ok
