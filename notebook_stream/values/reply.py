"""An answer that is done: a `str` that also knows how it came about."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from .message import Content, is_result, sendable, sendable_messages
from .round import Round
from .usage import Usage

if TYPE_CHECKING:
    from typing_extensions import Self

Ending = Literal["stopped", "interrupted", "connection_lost", "error"]
"""How an answer can end other than by the API's own stop reasons."""

WHOLE = frozenset({"end_turn", "stop_sequence", "tool_use"})
"""The stop reasons of an answer that is all there."""

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Facts:
    """What a reply can be made with, beside its text. It cannot be assigned later.

    Attributes:
        usage: Tokens, by the API's names, summed over the rounds.
        cost: US dollars, by the model the API reports; None when the price of a round is unknown.
        estimated: True where the API did not send an output count and it is guessed from the text.
        output_tokens: Tokens written: the API's count, or the estimate; None where unknown.
        stop_reason: The API's word, or "stopped", "interrupted", "connection_lost", "error".
        complete: True when the model ended the answer itself.
        model: The model the API reports, else the one that was asked for.
        request_id: The API's id of the last request.
        seconds: From sending the first request to the end. None when never sent.
        first_token_seconds: From sending to the first token. None when none came.
        thinking: The thinking that was shown, as one text.
        parsed: The answer as an object, where a type was asked for.
        recorded: True when it came from a recording.
        chat: The name of the chat it was asked in; None outside of any.
        turn: Which turn of that chat it is, from 1; None outside of any.
        error: One sentence saying what went wrong; None where nothing did.
        request: The first request's JSON; None in a copy or a pickle, as it may hold anything.
    """

    usage: Usage = field(default_factory=Usage)
    cost: float | None = None
    estimated: bool = False
    output_tokens: int | None = None
    stop_reason: str | None = None
    complete: bool = False
    model: str | None = None
    request_id: str | None = None
    seconds: float | None = None
    first_token_seconds: float | None = None
    thinking: str = ""
    parsed: Any = None
    recorded: bool = False
    chat: str | None = None
    turn: int | None = None
    error: str | None = None
    request: dict[str, Any] | None = None


NAMES = tuple(one.name for one in fields(Facts))


class Ended:
    """What an answer on its way has too, so that code need not ask whether it has ended."""

    error: str | None
    done = True
    _failure: Exception | None = None
    """The exception with which the answer failed; None where it did not, and in a pickle."""

    @property
    def state(self) -> Literal["done", "failed"]:
        """How the answer has ended: "failed" where ``error`` says why."""
        return "failed" if self.error else "done"

    @property
    def text(self) -> str:
        """The text as a plain ``str``."""
        return str(self)

    def stop(self) -> None:
        """Do nothing: it has ended."""

    def wait(self) -> Self:
        """Return it, as it has ended.

        Raises:
            ClaudeError: The answer failed in this process.
        """
        if self._failure is not None:
            raise self._failure
        return self

    def __await__(self) -> Generator[None, None, Self]:
        """Return it at once to whoever awaits it, or raise what `wait` raises."""
        yield from ()
        return self.wait()


class Reply(str, Facts, Ended):
    """The text of an answer, which also knows how it came about.

    All that `Facts` lists can be read off it, and be given by name where one is made by hand:
    ``Reply("Hello", cost=0.01)``.

    Attributes:
        rounds: The requests of the answer, each with its response (tuple of Round): one for a
            plain answer, more where tools were called; none for a reply that was made by hand.
        blocks: The content blocks of all rounds (list of dict, in the API's order), with the
            results of your tools where they were sent.
        tool_calls: The blocks of type ``tool_use``.
        citations: The citations of all text blocks, in order.
        message: The API's message (dict) of the last round: id, role, content, stop_reason, usage
            …, and as ``events`` those that are not known. Role and content can be sent back as the
            assistant's turn: of an answer that was cut, ``blocks`` may hold more.
        messages: All that can be sent back before another prompt, in order (list of dict: role,
            content): the message of each round, and the results of your tools after it.

    Raises:
        TypeError: A fact is given that replies do not have.
    """

    _stored: tuple[tuple[int, Round], ...] = ()
    """The rounds without their text, each with its length: a long text is in memory once."""

    _shown_now: Callable[[], bool] | None = None
    """Says whether the cell that runs has shown this reply; set by who shows it."""

    def __new__(cls, text: str = "", **facts: Any) -> Reply:
        """Make the text; `__init__` adds the facts."""
        return super().__new__(cls, text)

    def __init__(self, text: str = "", **facts: Any) -> None:
        for name in facts.keys() - set(NAMES):
            raise TypeError(_unknown(name))
        Facts.__init__(self, **facts)

    @classmethod
    def of(cls, rounds: Sequence[Round], ending: Ending | None = None, **facts: Any) -> Reply:
        """Return the reply of an answer's rounds, with sums of what they used.

        Args:
            rounds: At least one.
            ending: Why the answer ended, where the API did not end it.
            facts: What the rounds do not say.

        Raises:
            TypeError: A fact is none of a reply's, or the rounds say it.
        """
        stop_reason = ending or rounds[-1].stop_reason
        ids = [one.request_id for one in rounds if one.request_id is not None]
        reply = cls(
            "".join(one.text for one in rounds),
            usage=Usage.sum(one.usage for one in rounds),
            cost=_total([one.cost for one in rounds if one.usage or one.cost is not None]),
            estimated=any(one.estimated for one in rounds),
            output_tokens=_total([n for one in rounds if (n := one.output_tokens) is not None]),
            stop_reason=stop_reason,
            complete=stop_reason in WHOLE,
            model=rounds[-1].model,
            request_id=ids[-1] if ids else None,
            thinking="\n\n".join(filter(None, (one.thinking for one in rounds))),
            **facts,
        )
        reply._stored = tuple((len(one.text), replace(one, text="")) for one in rounds)
        return reply

    @property
    def rounds(self) -> tuple[Round, ...]:
        """The requests of the answer, each with its response."""
        return self._rounds

    @cached_property
    def _rounds(self) -> tuple[Round, ...]:
        text, ends = str(self), accumulate(length for length, _ in self._stored)
        return tuple(
            replace(one, text=text[end - length : end])
            for end, (length, one) in zip(ends, self._stored, strict=True)
        )

    @property
    def blocks(self) -> list[Content]:
        """The content blocks, in the API's order; of one round, the very list of that round."""
        if len(self.rounds) == 1 and not self.rounds[0].results:
            return self.rounds[0].blocks
        return [
            block for one in self.rounds for block in (*one.blocks, *filter(is_result, one.results))
        ]

    @property
    def message(self) -> dict[str, Any] | None:
        """The API's message of the last round, with as its content what can be sent back."""
        return self.rounds[-1].message if self.rounds else None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All that can be sent back before another prompt, in order."""
        if not self.rounds:
            content = sendable([{"type": "text", "text": str(self)}], None)
            return [{"role": "assistant", "content": content}]
        return sendable_messages([(one.blocks, one.results) for one in self.rounds], None)

    @property
    def tool_calls(self) -> list[Content]:
        """The blocks in which the model calls a tool of yours."""
        return [block for block in self.blocks if block.get("type") == "tool_use"]

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The citations of all text blocks, in order."""
        lists = (block.get("citations") for block in self.blocks)
        return [cited for cites in lists if isinstance(cites, list) for cited in cites]

    def __getstate__(self) -> dict[str, Any]:
        left = {"_shown_now", "_failure", "request"}
        return {name: value for name, value in self.__dict__.items() if name not in left}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update({"usage": Usage(), **_current(state, len(self))})

    def _ipython_display_(self) -> None:
        """Show nothing where the running cell has shown this reply; else let Markdown speak.

        IPython takes NotImplementedError as "ask the object's other formats".
        """
        if not (self._shown_now and self._shown_now()):
            raise NotImplementedError

    def _repr_markdown_(self) -> str:
        from .. import markdown

        return markdown.sanitize(self)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, NAMES, 1)
    return f"a Reply has no fact {name!r}; write {' or '.join(near or NAMES)}."


def _total(amounts: Iterable[Number | None]) -> Number | None:
    """Return their sum; None where one is unknown, or there are none."""
    known = list(amounts)
    return sum(filter(None, known)) if known and None not in known else None


def _current(state: Mapping[str, Any], length: int) -> dict[str, Any]:
    """Return the attributes of a pickled reply; version 0.1.0 had one round, spread over them.

    Args:
        state: The attributes in the pickle.
        length: Characters of the reply's text.
    """
    found = dict(state)
    old = ("_outline", "_envelope", "_written_after", "blocks", "message")
    outline, envelope, written_after, blocks, _ = (found.pop(name, None) for name in old)
    if envelope is None and not blocks:
        return found
    common = {one.name: found[one.name] for one in fields(Round) if one.name in found}
    made = Round(
        _outline=tuple(blocks or outline or ()),
        _envelope=envelope or {},
        written_after=written_after or "",
        **common,
    )
    return {**found, "_stored": ((length, made),)}
