"""Chats in the cells of a real kernel."""

from __future__ import annotations

import pytest

from ..loopback import Drop, Hold, Script, Server, answer, delta, end, refusal, start
from .kernel import Kernel

pytestmark = pytest.mark.one_kernel


def sent(server: Server, number: int) -> list[str]:
    """The prompts of a request, and the texts of the answers between them."""
    messages = server.requests[number].body["messages"]
    contents = (message["content"] for message in messages)
    return [c if isinstance(c, str) else "".join(b["text"] for b in c) for c in contents]


def turns(kernel: Kernel, chat: str) -> str:
    return kernel.value(f"[(turn.prompt, str(turn.reply)) for turn in {chat}.turns]")


def test_cells_of_a_chat_are_sent_with_the_turns_before(kernel: Kernel, server: Server) -> None:
    server.play(answer("Alfama."), answer("Museums."), answer("Hi."))
    cell = kernel.run("%%claude first --chat trip -s 'Be a guide.' -m opus\nWhere?")
    assert kernel.run("x = %claude -c trip And in the rain?").ok
    assert kernel.run("%claude hi").ok
    assert sent(server, 1) == ["Where?\n", "Alfama.", "And in the rain?"]
    assert sent(server, 2) == ["hi"]
    assert server.requests[1].body["system"] == "Be a guide."
    assert server.requests[1].body["model"] == server.requests[0].body["model"]
    assert kernel.value("(first, x)") == "('Alfama.', 'Museums.')"
    (output,) = cell.outputs
    assert output["metadata"]["notebook_stream"]["chat"] == "trip"
    assert "· chat trip, turn 1 ·" in output["data"]["text/plain"]
    assert kernel.run("import notebook_stream").ok
    assert kernel.value("type(trip) is notebook_stream.Chat") == "True"


def test_without_a_name_there_is_one_chat(kernel: Kernel, server: Server) -> None:
    kernel.run("%%claude first --chat\nWhere?")
    kernel.run("%%claude -c\nAnd then?")
    kernel.run("%claude -c -- And now?")
    assert sent(server, 2)[::2] == ["Where?\n", "And then?\n", "And now?"]
    assert kernel.value("(len(claude_chat.turns), claude_chat.name)") == "(3, 'claude_chat')"


def test_a_cell_that_is_run_again_replaces_its_own_turn(kernel: Kernel, server: Server) -> None:
    for cell in "abc":
        kernel.run(f"%claude -c trip {cell}", cell_id=cell)
    server.play(answer("Anew."))
    kernel.run("%claude -c trip B", cell_id="b")
    assert sent(server, 3) == ["a", "Hello, world.", "B"]
    hello = "Hello, world."
    assert turns(kernel, "trip") == repr([("a", hello), ("B", "Anew."), ("c", hello)])
    kernel.run("for q in 'xy':\n    trip.ask(q)", cell_id="c")
    kernel.run("for q in 'XY':\n    trip.ask(q)", cell_id="c")
    assert kernel.value("[turn.prompt for turn in trip.turns]") == "['a', 'B', 'X', 'Y']"
    assert sent(server, 7)[::2] == ["a", "B", "X", "Y"]


def test_the_first_turn_says_what_holds(kernel: Kernel, server: Server) -> None:
    server.play(refusal(404, "not_found_error", "no such model"))
    kernel.run("%claude -c trip -s Wrong. a", cell_id="a")
    kernel.run("%claude -c trip -s Short. a", cell_id="a")
    kernel.run("%claude -c trip -s Once. b", cell_id="b")
    kernel.run("%claude -c trip c", cell_id="c")
    kernel.run("trip.ask('d')")
    kernel.run("%claude -c trip A", cell_id="a")
    kernel.run("%claude -c trip C", cell_id="c")
    systems = [request.body.get("system") for request in server.requests]
    assert systems == ["Wrong.", "Short.", "Once.", "Short.", "Short.", None, None]


def test_a_chat_of_a_function_is_its_own(kernel: Kernel, server: Server) -> None:
    code = "def f():\n    chat = Chat()\n    chat.ask('a')\n    %claude -c chat b\n"
    assert kernel.run(f"from notebook_stream import Chat\n{code}\nf()").ok
    assert sent(server, 1) == ["a", "Hello, world.", "b"]
    assert kernel.value("'chat' in globals()") == "False"


def test_a_stopped_turn_stays_and_one_of_which_nothing_came_does_not(
    kernel: Kernel, server: Server
) -> None:
    server.play(Script([start(), delta("So far"), Hold()]), Script([start(), Drop]), answer("Ok."))
    cell = kernel.send("%claude -c trip a")
    kernel.until(lambda: kernel.views() and "So far" in str(kernel.painted(kernel.views()[0])))
    kernel.click_stop()
    assert kernel.wait(cell).ok
    assert not kernel.run("%claude -c trip b").ok
    assert kernel.run("%claude -c trip c").ok
    assert sent(server, 2) == ["a", "So far", "c"]
    assert turns(kernel, "trip") == "[('a', 'So far'), ('c', 'Ok.')]"


def test_what_goes_on_from_a_cut_turn_takes_its_place(kernel: Kernel, server: Server) -> None:
    old = "claude-opus-4-5"
    server.play(answer("Hi."), Script([start(model=old), delta("One, "), Drop]), answer("two."))
    kernel.run("%claude -c trip hi")
    kernel.run(f"%%claude count -c trip -m {old}\nCount.")
    assert kernel.run("%claude_continue count").ok
    assert sent(server, 2) == ["hi", "Hi.", "Count.\n", "One,"]
    assert kernel.value("trip.turns[1].reply is count") == "True"
    assert kernel.value("(count.chat, count.turn)") == "('trip', 2)"
    kernel.run("%claude -c trip c")
    assert sent(server, 3) == ["hi", "Hi.", "Count.\n", "One,two.", "c"]


def test_what_is_declined_takes_no_place(kernel: Kernel, server: Server) -> None:
    old = "claude-opus-4-5"
    declined = answer("no", stop_reason="refusal")
    server.play(Script([start(model=old), delta("One, "), Drop]), declined)
    kernel.run(f"%%claude count -c trip -m {old}\nCount.")
    assert kernel.run("%claude_continue count").ok
    assert turns(kernel, "trip") == "[('Count.\\n', 'One, ')]"


def test_chats_and_usage_are_tables(kernel: Kernel) -> None:
    kernel.run("%claude -c trip Where do I begin?")
    kernel.run("%claude hi")
    (chats,) = kernel.run("%claude_chats").outputs
    assert "| trip | trip | Where do I begin? | 1 |" in chats["data"]["text/markdown"]
    (usage,) = kernel.run("%claude_usage").outputs
    assert "| trip | claude-sonnet-5-5 | 1 | 25 |" in usage["data"]["text/markdown"]
    assert "|  | claude-sonnet-5-5 | 1 | 25 |" in usage["data"]["text/markdown"]
    (shown,) = kernel.run("trip").outputs
    assert "> Where do I begin?\n\nHello, world." in shown["data"]["text/markdown"]


def test_mistakes_leave_everything_as_it_is(kernel: Kernel, server: Server) -> None:
    kernel.run("df = 1\nfrom notebook_stream import Chat\nheld = Chat(name='mine')")
    for code, words in {
        "%claude -c df hi": "'df' holds a value of type int, which is no chat",
        "%%claude x --chat x\nhi": "'x' cannot hold the chat and the reply",
        "%claude --chat=a-b hi": "'a-b' cannot be the name of a variable; write --chat trip",
        "%%claude held\nhi": "'held' holds <Chat 'mine': 0 turns>; write %%claude answer --chat held",
        "%%claude x --chat new\n{{ missing }}": "missing",
    }.items():
        assert words in kernel.run(code).stderr
    assert not server.requests
    assert kernel.value("(df, 'x' in globals(), 'new' in globals())") == "(1, False, False)"


THREE = "for q in {!r}:\n    trip.ask(q)"


@pytest.fixture
def three(kernel: Kernel, server: Server) -> Kernel:
    """A kernel with a chat of three turns that one cell asked, and of one that another did."""
    assert kernel.run("from notebook_stream import Chat\ntrip = Chat(name='trip')").ok
    assert kernel.run(THREE.format("abc"), cell_id="three").ok
    assert kernel.run("trip.ask('d')", cell_id="one").ok
    return kernel


def prompts(kernel: Kernel) -> str:
    return kernel.value("' '.join(turn.prompt for turn in trip.turns)").strip("'")


def streaming(kernel: Kernel, text: str) -> None:
    """Wait until the newest view shows the text."""
    kernel.until(lambda: kernel.views() and text in str(kernel.painted(kernel.views()[-1])))


@pytest.mark.parametrize("way", ["loop", "lines"])
def test_a_run_that_is_interrupted_in_its_first_answer_costs_no_other(
    three: Kernel, server: Server, way: str
) -> None:
    lines = "".join(f"%claude -c trip {prompt}\n" for prompt in "ABC")
    server.play(Script([start(), delta("So far"), Hold()]))
    cell = three.send(THREE.format("ABC") if way == "loop" else lines, cell_id="three")
    streaming(three, "So far")
    three.interrupt()
    assert not three.wait(cell).ok
    assert prompts(three) == "A b c d"
    assert three.run("trip.ask('e')").ok
    assert sent(server, -1)[::2] == ["A", "b", "c", "d", "e"]


def test_a_run_that_fails_costs_nothing_that_it_did_not_ask_anew(
    three: Kernel, server: Server
) -> None:
    server.play(Script([start(), Drop]))
    assert not three.run(THREE.format("ABC"), cell_id="three").ok
    assert prompts(three) == "a b c d"
    server.play(answer("Anew."), Script([start(), Drop]))
    assert not three.run(THREE.format("ABC"), cell_id="three").ok
    assert prompts(three) == "A b c d"
    assert sent(server, -2) == ["A"]
    assert sent(server, -1) == ["A", "Anew.", "B"]


def test_what_a_cell_asks_no_more_goes_once_it_has_ended_well(
    three: Kernel, server: Server
) -> None:
    assert not three.run(THREE.format("AB") + "\n1 / 0", cell_id="three").ok
    assert prompts(three) == "A B c d"
    fewer = "get_ipython().run_cell('1')\ntrip.ask('A')\nget_ipython().run_cell('1')\n"
    assert three.run(f"{fewer}print([turn.prompt for turn in trip.turns])", cell_id="three").ok
    assert sent(server, -1) == ["A"]
    assert prompts(three) == "A d"
    assert three.run("trip.ask('D')\n%claude -c trip E", cell_id="one").ok
    assert prompts(three) == "A D E"
    assert three.run("await trip.aask('D')", cell_id="one").ok
    assert prompts(three) == "A D"
    assert three.run("%%capture\ntrip.ask('A')\ntrip.ask('A')", cell_id="three").ok
    assert prompts(three) == "A A D"
    callbacks = "get_ipython().events.callbacks['post_run_cell']"
    assert three.value(f"[c.__name__ for c in {callbacks}].count('ended')") == "0"


def test_the_end_of_a_cell_in_a_subshell_is_not_that_of_the_cell_that_asks(
    three: Kernel, server: Server
) -> None:
    if not three.has_subshells:
        pytest.skip("ipykernel 6 has no subshells")
    hold = Hold()
    server.play(Script([start(), delta("Anew."), hold, end()]))
    cell = three.send("%claude -c trip A", cell_id="three")
    server.wait_for_request(5)
    other = three.send("1 + 1", subshell_id=three.subshell())
    assert three.wait(other).ok
    hold.let_go.set()
    assert three.wait(cell).ok
    assert prompts(three) == "A d"


def test_a_stop_before_anything_came_keeps_the_earlier_turn(three: Kernel, server: Server) -> None:
    server.play(answer("Anew."), answer("Anew."), Script([start(), Hold()]))
    views = len(three.views())
    cell = three.send(THREE.format("ABC"), cell_id="three")
    server.wait_for_request(7)
    three.until(lambda: len(three.views()) == views + 3)
    three.click_stop()
    assert three.wait(cell).ok
    assert prompts(three) == "A B c d"


def test_a_cell_waits_for_what_a_task_asks_in_its_chat(three: Kernel, server: Server) -> None:
    hold = Hold()
    server.play(Script([start(), delta("So far"), hold, end()]))
    assert three.run("import asyncio\ntask = asyncio.create_task(trip.aask('task'))").ok
    server.wait_for_request(5)
    refused = three.run("trip.ask('blocks')")
    assert "OptionError: the chat 'trip' is answering" in refused.error["traceback"][0]
    assert len(refused.error["traceback"]) == 1
    timed = three.run("%%time\n%claude -c trip blocks")
    assert "UsageError: the chat 'trip' is answering" in timed.stderr
    waiting = three.send("print('runs')\n%claude -c trip interrupted")
    three.until(lambda: waiting.stdout)
    three.interrupt()
    assert not three.wait(waiting).ok
    assert waiting.error["traceback"] == [
        "KeyboardInterrupt: interrupted while the chat was answering; nothing was sent."
    ]
    waiting = three.send("print('runs')\n%claude -c trip then")
    three.until(lambda: waiting.stdout)
    hold.let_go.set()
    assert three.wait(waiting).ok
    assert sent(server, -1)[-3:] == ["task", "So far", "then"]
    assert prompts(three) == "a b c d task then"
