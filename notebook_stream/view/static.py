"""The static output of an answer: Markdown and plain text, with a footer.

It is saved in the notebook and needs no kernel, no widget and no JavaScript. The footer uses the
HTML tag ``<small>``, which JupyterLab, GitHub and nbconvert render.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .. import __version__
from ..ledger.saved import METADATA_KEY
from ..ledger.usage import dollars
from ..markdown import MONEY, escape_markup
from ..text.controls import strip_controls
from ..text.keys import logger
from ..text.surrogates import repair_surrogates
from ..values.block import Block
from ..values.reply import Reply
from . import NoView
from .timeline import Timeline, strip_end

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
"""The sentence to show for each stop reason that is not the model's own end."""

NOT_SENT = "Not sent"
"""How an answer ended that was not sent."""


@dataclass
class Output:
    """The static output of an answer in a notebook.

    Attributes:
        reply: The answer.
        name: The variable that holds it; "" for none.
        encoded: Its texts by MIME type, in UTF-8. It is made on the thread of the view, part by
            part, as the C library does not give the memory of a long text back to other threads.
    """

    reply: Reply
    name: str
    encoded: dict[str, bytes]

    def data(self) -> dict[str, str]:
        """Return the texts by MIME type.

        They hold no control characters, as `jupyter console` prints them in a terminal.
        """
        return {kind: text.decode() for kind, text in self.encoded.items()}

    def metadata(self) -> dict[str, Any]:
        """Return the output's metadata, which can be read out of a saved notebook."""
        return metadata(self.reply, self.name)


class FinalView(NoView):
    """Shows the answer once it is done, for nbconvert, papermill and ``%%capture``.

    Args:
        name: The variable that will hold the reply.
    """

    shows = True

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._output: Output | None = None

    def finish(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Build the static output."""
        if has_output(reply):
            self._output = build_output(reply, notes, self._name, lambda: timeline_of(reply.blocks))

    def close(self) -> None:
        """Display the static output."""
        from IPython.display import publish_display_data

        if self._output:
            publish_display_data(  # type: ignore[no-untyped-call] # IPython's
                self._output.data(), self._output.metadata()
            )


def timeline_of(blocks: Iterable[dict[str, Any]]) -> Timeline:
    """Return the timeline of an answer's complete blocks."""
    timeline = Timeline()
    timeline.take(list(map(Block, blocks)), whole=True)
    return timeline


def build_output(
    reply: Reply, notes: tuple[str, ...], name: str, make_timeline: Callable[[], Timeline]
) -> Output:
    """Build the static output; the whole text is parsed, which may take seconds.

    So it is called on the thread of the view: the thread that displays it may run an event loop.

    Where that raises an exception, the output is the reply as plain text, with a note that says so.

    Args:
        reply: The answer.
        notes: Sentences to show under it.
        name: The variable that holds it; "" for none.
        make_timeline: Returns the timeline of the whole answer.
    """
    try:
        timeline = make_timeline()
        timeline.finish()
        encoded = _encode(mimebundle(reply, notes, *timeline.read_static()))
    except Exception as error:  # An answer may hold anything, and no fault of a parser may lose it.
        log.exception("the Markdown could not be sanitized")
        why = f"The Markdown could not be read ({type(error).__name__}); it is shown as plain text."
        encoded = _encode({"text/plain": ["\n\n".join([reply, *notes, why, footer(reply)])]})
    return Output(reply, name, encoded)


def _encode(data: dict[str, Iterable[str]]) -> dict[str, bytes]:
    """Return texts that are given in parts, without control characters and half characters."""
    encoded: dict[str, bytes] = {}
    for kind, parts in data.items():
        made = io.BytesIO()
        for part in parts:
            made.write(strip_controls(repair_surrogates(part)).encode())
        encoded[kind] = made.getvalue()
    return encoded


def has_output(reply: Reply) -> bool:
    """Return whether there is anything to show: text, usage, an error or a stop reason."""
    return bool(reply or reply.usage or reply.error or reply.stop_reason)


def mimebundle(
    reply: Reply, notes: tuple[str, ...], markdown: Iterable[str], plain: Iterable[str]
) -> dict[str, Iterable[str]]:
    """Return the output's data: ``text/markdown``, and the same without markup as ``text/plain``.

    Args:
        reply: The answer.
        notes: Sentences to show under it.
        markdown: Its text as sanitized Markdown, in parts.
        plain: Its text as plain text, in parts.

    Returns:
        The parts of each.
    """
    below = [*notes, *sentences(reply)]
    ending, line = name_ending(reply), describe_figures(reply)
    bold = [_render_bold(note) for note in below]
    small = f"<small>{escape_markup(line).replace(MONEY, '$')}</small>"  # The only one of its text.
    last = f"**{escape_markup(ending)}** {small}" if ending else small
    return {
        "text/markdown": _with_blocks(strip_end(markdown), [*bold, last]),
        "text/plain": _with_blocks(plain, [*below, footer(reply)]),
    }


def _with_blocks(parts: Iterable[str], blocks: Iterable[str]) -> Iterator[str]:
    """Yield the parts of a text, then blocks, with a blank line before each but the first."""
    is_first = True
    for part in filter(None, parts):
        yield part
        is_first = False
    for block in filter(None, blocks):
        yield block if is_first else f"\n\n{block}"
        is_first = False


def _render_bold(note: str) -> str:
    """Return a sentence as bold Markdown; addresses in it are links that end where they end.

    A reader that links bare addresses, such as nbconvert, takes the signs after one for a part.
    """
    parts = re.split(r"(https?://[^\s<>()]*[^\s<>().,;:!?])", note)
    links = (f"<{one}>" if n % 2 else _escape_part(one) for n, one in enumerate(parts))
    return f"**{''.join(links)}**"


def _escape_part(text: str) -> str:
    """Return a part of a sentence escaped, with the blank that it may begin and end with."""
    around = [" " * text.startswith(" "), " " * text[1:].endswith(" ")]
    return escape_markup(text).join(around)


def sentences(reply: Reply) -> Iterator[str]:
    """Yield the sentence that says why the model did not end the answer itself, if it did not.

    The sentence of an error is not among them: whoever raises the error shows it.
    """
    if not reply.error and reply.stop_reason in NOTES:
        yield NOTES[reply.stop_reason]


def footer(reply: Reply) -> str:
    """Return one line: how it ended unless the model ended it, model, tokens, cost, seconds."""
    return " · ".join(filter(None, [name_ending(reply), describe_figures(reply)]))


def name_ending(reply: Reply) -> str:
    """Return in a word or two how an answer ended; "" where the model ended it."""
    if reply.stop_reason == "end_turn":
        return ""
    words = describe_ending(reply)
    return f"{words[:1].upper()}{words[1:]}"


def describe_figures(reply: Reply) -> str:
    """Return one line: model, tokens, cost, seconds."""
    return " · ".join(_figures(reply))


def describe_end(reply: Reply, notes: tuple[str, ...], alone: bool) -> dict[str, Any]:
    """Return the fields of a message that ends a live view.

    Args:
        reply: The answer.
        notes: Sentences to show under it.
        alone: Whether the page shows no other output of the cell, as one that was loaded while it
            ran; it is sent the sentence of an error, too.

    Returns:
        The ``phase``; the sentences under the answer; its ``ending``, in a word or two, and its
        ``figures``; and as ``voice`` what is read aloud.
    """
    ending = name_ending(reply)
    counted = f"{'≈ ' if reply.estimated else ''}{reply.output_tokens or 0:,} tokens"
    return {
        "phase": "done",
        "notes": [*notes, *sentences(reply), *filter(None, [reply.error] * alone)],
        "ending": ending,
        "figures": describe_figures(reply),
        "voice": reply.error or f"{ending or 'Done'}, {counted}",
    }


def describe_refusal(sentence: str) -> dict[str, Any]:
    """Return the fields of a message that ends the live view of an answer that was not sent."""
    ending = {"phase": "done", "notes": [sentence], "ending": NOT_SENT, "figures": ""}
    return {**ending, "voice": sentence}


def refusal(sentence: str) -> dict[str, str]:
    """Return the static output of an answer that was not sent, by MIME type."""
    plain = strip_controls(repair_surrogates(sentence))
    return {
        "text/markdown": f"{_render_bold(plain)}\n\n**{NOT_SENT}**",
        "text/plain": f"{plain}\n\n{NOT_SENT}",
    }


def _figures(reply: Reply) -> Iterator[str]:
    yield reply.model or "unknown model"
    if reply.chat:
        yield f"chat {reply.chat}, turn {reply.turn}"
    if reply.recorded:
        yield "recorded reply"
    yield from _token_counts(reply)
    if reply.usage:
        about = "≈ " if reply.estimated else ""
        yield "price unknown" if reply.cost is None else f"{about}${dollars(reply.cost)}"
    if reply.first_token_seconds is not None:
        yield f"first token {reply.first_token_seconds:.1f} s"
    if reply.seconds is not None:
        yield f"{reply.seconds:.1f} s"


def describe_ending(reply: Reply) -> str:
    """Return in words how an answer ended."""
    ending = reply.stop_reason or "no stop reason"
    return ENDINGS.get(ending, ending.replace("_", " "))


_INPUTS = (
    ("input_tokens", "in"),
    ("cache_read_input_tokens", "cache read"),
    ("cache_creation_input_tokens", "cache write"),
)


def _token_counts(reply: Reply) -> Iterator[str]:
    for name, word in _INPUTS:
        count = reply.usage.tokens(name)
        if count or (count is not None and word == "in"):
            yield f"{count:,} {word}"
    if reply.output_tokens is not None:
        yield f"{'≈ ' if reply.estimated else ''}{reply.output_tokens:,} out"


def metadata(reply: Reply, name: str = "") -> dict[str, Any]:
    """Return the output's metadata, from which the usage of a saved notebook can be read."""
    return {
        METADATA_KEY: {
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
            **({"recorded": True} if reply.recorded else {}),  # It cost nothing.
        }
    }
