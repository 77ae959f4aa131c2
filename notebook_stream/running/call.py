"""A call of a Python function that asks: its prompt, its options, and its chat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .. import host
from ..conversation.conversation import Conversation
from ..conversation.place import Place
from ..conversation.queue import PromptQueue, Ticket
from ..errors import OptionError
from ..prompt import Filled, fill_in
from ..request.options import Options
from .answer import NOWHERE, Answer, Stage
from .observers import Observer


class Call:
    """A call of a function that asks, whose answer is made when its turn in the chat has come.

    Args:
        prompt: What to ask.
        chat: The chat of which it becomes a turn; None for a prompt on its own.
        options: The options that `%%claude?` lists.

    Raises:
        OptionError: ``chat`` is not a Chat.
    """

    def __init__(self, prompt: str, chat: Any, options: dict[str, Any]) -> None:
        if chat is not None and not isinstance(chat, Conversation):
            msg = f"chat must be a Chat, got {type(chat).__name__}; write chat=Chat()."
            raise OptionError(msg)
        self._prompt = prompt
        self._options = options
        self._cell = host.cell()
        self._filled: Filled | None = None
        self.chat: Conversation | None = chat

    def join(self) -> Ticket:
        """Join the queue of the chat; without a chat, a queue of its own, which is empty."""
        return PromptQueue().join() if self.chat is None else self.chat.join()

    def make(
        self,
        leave: Callable[[], None] = lambda: None,
        stage: Stage = NOWHERE,
        observers: Sequence[Observer] = (),
    ) -> Answer:
        """Make the answer, with the turns that are before it in the chat now.

        ``{{ expressions }}`` are evaluated once, however often it is called.

        Args:
            leave: The function that lets the next prompt of the chat be asked.
            stage: Where it appears; nowhere by default.
            observers: Who else watches it.

        Raises:
            OptionError: The prompt or an option cannot be used.
            CredentialsError: The key cannot be sent as it is.
        """
        place = Place() if self.chat is None else self.chat.place(self._cell, leave)
        lasting = {**(self.chat.options if self.chat else {}), **place.options()}
        chosen = Options.of({"raw": True, **lasting, **self._options})
        filled = self._fill_in(raw=chosen.raw)
        there = replace(stage, notes=filled.notes)
        return Answer(filled.text, chosen, place=place, stage=there, observers=observers)

    def _fill_in(self, *, raw: bool) -> Filled:
        if self._filled is None:
            here = host.shell()
            names = here.user_ns if here else {}
            self._filled = Filled(self._prompt) if raw else fill_in(self._prompt, names)
        return self._filled
