"""Chats outside a notebook."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt
from nbconvert.filters import markdown2html_mistune

import notebook_stream as ns
from notebook_stream.conversation.place import Place
from notebook_stream.ledger import usage
from notebook_stream.values.turn import Turn

from ..loopback import Drop, Hold, Script, Server, answer, delta, end, refusal, start
from ..streams import refused
from ..unit.test_markdown import ATTACKS

pytestmark = pytest.mark.usefixtures("api")


def by_stream(chat: ns.Chat, prompt: str, **options: Any) -> ns.Reply:
    with chat.stream(prompt, **options) as s:
        list(s)
    return s.reply


def by_aask(chat: ns.Chat, prompt: str, **options: Any) -> ns.Reply:
    return asyncio.run(chat.aask(prompt, **options))


def by_astream(chat: ns.Chat, prompt: str, **options: Any) -> ns.Reply:
    async def collect() -> ns.Reply:
        async with chat.astream(prompt, **options) as s:
            _ = [text async for text in s]
        return s.reply

    return asyncio.run(collect())


VERBS: list[Callable[..., ns.Reply]] = [ns.Chat.ask, by_aask, by_stream, by_astream]


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_sends_the_turns_before(server: Server, verb: Any) -> None:
    chat = ns.Chat(name="trip", system="Be brief.", model="opus")
    server.play(answer("One."), answer("Two."))
    first = verb(chat, "a")
    second = verb(chat, "b", system="Be long.", max_tokens=7)
    assert [turn.reply for turn in chat.turns] == [first, second] == ["One.", "Two."]
    sent = server.requests[1].body
    assert sent["messages"] == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "text", "text": "One."}]},
        {"role": "user", "content": "b"},
    ]
    assert (sent["system"], sent["max_tokens"]) == ("Be long.", 7)
    assert server.requests[0].body["system"] == "Be brief."
    assert "opus" in sent["model"]
    assert first.chat == "trip"


def test_a_chat_goes_on_after_every_fault(server: Server) -> None:
    chat = ns.Chat()
    server.play(
        Script([start(), delta("So far "), Drop]),
        refusal(401, "authentication_error", "no"),
        Script([start(), Drop]),
        answer("no more", stop_reason="refusal"),
        answer("Good."),
    )
    for prompt in "abcde":
        with contextlib.suppress(ns.ClaudeError):
            chat.ask(prompt)
    assert [(turn.prompt, turn.reply) for turn in chat.turns] == [("a", "So far "), ("e", "Good.")]
    messages = server.requests[-1].body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert not refused(messages[1]["content"], calls_answered=False)


def test_a_stopped_stream_is_a_turn(server: Server) -> None:
    chat = ns.Chat()
    server.play(answer("a", "b", pause=0.05))
    with chat.stream("p") as s:
        next(iter(s))
    assert [turn.reply for turn in chat.turns] == [s.reply]
    assert s.reply.stop_reason == "stopped"


def test_a_fork_goes_its_own_way(server: Server) -> None:
    chat = ns.Chat(system="S")
    for prompt in "abc":
        chat.ask(prompt)
    fork = chat.fork(name="other", turns=1)
    fork.ask("B")
    assert [turn.prompt for turn in fork.turns] == ["a", "B"]
    assert [turn.prompt for turn in chat.turns] == ["a", "b", "c"]
    assert [len(r.body["messages"]) for r in server.requests] == [1, 3, 5, 3]
    assert server.requests[-1].body["system"] == "S"
    fork.options["system"] = "T"
    assert chat.options == {"system": "S"}
    assert [turn.prompt for turn in chat.fork().turns] == ["a", "b", "c"]
    for wrong in (4, -1, "2"):
        with pytest.raises(ns.OptionError, match=f"there are 3 turns, got turns={wrong!r}"):
            chat.fork(turns=wrong)  # type: ignore[arg-type] # one of them


def test_usage_is_summed_by_chat(server: Server) -> None:
    chat = ns.Chat(name="by chat")
    chat.ask("a")
    chat.ask("b")
    ns.ask("c")
    assert usage.session.snapshot().sums["by chat", "claude-sonnet-5-5"].requests == 2
    head, *rows = usage.session.snapshot().rows()
    assert head[:3] == ("chat", "model", "requests")
    assert ("by chat", "claude-sonnet-5-5", "2") in {row[:3] for row in rows}
    assert "by chat" in usage.session.snapshot().to_frame().index.get_level_values("chat")


def test_chats_without_a_name_are_numbered(server: Server) -> None:
    one, two = ns.Chat(), ns.Chat()
    assert int(str(two.ask("a").chat)) + 1 == int(str(one.ask("a").chat))


def test_a_chat_can_be_pickled(server: Server) -> None:
    chat = ns.Chat(name="kept", system="S")
    chat.ask("a **b**")
    again = pickle.loads(pickle.dumps(chat))  # noqa: S301 - our own
    again.ask("c")
    assert server.requests[-1].body["messages"][:2] == chat.messages
    assert repr(again) == "<Chat 'kept': 2 turns>"
    assert repr(again.fork(turns=1)) == "<Chat '': 1 turn>"
    assert again._repr_markdown_().splitlines()[2:5] == [
        "> a **b**", "", "Hello, world.",
    ]  # fmt: skip


def test_mistakes_are_explained(server: Server) -> None:
    with pytest.raises(ns.OptionError, match="no option 'sistem'"):
        ns.Chat(sistem="x")
    with pytest.raises(ns.OptionError, match="no option 'chat'"):
        ns.Chat(chat=ns.Chat())
    with pytest.raises(ns.OptionError, match="name must be text, got int"):
        ns.Chat(name=1)  # type: ignore[arg-type] # the mistake
    with pytest.raises(ns.OptionError, match="chat must be a Chat, got str; write chat=Chat"):
        ns.ask("a", chat="trip")  # type: ignore[call-overload] # the mistake
    assert not server.requests


@pytest.mark.parametrize(
    "prompt",
    [
        *ATTACKS,
        "see `code\u2028<script>alert(1)</script>` ok",
        "1.  a\n\n\t\t<img src=//evil/x.png>",
        "1.  ```\n\t<script>x</script>\n\t```",
        "```\n<b>",
    ],
)
def test_a_chat_that_is_shown_is_harmless(prompt: str) -> None:
    chat = ns.Chat()
    chat.turns += [Turn(prompt, ns.Reply(prompt, stop_reason="stopped"))]
    shown = chat._repr_markdown_()
    for html in (MarkdownIt().render(shown), markdown2html_mistune(shown)):
        assert not re.search(
            r"<(script|img|svg|iframe|style|b)\b|href=.(javascript|data|vscode)", html
        )
    assert shown.endswith("*(stopped)*")


def test_threads_lose_no_turn() -> None:
    turns: list[Turn] = []

    def ask() -> None:
        for _ in range(200):
            Place("c", turns).keep("p", ns.Reply("r", complete=True))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert len(turns) == 1600


def test_nonsense_among_the_turns_costs_no_reply(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    chat = ns.Chat()
    hold = Hold()
    server.play(Script([start(), delta("One."), hold, end()]))
    turns: list[Any] = chat.turns
    with chat.stream("a") as s:
        assert next(iter(s)) == "One."
        turns.append("nonsense")
        hold.let_go.set()
        assert s.reply == "One."
    assert "could not be put into its chat" in caplog.text
    turns.clear()
    assert chat.ask("b")


def test_a_turn_made_by_hand_is_sent_as_it_reads(server: Server) -> None:
    chat = ns.Chat()
    chat.turns.append(Turn("q", ns.Reply("an answer")))
    chat.ask("a")
    assert server.requests[0].body["messages"][1]["content"] == [
        {"type": "text", "text": "an answer"}
    ]
