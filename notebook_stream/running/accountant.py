"""The entries of an answer in the session's ledger."""

from __future__ import annotations

from ..ledger.usage import session
from ..values.round import Round
from .observers import Observer


class Accountant(Observer):
    """Enters each round of an answer in the session's ledger, as soon as the round has ended.

    Args:
        chat: The name of the chat that the answer is asked in; "" outside of any.
    """

    def __init__(self, chat: str) -> None:
        self._chat = chat

    def end_round(self, ended: Round) -> None:
        """Enter it in the row of its chat and its model."""
        session.add(ended, self._chat)
