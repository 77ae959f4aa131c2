"""Answers that tests ask for below the verbs: with a view, a variable or an observer of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from notebook_stream.conversation.place import Place
from notebook_stream.request.options import Options
from notebook_stream.running.answer import Answer, Stage
from notebook_stream.running.observers import Observer
from notebook_stream.values.reply import Reply
from notebook_stream.values.round import Event
from notebook_stream.view import NoView, View


class Calling(Observer):
    """Calls a function with each event and its text."""

    def __init__(self, call: Callable[[Event, str], object]) -> None:
        self.take = call  # type: ignore[assignment,method-assign] # what it returns is nobody's


def new_answer(
    prompt: str = "hi",
    *,
    view: Callable[[], View] = NoView,
    place: Place | None = None,
    bind: Callable[[Reply], None] = lambda reply: None,
    on_event: Callable[[Event, str], object] = lambda event, text: None,
    **options: Any,
) -> Answer:
    """An answer that was not started yet."""
    stage = Stage(view=lambda _: view(), bind=bind)
    chosen = Options.of(options)
    return Answer(prompt, chosen, place=place, stage=stage, observers=[Calling(on_event)])
