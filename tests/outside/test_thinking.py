"""Signed thinking in chats that were changed: the newest models take it back only where it was."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import notebook_stream as ns
from notebook_stream.values.turn import Turn

from ..loopback import Script, Server, refusal
from ..streams import stream, text, thinking, whole

BOUND = {"thinking": "signature", "redacted_thinking": "data"}
"""The field of a block that names the conversation in which it was written."""


class Binding:
    """What the API does since thinking is preserved: it knows where it wrote each block."""

    def __init__(self, *before: tuple[dict[str, Any], list[Any]]) -> None:
        self._before = before
        self._numbers = itertools.count()
        self._written: dict[str, str] = {}

    def __call__(self, body: dict[str, Any]) -> Script:
        """Refuse thinking that stands after another conversation; else think, and answer."""
        for n, message in enumerate(body["messages"]):
            prefix = self._prefix(body, n)
            content = message["content"] if message["role"] == "assistant" else []
            for block in content:
                name = block.get(BOUND.get(block["type"], ""))
                if name is not None and self._written.get(name) != prefix:
                    return refusal(
                        400,
                        "invalid_request_error",
                        f"messages.{n}.content.0: Invalid `signature` in `{block['type']}` block. "
                        "The block is bound to a different conversation.",
                    )
        return Script([self._answer(self._prefix(body, len(body["messages"])))])

    @staticmethod
    def _prefix(body: dict[str, Any], count: int) -> str:
        return json.dumps([body.get("system"), body.get("tools"), body["messages"][:count]])

    def _answer(self, prefix: str) -> bytes:
        number = next(self._numbers)
        self._written |= {f"signed {number}": prefix, f"redacted {number}": prefix}
        return stream(
            *self._before,
            thinking("Hm.", signature=f"signed {number}"),
            whole("redacted_thinking", data=f"redacted {number}"),
            text(f"Answer {number}."),
        )


@pytest.fixture(autouse=True)
def _api(api: None, server: Server) -> None:
    server.judge = Binding()


@pytest.fixture
def chat(server: Server) -> ns.Chat:
    """One of four turns."""
    made = ns.Chat(name="trip", system="Be a guide.")
    for prompt in "abcd":
        made.ask(prompt)
    return made


def thoughts(server: Server) -> list[bool]:
    """For each turn before the newest prompt: whether it was sent with its thinking."""
    answers = server.requests[-1].body["messages"][1::2]
    return [any(block["type"] in BOUND for block in one["content"]) for one in answers]


def edit_prompt(chat: ns.Chat) -> None:
    chat.turns[1] = replace(chat.turns[1], prompt="B")


def delete_turn(chat: ns.Chat) -> None:
    del chat.turns[1]


def swap_reply(chat: ns.Chat) -> None:
    chat.turns[1] = replace(chat.turns[1], reply=chat.turns[2].reply)


def edit_block(chat: ns.Chat) -> None:
    chat.turns[1].reply.blocks[-1]["text"] = "Another answer."


def change_system(chat: ns.Chat) -> None:
    chat.options["system"] = "Be long."


def insert_turn(chat: ns.Chat) -> None:
    chat.turns.insert(0, Turn("by hand", ns.Reply("an answer")))


def reverse(chat: ns.Chat) -> None:
    chat.turns.reverse()


CHANGES: dict[Callable[[ns.Chat], None], list[bool]] = {
    lambda chat: None: [True, True, True, True],
    edit_prompt: [True, False, False, False],
    delete_turn: [True, False, False],
    swap_reply: [True, False, False, False],
    edit_block: [True, True, False, False],
    change_system: [False, False, False, False],
    insert_turn: [False, False, False, False, False],
    reverse: [False, False, False, False],
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_thinking_is_left_out_from_the_first_change_on(
    server: Server, chat: ns.Chat, change: Callable[[ns.Chat], None]
) -> None:
    change(chat)
    before = list(chat.turns)
    chat.ask("e")
    sent = server.requests[-1].body["messages"]
    assert thoughts(server) == CHANGES[change]
    assert chat.turns[:-1] == before  # what is left out of a request stays in the chat
    assert chat.messages[: len(sent) - 1] == sent[:-1]
    chat.ask("f")
    assert thoughts(server) == [*CHANGES[change], True]  # what was written since is bound to it


def test_what_is_changed_back_is_sent_with_its_thinking(server: Server, chat: ns.Chat) -> None:
    turn = chat.turns[1]
    edit_prompt(chat)
    chat.ask("e")
    chat.turns[1] = turn
    chat.ask("f")
    assert thoughts(server) == [True, True, True, True, False]


def test_another_system_prompt_for_one_turn(server: Server, chat: ns.Chat) -> None:
    chat.ask("e", system="Be long.")
    assert thoughts(server) == [False] * 4
    chat.ask("f")
    assert thoughts(server) == [True] * 4 + [False]


def by_pickle(chat: ns.Chat) -> ns.Chat:
    again: ns.Chat = pickle.loads(pickle.dumps(chat))  # noqa: S301 - our own
    return again


@pytest.mark.parametrize("other", [ns.Chat.fork, by_pickle, copy.deepcopy])
def test_a_copy_of_a_chat_keeps_its_thinking(
    server: Server, chat: ns.Chat, other: Callable[[ns.Chat], ns.Chat]
) -> None:
    other(chat).ask("e")
    assert thoughts(server) == [True] * 4


def test_a_fork_with_another_system_prompt(server: Server, chat: ns.Chat) -> None:
    fork = chat.fork(turns=2)
    fork.options["system"] = "Be long."
    fork.ask("e")
    assert thoughts(server) == [False] * 2
    chat.ask("e")
    assert thoughts(server) == [True] * 4


def test_turns_of_other_chats_and_of_none(server: Server, chat: ns.Chat) -> None:
    other = ns.Chat(system="Be a guide.")
    other.turns += [Turn("a", ns.ask("a", system="Be a guide.")), chat.turns[1]]
    other.ask("c")
    assert thoughts(server) == [True, False]  # the answer to `a` is another one


def test_thinking_behind_what_cannot_be_sent_back_is_left_out(server: Server) -> None:
    server.judge = Binding(text("\n\n"))
    chat = ns.Chat()
    chat.ask("a")
    chat.ask("b")
    assert thoughts(server) == [False]


def test_recorded_thinking_is_not_sent(server: Server, chat: ns.Chat, tmp_path: Path) -> None:
    ns.ask("e", record=tmp_path / "a.txt")
    chat.ask("e", replay=tmp_path / "a.txt")
    chat.ask("f")
    assert thoughts(server) == [True] * 4 + [False]
