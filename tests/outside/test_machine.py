"""Any order of answers, faults, stops and interrupts: what holds always, holds."""

from __future__ import annotations

import contextlib
import io
import itertools
import os
from collections.abc import Callable
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from notebook_stream import Chat, ClaudeError, Reply
from notebook_stream.conversation.place import Place
from notebook_stream.ledger import usage
from notebook_stream.running.answer import Answer
from notebook_stream.running.waiting import settle
from notebook_stream.values.turn import Turn
from notebook_stream.view.terminal import TerminalView

from ..answers import new_answer
from ..loopback import Drop, Hold, Script, Server, Step, delta, end, event, refusal, start
from ..streams import refused

PIECES = st.lists(st.sampled_from(["a", "ü 🌊", "\n\n", "  ", "```\n", "$5 "]), max_size=6)
NAMES = st.sampled_from(["poem", "answer"])
CELLS = st.sampled_from(["", "first", "second"])
"""Of a chat; "" is outside of it."""

ENDINGS: dict[str, tuple[list[Step], set[str | None]]] = {
    "whole": ([end()], {"end_turn"}),
    "max_tokens": ([end("max_tokens")], {"max_tokens"}),
    "dropped": ([Drop], {"connection_lost"}),
    "cut": ([], {"connection_lost"}),
    "error": ([event("error", error={"type": "overloaded_error", "message": "O"})], {"error"}),
    "nonsense": ([b"data: {oops\n\n"], {"error"}),
}


class Machine(RuleBasedStateMachine):
    """A person and a server who do as they like."""

    server: Server

    def __init__(self) -> None:
        super().__init__()
        self.variables: dict[str, Reply] = {}
        self.replies: list[Reply] = []
        self.before = usage.session.total
        self.chat = Chat(name="talk")
        self.runs: dict[str, int] = {}

    def _ask(
        self, name: str, cell: str, script: Script, act: Callable[[Answer], None]
    ) -> tuple[Reply, str]:
        """Ask in the run of a cell; its reply, and what it showed."""
        self.server.play(script)
        prompt = f"prompt {len(self.replies)}"
        place = self._place(cell)
        requests = len(self.server.requests)
        before = self.chat.messages[: 2 * len(place.before())]
        turns = list(self.chat.turns)

        def bind(reply: Reply) -> None:
            self.variables[name] = reply

        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            answer = new_answer(
                prompt,
                view=lambda: TerminalView(io.StringIO()),
                place=place,
                bind=bind,
            )
            answer.start()
            act(answer)
            with contextlib.suppress(ClaudeError):
                answer.outcome()
        # The request of an answer that was stopped at once may reach the server late.
        late = [{"role": "user", "content": f"prompt {n}"} for n in range(len(self.replies))]
        self.replies.append(self.variables[name])
        for request in self.server.requests[requests:]:
            asked = {"role": "user", "content": prompt}
            sent = request.body["messages"]
            assert sent == [*before, asked] or sent[-1] in late
        self._check_what_is_replaced(turns, prompt, cell)
        return self.variables[name], out.getvalue()

    def _place(self, cell: str) -> Place:
        run = str(self.runs.setdefault(cell, 0))
        return Place("talk", self.chat.turns, (cell, run)) if cell else Place()

    def _check_what_is_replaced(self, before: list[Turn], prompt: str, cell: str) -> None:
        """An answer takes the place of one turn at most, which an earlier run of its cell asked."""
        after = [turn.prompt for turn in self.chat.turns]
        gone = [turn for turn in before if turn.prompt not in after]
        assert len(gone) <= (prompt in after)
        assert all(one.cell and one.cell != (cell, str(self.runs[cell])) for one in gone)
        assert all(one.cell and one.cell[0] == cell for one in gone)
        for turn in gone:
            assert after.index(prompt) == before.index(turn)
        others = [turn.prompt for turn in before if turn not in gone]
        assert [one for one in after if one != prompt] == others

    @rule(cell=CELLS, count=st.integers(1, 3), well=st.booleans())
    def cell_ends(self, cell: str, count: int, well: bool) -> None:
        """A cell asks a few times more and ends; its next answer is one of another run."""
        for _ in range(count):
            self._ask("poem", cell, Script([start(), delta("a"), end()]), lambda answer: None)
        place = self._place(cell)
        if well:
            place.end_run()
        ours = [turn for turn in self.chat.turns if turn.cell == place.cell]
        assert not (well and ours and place.has_earlier())
        self.runs[cell] += 1

    @rule(name=NAMES, cell=CELLS, pieces=PIECES, ending=st.sampled_from(sorted(ENDINGS)))
    def answer_ends(self, name: str, cell: str, pieces: list[str], ending: str) -> None:
        steps, reasons = ENDINGS[ending]
        script = Script([start(), *map(delta, pieces), *steps])
        reply, shown = self._ask(name, cell, script, lambda answer: None)
        assert reply == "".join(pieces)
        assert shown.removesuffix("\n") == reply.removesuffix("\n")
        assert reply.stop_reason in reasons
        assert reply.complete == (ending == "whole")

    @rule(
        name=NAMES,
        cell=CELLS,
        pieces=PIECES,
        how=st.sampled_from(["stopped", "interrupted"]),
        late=st.booleans(),
    )
    def person_ends_it(self, name: str, cell: str, pieces: list[str], how: str, late: bool) -> None:
        requests = len(self.server.requests)
        hold = Hold()

        def act(answer: Answer) -> None:
            if late:
                self.server.wait_for_request(requests + 1)
            settle(answer, how)  # type: ignore[arg-type] # one of the two

        script = Script([start(), *map(delta, pieces), hold])
        reply, shown = self._ask(name, cell, script, act)
        if len(self.server.requests) == requests:
            self.server.scripts.clear()
        assert reply in {"".join(pieces[:n]) for n in range(len(pieces) + 1)}
        assert shown.removesuffix("\n") == reply.removesuffix("\n")
        assert (reply.stop_reason, reply.complete) == (how, False)

    @rule(name=NAMES, cell=CELLS, status=st.sampled_from([400, 401, 404, 413]))
    def api_refuses(self, name: str, cell: str, status: int) -> None:
        reply, _ = self._ask(name, cell, refusal(status, "x", "no"), lambda answer: None)
        assert (reply, reply.stop_reason) == ("", "error")

    @invariant()
    def the_ledger_is_the_sum_of_the_replies(self) -> None:
        now = usage.session.total
        assert now.requests - self.before.requests == len(self.replies)
        written = sum(reply.output_tokens or 0 for reply in self.replies)
        assert now.output_tokens - self.before.output_tokens == written
        spent = sum(reply.cost or 0.0 for reply in self.replies)
        assert now.cost - self.before.cost == pytest.approx(spent)

    @invariant()
    def every_turn_can_be_sent_back(self) -> None:
        for reply in self.replies:
            assert reply.message is not None
            assert reply.message["role"] == "assistant"
            assert not refused(reply.message["content"], calls_answered=False)

    @invariant()
    def no_turn_is_an_orphan(self) -> None:
        messages = self.chat.messages
        assert [one["role"] for one in messages] == ["user", "assistant"] * len(self.chat.turns)
        assert not any(refused(one["content"], calls_answered=False) for one in messages[1::2])
        assert all(turn.reply.strip() or turn.reply.complete for turn in self.chat.turns)
        cells = [turn.cell[0] for turn in self.chat.turns if turn.cell]
        together = [cell for cell, _ in itertools.groupby(cells)]
        assert len(together) == len(set(cells))  # the turns of a cell stay together


def test_any_order_of_answers_faults_and_stops(server: Server, env: dict[str, str]) -> None:
    names = ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "NO_PROXY")
    with mock.patch.dict(os.environ, {name: env[name] for name in names}):
        Machine.server = server
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=15,
                stateful_step_count=12,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
