"""The static output of an answer: Markdown and plain text, then a footer. It survives everything.

Of the HTML tags that Markdown lets through, the footer uses ``<small>``, which JupyterLab, GitHub
and nbconvert all keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..ledger.usage import dollars
from ..markdown import MONEY, escape_markup
from ..text.controls import strip_controls
from ..text.keys import logger
from ..values.reply import Block, Reply, sound
from . import NoView
from .timeline import Story

log = logger(__name__)

ENDINGS = {
    "stopped": "stopped",
    "interrupted": "interrupted",
    "connection_lost": "connection lost",
    "error": "error",
    "max_tokens": "cut at max_tokens",
}
NOTES = {
    "max_tokens": "The answer was cut at the most tokens allowed: raise --max-tokens.",
    "refusal": "Claude declined to go on: ask in another way, or another model.",
    "pause_turn": "Claude paused a long turn: ask it to go on.",
    "model_context_window_exceeded": "The model's context window is full: ask with less text.",
}
"""What to say where the model did not end the answer itself."""


@dataclass
class Output:
    """A static output of a notebook: all there is to save of an answer.

    Put together on the thread that shows it: the C library keeps for a thread what a long text
    leaves free of that thread's memory.

    Attributes:
        reply: The answer.
        notes: What else there is to say.
        name: The variable that holds it.
        story: Its text; None where that cannot be made safe.
    """

    reply: Reply
    notes: tuple[str, ...]
    name: str
    story: Story | None

    def data(self) -> dict[str, str]:
        """The texts, by their kind, without control characters: `jupyter console` prints them."""
        if self.story:
            data = mimebundle(self.reply, self.notes, *self.story.still())
        else:
            data = {"text/plain": "\n\n".join([self.reply, *self.notes, footer(self.reply)])}
        return {kind: strip_controls(sound(part)) for kind, part in data.items()}

    def metadata(self) -> dict[str, Any]:
        """What can be read back out of a saved notebook."""
        return metadata(self.reply, self.name)


class FinalView(NoView):
    """Shows the answer once it is done: nbconvert, papermill, ``%%capture``.

    Args:
        name: The variable that will hold the reply.
    """

    shows = True

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._output: Output | None = None

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Make the static output."""
        if has_output(reply):
            self._output = output(reply, notes, self._name, lambda: told(reply.blocks))

    def close(self) -> None:
        """Display the static output."""
        from IPython.display import publish_display_data

        if self._output:
            publish_display_data(  # type: ignore[no-untyped-call] # IPython's
                self._output.data(), self._output.metadata()
            )


def told(blocks: Iterable[dict[str, Any]]) -> Story:
    """The story of an answer's blocks."""
    story = Story()
    story.take(list(map(Block, blocks)), whole=True)
    return story


def output(reply: Reply, notes: tuple[str, ...], name: str, tell: Callable[[], Story]) -> Output:
    """The static output, with the text read to its end, which may take a while.

    Args:
        reply: The answer.
        notes: What else there is to say.
        name: The variable that holds it.
        tell: Gives its story.
    """
    try:
        story = tell()
        story.end()
    except Exception as error:  # an answer may hold anything; no fault of a parser may cost it
        log.exception("the Markdown could not be made safe")
        why = f"The Markdown could not be read ({type(error).__name__}); it is shown as plain text."
        return Output(reply, (*notes, why), name, None)
    return Output(reply, notes, name, story)


def has_output(reply: Reply) -> bool:
    """Whether there is anything to show: no text and no request means none."""
    return bool(reply or reply.usage or reply.error or reply.stop_reason)


def mimebundle(
    reply: Reply, notes: tuple[str, ...], markdown: str, unmarked: str
) -> dict[str, str]:
    """The output's data: ``text/markdown`` and ``text/plain``, the same without markup."""
    said = [*notes, *sentences(reply)]
    line = footer(reply)
    marked = [f"**{escape_markup(note)}**" for note in said]
    small = f"<small>{escape_markup(line).replace(MONEY, '$')}</small>"  # the one there is
    return {
        "text/markdown": "\n\n".join(filter(None, [markdown.rstrip(), *marked, small])),
        "text/plain": "\n\n".join(filter(None, [unmarked, *said, line])),
    }


def sentences(reply: Reply) -> Iterator[str]:
    """What there is to say where the model did not end the answer itself."""
    if reply.error:
        yield f"{reply.error[:1].upper()}{reply.error[1:]}"
    elif reply.stop_reason in NOTES:
        yield NOTES[reply.stop_reason]


def footer(reply: Reply) -> str:
    """One line: model, tokens, cost, seconds, and how it ended where that is not plain."""
    return " · ".join(_footer(reply))


def _footer(reply: Reply) -> Iterator[str]:
    yield reply.model or "unknown model"
    if reply.chat:
        yield f"chat {reply.chat}, turn {reply.turn}"
    if reply.recorded:
        yield "recorded reply"
    yield from _tokens(reply)
    if reply.usage:
        about = "≈ " if reply.estimated else ""
        yield "price unknown" if reply.cost is None else f"{about}${dollars(reply.cost)}"
    if reply.first_token_seconds is not None:
        yield f"first token {reply.first_token_seconds:.1f} s"
    if reply.seconds is not None:
        yield f"{reply.seconds:.1f} s"
    if reply.stop_reason != "end_turn":
        yield ended(reply)


def ended(reply: Reply) -> str:
    """How it ended, in words."""
    ending = reply.stop_reason or "no stop reason"
    return ENDINGS.get(ending, ending.replace("_", " "))


_INPUTS = (
    ("input_tokens", "in"),
    ("cache_read_input_tokens", "cache read"),
    ("cache_creation_input_tokens", "cache write"),
)


def _tokens(reply: Reply) -> Iterator[str]:
    for name, word in _INPUTS:
        count = reply.usage.tokens(name)
        if count or (count is not None and word == "in"):
            yield f"{count:,} {word}"
    if reply.output_tokens is not None:
        yield f"{'≈ ' if reply.estimated else ''}{reply.output_tokens:,} out"


def metadata(reply: Reply, name: str = "") -> dict[str, Any]:
    """The output's metadata, from which usage can be read back out of a saved notebook."""
    return {
        "notebook_stream": {
            "version": __version__,
            "name": name or None,
            "model": reply.model,
            "stop_reason": reply.stop_reason,
            "complete": reply.complete,
            "usage": dict(reply.usage),
            "cost_usd": reply.cost,
            "seconds": reply.seconds,
            "first_token_seconds": reply.first_token_seconds,
            "request_id": reply.request_id,
            "chat": reply.chat,
            **({"recorded": True} if reply.recorded else {}),  # it cost nothing
        }
    }
