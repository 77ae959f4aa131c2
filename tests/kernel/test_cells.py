"""Cells in a real kernel against a real server."""

from __future__ import annotations

import json
import re

import pytest

from ..loopback import Drop, Hold, Script, Server, answer, delta, end, event, refusal, start
from .kernel import Cell, Kernel

pytestmark = pytest.mark.one_kernel


def shown(cell: Cell) -> str:
    """The one output's Markdown."""
    (output,) = cell.outputs
    return str(output["data"]["text/markdown"])


@pytest.mark.colab
def test_a_cell_streams_binds_its_name_and_leaves_markdown(kernel: Kernel, server: Server) -> None:
    server.play(answer("# Title\n\n", "Some **bold** ", "text.", pause=0.08))
    cell = kernel.run("%%claude poem\nWrite a poem.")
    assert cell.ok
    assert kernel.value("poem") == repr("# Title\n\nSome **bold** text.")
    assert kernel.value("type(poem).__name__") == "'Reply'"
    assert server.requests[0].prompt == "Write a poem.\n"
    (output,) = cell.outputs
    assert set(output["data"]) == {"text/markdown", "text/plain"}
    assert output["data"]["text/markdown"].startswith("# Title\n\nSome **bold** text.\n\n<small>")
    assert output["data"]["text/plain"].startswith("Title\n\nSome bold text.\n\nclaude-sonnet-5-5")
    for part in ("25 in", "12 out", "first token", " s"):
        assert part in output["data"]["text/markdown"]
    assert "end_turn" not in output["data"]["text/markdown"]


def test_the_view_grows_while_the_cell_runs(kernel: Kernel, server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("One.\n\n"), delta("Two."), hold]))
    cell = kernel.send("%%claude\nGo.")
    kernel.until(lambda: cell.outputs)
    (first,) = cell.outputs
    assert "application/vnd.jupyter.widget-view+json" in first["data"]
    assert "■" in first["data"]["text/markdown"]
    assert "claude_reply" in first["data"]["text/plain"]
    view = kernel.views()[0]
    kernel.until(lambda: any("Two." in str(m["packets"]) for m in kernel.painted(view)))
    assert not cell.done
    kernel.click_stop()
    assert kernel.wait(cell).ok


OF_AN_ANSWER = (
    "Answer",
    "AnswerDraft",
    "RoundDraft",
    "LiveView",
    "LiveWidget",
    "Reader",
    "Reply",
    "Round",
    "Timeline",
)


def test_nothing_of_an_answer_stays_once_its_variable_is_gone(kernel: Kernel) -> None:
    kernel.run("%%claude poem\nGo.")
    kernel.run("%%time\n%%claude poem\nGo.")
    kernel.run("del poem")
    kernel.run("import gc; gc.collect()")
    kernel.run("names = [type(one).__qualname__ for one in gc.get_objects()]")
    left = [name for name in OF_AN_ANSWER if kernel.value(f"{name!r} in names") == "True"]
    assert not left


def test_metadata_holds_the_usage_and_no_secret(kernel: Kernel, server: Server) -> None:
    cell = kernel.run("%%claude poem --system sssecret\nHi")
    (output,) = cell.outputs
    facts = output["metadata"]["notebook_stream"]
    assert set(facts) == {
        "version", "name", "model", "stop_reason", "complete", "usage", "cost_usd", "seconds",
        "first_token_seconds", "request_id", "chat",
    }  # fmt: skip
    assert facts["usage"] == {"input_tokens": 25, "output_tokens": 12}
    assert (facts["name"], facts["complete"], facts["stop_reason"]) == ("poem", True, "end_turn")
    assert facts["cost_usd"] == pytest.approx((25 * 2 + 12 * 10) / 1e6)
    assert "sssecret" not in json.dumps(output)
    assert "sk-ant-test" not in json.dumps([m["content"] for m in kernel.messages])


@pytest.mark.parametrize(
    ("script", "ending", "error", "words"),
    [
        (refusal(401, "authentication_error", "invalid key"), "error", "RefusedError", "key"),
        (refusal(404, "not_found_error", "model: x"), "error", "RefusedError", "--model"),
        (Script([start(), delta("part"), Drop]), "connection_lost", "ConnectionLostError", "lost"),
        (Script([start(), delta("part")]), "connection_lost", "ConnectionLostError", "ended"),
    ],
)
def test_a_fault_is_one_sentence_and_keeps_what_came(
    kernel: Kernel, server: Server, script: Script, ending: str, error: str, words: str
) -> None:
    server.play(script)
    cell = kernel.run("%%claude poem\nGo.")
    assert cell.error["ename"] == error
    (line,) = cell.error["traceback"]
    assert "\n" not in line
    assert words in line
    text = "part" if script.status == 200 else ""
    assert kernel.value("(poem, poem.stop_reason)") == repr((text, ending))
    sentence = line.rpartition(": ")[2]
    assert sentence not in shown(cell)  # It is shown once.
    assert ending.replace("_", " ").capitalize() in shown(cell)
    assert (
        kernel.value(
            "issubclass(__import__('sys').last_type, __import__('notebook_stream').ClaudeError)"
        )
        == "True"
    )


def test_overload_is_tried_again_and_then_reported(kernel: Kernel, server: Server) -> None:
    server.play(*[refusal(529, "overloaded_error", "Overloaded")] * 3)
    cell = kernel.run("%%claude poem\nGo.")
    assert "overloaded" in cell.error["traceback"][0]
    assert len(server.requests) == 3
    assert kernel.value("poem") == "''"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%%claude poem\n", "empty"),
        ("%%claude poem\n  \n", "empty"),
        ("%claude", "empty"),
        ("%%claude 1x\nGo", "'1x'"),
        ("%%claude class\nGo", "'class'"),
        ("%%claude poem --frobnicate\nGo", "'--frobnicate'"),
        ("%%claude poem --model\nGo", "--model"),
        ("%%claude poem --model nosuch\nGo", "'nosuch'"),
        ("%%claude poem\nGo {{ nowhere }}", "'nowhere'"),
        ("%%claude poem\nGo {{ 1/0 }}", "ZeroDivisionError"),
        ("%%claude poem\nGo {{ a b }}", "not a Python expression"),
        ("%%claude poem --max-tokens 0\nGo", "'0'"),
        ("%%claude poem --max-tokens many\nGo", "'many'"),
        ("%%claude poem --replay missing.txt\nGo", "missing.txt"),
        ("%%claude poem --record nowhere/file.txt\nGo", "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence_and_sends_nothing(
    kernel: Kernel, server: Server, code: str, words: str
) -> None:
    kernel.run("poem = 'mine'")
    cell = kernel.run(code)
    assert not cell.ok
    assert cell.stderr.startswith("UsageError: ")
    assert cell.stderr.strip().count("\n") == 0
    assert words in cell.stderr
    assert not server.requests
    assert not cell.outputs
    assert kernel.value("poem") == "'mine'"


def test_a_missing_key_is_one_sentence(kernel: Kernel, server: Server) -> None:
    kernel.run("import os; del os.environ['ANTHROPIC_API_KEY']")
    cell = kernel.run("%%claude poem\nGo")
    assert "ANTHROPIC_API_KEY" in cell.stderr
    assert "%claude_demo" in cell.stderr
    assert not server.requests
    assert not kernel.run("poem").ok


CALLS = {
    "time": "%%time\nx = %claude hi",
    "time of a cell magic": "%%time\n%%claude x\nhi",
    "timeit": "%%timeit -r1 -n1\n%claude hi",
    "capture": "%%capture\nx = %claude hi",
    "def": "def f():\n    y = %claude hi\n    return y\nx = f()",
    "lambda": "x = (lambda: get_ipython().run_line_magic('claude', 'hi'))()",
    "comprehension": "x = [get_ipython().run_line_magic('claude', 'hi') for _ in range(2)][0]",
    "loop": "for i in range(2):\n    x = %claude hi",
    "with await": "import asyncio\nawait asyncio.sleep(0)\nx = %claude hi",
    "two in a cell": "y = %claude hi\nx = %claude hi again",
    "after a string": 's = """\n%claude not me\n"""\nx = %claude hi',
    "by hand": "x = get_ipython().run_line_magic('claude', 'hi')",
    "run_cell": "get_ipython().run_cell('x = %claude hi')",
    "run_cell of a cell magic": "get_ipython().run_cell('%%claude x\\nhi')",
    "ask": "import notebook_stream\nx = notebook_stream.ask('hi')",
    "aask": "import notebook_stream\nx = await notebook_stream.aask('hi')",
    "class": "class A:\n    x = %claude hi\nx = A.x",
}


@pytest.mark.parametrize("name", CALLS)
def test_every_way_to_call_gives_the_answer(kernel: Kernel, server: Server, name: str) -> None:
    cell = kernel.run(CALLS[name])
    assert cell.ok, cell.reply
    assert "Error" not in cell.stderr
    assert server.requests[0].prompt.strip() == "hi"
    expression = "claude_reply" if name == "timeit" else "x"
    assert kernel.value(f"str({expression})") == "'Hello, world.'"


@pytest.mark.parametrize("magic", ["%%time", "%%capture"])
@pytest.mark.parametrize("prompt", ["Say hi :(", "It's late", 'What is """?', "  a\n b"])
def test_prompts_that_are_no_python_end_without_an_error(
    kernel: Kernel, server: Server, magic: str, prompt: str
) -> None:
    cell = kernel.run(f"{magic}\n%%claude x\n{prompt}\n")
    assert cell.ok, cell.error
    assert server.requests[0].prompt == f"{prompt}\n"
    assert kernel.value("str(x)") == "'Hello, world.'"


def test_a_semicolon_silences_a_cell_that_is_timed_as_it_does_without_the_extension(
    kernel: Kernel,
) -> None:
    def shown() -> list[int]:
        return [len(kernel.run(f"%%time\n1 + 1{end}").outputs) for end in ("", ";")]

    loaded = shown()
    kernel.run("%unload_ext notebook_stream")
    assert loaded == shown()  # [1, 0]; [1, 1] in IPython 7, where a semicolon silences no magic.


def test_autoawait_off_gives_the_answer(kernel: Kernel, server: Server) -> None:
    kernel.run("%autoawait off")
    assert kernel.run("%%claude x\nhi").ok
    assert kernel.value("str(x)") == "'Hello, world.'"


@pytest.mark.parametrize(
    "prompt",
    ["What is Python?", 'it\'s $5, {x} and "quotes"', "a %timeit ?? !ls `x` \\n", "ünï — 日本 🎉"],
)
def test_a_line_reaches_claude_as_typed(kernel: Kernel, server: Server, prompt: str) -> None:
    kernel.run("x = 1")
    assert kernel.run(f"%claude {prompt}").ok
    assert server.requests[0].prompt == prompt


ENDS_NO_LINE = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What `str.splitlines` takes for the end of a line, and Python does not."""


def test_prompts_arrive_as_typed_whatever_ends_a_line_elsewhere(
    kernel: Kernel, server: Server
) -> None:
    prompt = f"a{ENDS_NO_LINE}b"
    body = f">>> 1 + 1\n   \n{prompt}\n    c\r\n"
    assert kernel.run(f"%claude {prompt}").ok
    assert kernel.run(f"def f():\n    %claude {prompt}\nf()").ok
    assert kernel.run(f"s = 'x\u2028\x85y'; x = 1\ny = %claude {prompt}\n").ok
    assert kernel.run(f"%%claude x\n{body}").ok
    assert kernel.run(f"%%time\n%%claude x\n{prompt}\n").ok
    prompts = [request.prompt for request in server.requests]
    assert prompts == [prompt, prompt, prompt, body, f"{prompt}\n"]
    assert kernel.value("s") == repr("x\u2028\x85y")


def test_names_are_read_as_python_reads_them(kernel: Kernel, server: Server) -> None:
    typed = "re\u0301sume\u0301"
    assert kernel.run(f"%%claude {typed}\nhi").ok
    assert kernel.run(f"%claude --chat {typed}_chat hi").ok
    assert (
        kernel.value("(str(r\u00e9sum\u00e9), len(r\u00e9sum\u00e9_chat.turns))")
        == "('Hello, world.', 1)"
    )
    assert "is whole" in kernel.run(f"%claude_continue {typed}").stderr
    assert kernel.run(f"%claude --chat {typed}_chat {{{{ {typed}.upper() }}}}").ok
    assert server.requests[-1].prompt == "HELLO, WORLD."
    assert kernel.value(f"len({typed}_chat.turns)") == "2"


RESERVED = [
    "get_ipython", "In", "Out", "_", "__", "___", "_5", "_i", "_ii", "_i5", "_oh", "_dh", "_ih",
    "exit", "quit", "display", "print", "list", "__name__", "__builtins__", "\uff49nput",
]  # fmt: skip


def test_names_of_python_and_ipython_are_refused(kernel: Kernel, server: Server) -> None:
    for name in RESERVED:
        for code in (
            f"%%claude {name}\nhi",
            f"%claude --chat {name} hi",
            f"%claude_continue {name}",
        ):
            cell = kernel.run(code)
            assert f"{name!r} is a name that Python or IPython uses itself; write " in cell.stderr
            assert cell.stderr.strip().count("\n") == 0
    assert not server.requests
    assert kernel.run("%claude hi").ok


def test_what_is_left_out_of_a_prompt_is_said_below_the_answer(
    kernel: Kernel, server: Server
) -> None:
    kernel.run("import pandas as pd\ndf = pd.DataFrame({'n': range(100_000)})")
    assert kernel.run("%%claude x\nSum {{ df.head(200) }}").ok
    whole = "".join(f"\n{n},{n}" for n in range(200))
    assert server.requests[0].prompt == f"Sum ,n{whole}\n"
    first = kernel.run("%%claude x\nSum {{ df }}")
    second = kernel.run("%claude --chat trip Sum {{ df }}")
    third = kernel.run("from notebook_stream import ask\nz = ask('Sum {{ df }}', raw=False)")
    for cell, request in zip((first, second, third), server.requests[1:], strict=True):
        (words,) = re.findall(
            r"\[… left out here: (.* of 100,000 rows were sent) …\]", request.prompt
        )
        assert f"df: {words}." in str(cell.outputs[0]["data"]["text/plain"])
    refused = kernel.run("%%claude x\nOn {{ (n for n in df) }}")
    assert "is a generator, whose text is only its address; write {{ list(" in refused.stderr
    assert len(server.requests) == 4


def test_a_value_is_shown_once_and_again_in_a_later_cell(kernel: Kernel) -> None:
    assert len(kernel.run("%claude hi").outputs) == 1
    assert len(kernel.run("%claude hi", watched=False).outputs) == 1
    assert len(kernel.run("x = %claude hi\nx").outputs) == 1
    assert len(kernel.run("%%claude y\nhi").outputs) == 1
    (later,) = kernel.run("y").outputs
    assert later["data"]["text/markdown"] == "Hello, world."
    assert len(kernel.run("z = %claude hi\ndisplay(z)").outputs) == 2


@pytest.mark.colab
def test_interpolation_fills_in_once(kernel: Kernel, server: Server) -> None:
    kernel.run("topic = '{{ secret }}'; secret = 'no'")
    kernel.run('%%claude\nOn {{ topic }}, \\{{ raw }} and {"a": {"b": 1}}.')
    assert server.requests[0].prompt == 'On {{ secret }}, {{ raw }} and {"a": {"b": 1}}.\n'
    kernel.run("def f(inner):\n    return get_ipython().run_line_magic('claude', 'on {{ inner }}')")
    kernel.run("f('me')")
    assert server.requests[1].prompt == "on me"
    kernel.run("%%claude --raw\n{{ nowhere }}")
    assert server.requests[2].prompt == "{{ nowhere }}\n"


def test_a_name_that_held_something_else_is_reported(kernel: Kernel) -> None:
    kernel.run("data = [1, 2]")
    cell = kernel.run("%%claude data\nhi")
    assert "data held a value of type list" in shown(cell)
    assert "held" not in shown(kernel.run("%%claude data\nhi"))


def test_nbclient_gets_no_widget(kernel: Kernel) -> None:
    cell = kernel.run("%%claude x\nhi", watched=False)
    assert cell.ok
    assert not kernel.views()
    assert shown(cell).startswith("Hello, world.")


def test_settings_and_options_reach_the_request(kernel: Kernel, server: Server) -> None:
    kernel.run("%config ClaudeMagics.model = 'opus'\n%config ClaudeMagics.max_tokens = 77")
    kernel.run("%%claude x --system 'be brief'\nhi")
    body = server.requests[0].body
    assert body["model"].startswith("claude-opus-")
    assert (body["max_tokens"], body["system"]) == (77, "be brief")
    kernel.run("%%claude -m claude-haiku-5-5 -t 5 x\nhi")
    assert server.requests[1].body["model"] == "claude-haiku-5-5"
    assert server.requests[1].body["max_tokens"] == 5
    kernel.run("import notebook_stream; notebook_stream.ask('hi')")
    assert server.requests[2].body["max_tokens"] == 77


TRACE = """
ip = get_ipython()
print(
    sum('notebook_stream' in str(getattr(f, '__module__', '')) for f in
        [*ip.input_transformers_cleanup, *ip.input_transformers_post]),
    sum('notebook_stream' in str(getattr(f, '__module__', '')) for e in
        ip.events.callbacks.values() for f in e),
    sum('notebook_stream' in c.semicolon_at_end_of_expression.__module__ for c in
        type(ip.displayhook).__mro__ if hasattr(c, 'semicolon_at_end_of_expression')),
    sum(type(c).__name__ == 'ClaudeMagics' for c in ip.configurables),
    sum('claude' in n for n in [*ip.magics_manager.magics['line'], *ip.magics_manager.magics['cell']]),
    'ClaudeMagics' in ip.magics_manager.registry,
)
"""


@pytest.mark.colab
def test_reload_leaves_one_trace_and_unload_none(kernel: Kernel, server: Server) -> None:
    once = kernel.run(TRACE).stdout
    kernel.run("%reload_ext notebook_stream")
    kernel.run("%reload_ext notebook_stream")
    assert kernel.run(TRACE).stdout == once
    assert kernel.run("%%claude x\nhi").ok
    kernel.run("%unload_ext notebook_stream")
    assert kernel.run(TRACE).stdout == "0 0 0 0 0 False\n"
    kernel.run("%load_ext notebook_stream")
    assert kernel.run(TRACE).stdout == once
    assert kernel.run("%%claude y\nhi").ok


def test_reload_keeps_the_settings(kernel: Kernel) -> None:
    kernel.run("%claude_demo\n%config ClaudeMagics.model = 'opus'")
    kernel.run("%reload_ext notebook_stream")
    cell = kernel.run(
        "magics = get_ipython().magics_manager.registry['ClaudeMagics']\nprint(magics.demo, magics.model)"
    )
    assert cell.stdout == "True opus\n"


def test_usage_sums_the_session(kernel: Kernel) -> None:
    kernel.run("%claude hi")
    kernel.run("%claude hi")
    (output,) = kernel.run("%claude_usage").outputs
    assert "| claude-sonnet-5-5 | 2 | 50 | 24 |" in output["data"]["text/markdown"]
    kernel.run("used = %claude_usage")
    kernel.run("%claude hi")
    assert kernel.value("used.total.requests") == "2"  # it is of when it was asked for


def test_demo_mode_answers_from_recordings(kernel: Kernel, server: Server) -> None:
    assert "on" in kernel.run("%claude_demo").stdout
    cell = kernel.run("%%claude x\nA prompt that nobody recorded.")
    assert cell.ok
    assert "recorded reply" in shown(cell)
    assert "no recording" in kernel.value("x")
    kernel.run("%claude_demo off")
    assert kernel.run("%%claude x\nhi").ok
    assert len(server.requests) == 1


def test_many_lines_in_one_cell_end_as_static_outputs(kernel: Kernel) -> None:
    cell = kernel.run("for n in range(50):\n    %claude {{ n }}")
    assert cell.ok
    assert [set(output["data"]) for output in cell.outputs] == [
        {"text/markdown", "text/plain"}
    ] * 50


def test_gathered_answers_each_have_a_view(kernel: Kernel, server: Server) -> None:
    server.play(*[answer("a", pause=0.1) for _ in range(5)])
    cell = kernel.run(
        "import asyncio, notebook_stream as ns\n"
        "print(await asyncio.gather(*[ns.aask('q') for _ in range(5)]))"
    )
    assert cell.stdout == str(["a"] * 5) + "\n"
    assert len(cell.outputs) == 5


TICKING = """
import asyncio
ticks = []
async def tick():
    while True:
        ticks.append(1)
        await asyncio.sleep(0.01)
ticking = asyncio.ensure_future(tick())
"""


def test_a_cell_awaits_so_that_tasks_of_the_user_go_on(kernel: Kernel, server: Server) -> None:
    kernel.run(TICKING)
    server.play(answer("a", "b", pause=0.2))
    kernel.run("before = len(ticks)")
    kernel.run("%%claude x\nhi")
    assert int(kernel.value("len(ticks) - before")) > 5


def test_a_silent_page_shows_how_to_stop_and_one_that_comes_late_shows_the_view(
    kernel: Kernel, server: Server
) -> None:
    hold = Hold()
    server.play(Script([start(), delta("text"), hold, end()]))
    cell = kernel.send("%%claude poem\nGo.")
    kernel.until(lambda: cell.outputs and "cannot show it live" in shown(cell))
    assert "■" in shown(cell)
    assert "poem" in shown(cell)
    assert set(cell.outputs[0]["data"]) == {"text/markdown", "text/plain"}
    kernel.send_from_page(kernel.views()[0], {"kind": "hello", "have": 0})
    kernel.until(lambda: "application/vnd.jupyter.widget-view+json" in cell.outputs[0]["data"])
    hold.let_go.set()
    assert kernel.wait(cell).ok
    assert shown(cell).startswith("text\n\n<small>")


def test_over_the_budget_nothing_is_sent(kernel: Kernel, server: Server) -> None:
    kernel.run("%config ClaudeMagics.budget = 0.0001")
    kernel.run("%%claude poem\nGo.")  # $0.00017
    assert [request.path for request in server.requests] == [
        "/v1/messages/count_tokens",
        "/v1/messages",
    ]
    refused = kernel.run("%%claude other\nGo.")
    assert "UsageError: the budget of $0.000100 does not allow this: $0.000170" in refused.stderr
    assert [request.path for request in server.requests[2:]] == ["/v1/messages/count_tokens"]
    assert kernel.value("'other' in globals()") == "False"
    in_a_chat = kernel.run("%%claude other --chat trip\nGo.")
    assert "does not allow this" in in_a_chat.stderr
    assert not in_a_chat.outputs
    assert kernel.value("'trip' in globals()") == "False"
    kernel.run("%config ClaudeMagics.budget = 1.0")
    unpriced = kernel.run("%%claude other --model claude-mythos-5\nGo.")
    assert "UsageError: the price of 'claude-mythos-5' is unknown" in unpriced.stderr
    kernel.run("%config ClaudeMagics.allow_unknown_price = True")
    assert kernel.run("%%claude other --model claude-mythos-5\nGo.").ok
    assert kernel.run("%%claude other\nGo.").ok
    (*_, last) = kernel.painted(kernel.views()[-1])
    assert "of $1.00 spent" in last["cost"]


def test_a_cut_answer_goes_on_where_the_model_can(kernel: Kernel, server: Server) -> None:
    old = "claude-opus-4-5"
    server.play(Script([start(model=old), delta("One, two, "), Drop]), answer(" three."))
    cut = kernel.run(f"%%claude poem -m {old}\nCount.")
    assert "or go on from what came with %claude_continue poem." in cut.error["evalue"]
    assert kernel.run("%claude_continue poem").ok
    assert kernel.value("poem") == repr("One, two, three.")
    assert kernel.value("(poem.complete, poem.blocks[0]['text'])") == "(True, 'One, two,')"
    assert server.requests[1].body["messages"] == [
        {"role": "user", "content": "Count.\n"},
        {"role": "assistant", "content": "One, two,"},
    ]
    for code, words in {
        "%claude_continue poem": "is whole",
        "%claude_continue nothing": "holds no answer",
    }.items():
        assert words in kernel.run(code).stderr
    server.play(Script([start(), delta("One"), Drop]))
    kernel.run("%%claude poem\nCount.")
    assert "claude-sonnet-5-5 cannot go on" in kernel.run("%claude_continue poem").stderr
    assert len(server.requests) == 3


def test_a_wait_for_another_try_is_shown_and_can_be_interrupted(
    kernel: Kernel, server: Server
) -> None:
    server.play(refusal(429, "rate_limit_error", "Slow down", **{"retry-after": "600"}))
    cell = kernel.send("%%claude poem\nGo.")
    words = "in a short time (429); trying again, 2 of 3, in 600.0 s"
    kernel.until(lambda: kernel.views() and words in str(kernel.painted(kernel.views()[0])))
    kernel.interrupt()
    kernel.wait(cell)
    assert cell.error["ename"] == "KeyboardInterrupt"
    assert kernel.value("poem.stop_reason") == "'interrupted'"


def test_half_a_character_ends_the_cell_well(kernel: Kernel, server: Server) -> None:
    half = {"type": "tool_use", "id": "t", "name": "f\ud83d", "input": {"\ud83d": "\ud83d"}}
    body = answer("a\ud83d", "\ude00z\ud83d")
    body.steps.insert(-1, event("content_block_start", index=1, content_block=half))
    server.play(body, refusal(400, "invalid_request_error", "no \ud83d"))
    cell = kernel.run("%%claude poem\nGo.")
    assert cell.ok
    refused = kernel.run("%%claude other\nGo.")
    assert "no \ufffd" in refused.error["evalue"]
    assert not refused.stderr
    assert not cell.stderr
    assert shown(cell).startswith("a😀z\n\n<small>**▸ f\ufffd**")


CANARY = "sk-ant-canary-0123456789"


def test_no_key_reaches_the_front_end(kernel: Kernel, server: Server) -> None:
    secrets = {
        "ANTHROPIC_API_KEY": CANARY,
        "ANTHROPIC_CUSTOM_HEADERS": f"x-gateway: {CANARY}-gateway",
        "HTTPS_PROXY": f"http://u:{CANARY}-proxy@127.0.0.1:1",
    }
    kernel.run(f"import os; os.environ.update({secrets})")
    since = len(kernel.messages)
    server.play(
        answer("fine"),
        refusal(401, "authentication_error", f"no {CANARY} or {CANARY}-gateway"),
        Script([start(), delta("par"), event("error", error={"message": f"at {CANARY}-proxy"})]),
    )
    for code in ("%%claude a --record r.txt\nGo.", "%%claude b\nGo.", "%%claude c\nGo.", "vars(a)"):
        kernel.run(code)
    kernel.run("import os; os.environ['ANTHROPIC_API_KEY'] += '\\n'")
    assert not kernel.run("%%claude d\nGo.").ok
    kernel.run("print(open('r.txt').read())")
    messages = [m for m in kernel.messages[since:] if m["msg_type"] != "execute_input"]
    assert any("fine" in str(m["content"]) for m in messages)
    assert CANARY not in str([(m["content"], m["metadata"]) for m in messages])
    assert CANARY not in str(kernel.painted(kernel.views()[-1]))


OBSERVED = """
from notebook_stream.request.options import Options
from notebook_stream.running.answer import Answer, Stage
from notebook_stream.running.observers import Observer
from notebook_stream.running.views import view_here
from notebook_stream.running.waiting import wait

class Texts(Observer):
    def __init__(self):
        self.texts = []

    def take(self, event, text):
        self.texts.append(text)

options, one, other = Options.of({}), Texts(), Texts()
stage = Stage(view=lambda options: view_here("x", options))
x = await wait(Answer("hi", options, stage=stage, observers=[one, other]))
"""


def test_several_observers_watch_an_answer_that_a_cell_shows(
    kernel: Kernel, server: Server
) -> None:
    server.play(answer("a", "b", "c", pause=0.1))
    cell = kernel.run(OBSERVED)
    assert cell.ok, cell.reply
    assert kernel.value("(x, ''.join(one.texts), ''.join(other.texts))") == "('abc', 'abc', 'abc')"
    (output,) = cell.outputs
    assert output["data"]["text/markdown"].startswith("abc")
    assert kernel.painted(kernel.views()[0])


def test_two_cell_magics_of_one_cell_answer_one_after_another(
    kernel: Kernel, server: Server
) -> None:
    server.play(answer("first"), answer("second"))
    cell = kernel.run("x = %claude one\ny = %claude two")
    assert cell.ok, cell.reply
    assert kernel.value("(x, y)") == "('first', 'second')"
    assert [request.prompt for request in server.requests] == ["one", "two"]
    texts = [output["data"]["text/markdown"].split()[0] for output in cell.outputs]
    assert texts == ["first", "second"]


def test_an_answer_of_two_rounds_is_one_to_the_cell_and_to_the_next_prompt(
    kernel: Kernel, server: Server
) -> None:
    hold = Hold()
    server.play(
        answer("It is ", stop_reason="pause_turn"),
        Script([start(), delta("**sunny**."), hold, end()]),
        answer("Rain."),
    )
    cell = kernel.send("%%claude weather --chat trip --record w.txt\nWeather?")
    server.wait_for_request(2)
    kernel.until(lambda: cell.outputs)
    view = kernel.views()[-1]
    kernel.until(lambda: any("sunny" in str(m["packets"]) for m in kernel.painted(view)))
    assert not cell.done
    hold.let_go.set()
    assert kernel.wait(cell).ok
    (output,) = cell.outputs
    assert output["data"]["text/markdown"].startswith("It is **sunny**.\n\n<small>")
    assert output["metadata"]["notebook_stream"]["usage"]["input_tokens"] == 50
    assert kernel.value("(weather, len(weather.rounds))") == "('It is **sunny**.', 2)"
    assert kernel.run("%%claude --chat trip\nAnd tomorrow?").ok
    roles = [message["role"] for message in server.requests[2].body["messages"]]
    assert roles == ["user", "assistant", "assistant", "user"]
    again = kernel.run("%%claude again --replay w.txt\nWeather?")
    assert again.ok, again.reply
    assert kernel.value("(again, len(again.rounds))") == "('It is **sunny**.', 2)"
    assert len(server.requests) == 3


def test_a_stop_in_the_second_round_keeps_both(kernel: Kernel, server: Server) -> None:
    server.play(answer("It is ", stop_reason="pause_turn"), Script([start(), delta("sun"), Hold()]))
    cell = kernel.send("%%claude weather\nWeather?")
    server.wait_for_request(2)
    kernel.until(lambda: cell.outputs)
    kernel.until(
        lambda: any("sun" in str(m["packets"]) for m in kernel.painted(kernel.views()[-1]))
    )
    kernel.click_stop()
    assert kernel.wait(cell).ok
    assert kernel.value("(weather, weather.stop_reason)") == "('It is sun', 'stopped')"
