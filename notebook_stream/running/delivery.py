"""The end of an answer where its cell runs: the variable is bound, and the view shows its end."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

from .. import host
from ..text.controls import strip_controls
from ..values.reply import Reply
from ..view import NoView, View


class Delivery:
    """Binds a reply and closes its view: once, whoever asks for it first.

    Args:
        bind: Called with the reply.
        new_view: Makes the view.
    """

    def __init__(self, bind: Callable[[Reply], None], new_view: Callable[[], View]) -> None:
        self._bind = bind
        self._new_view = new_view
        self._view: View = NoView()
        self._unlisten: Callable[[], object] = lambda: None
        self._lock = threading.Lock()  # who iterates and who leaves may be two threads
        self._delivered = False

    def make_view(self) -> View:
        """Make the view, which is not shown yet."""
        self._view = self._new_view()
        return self._view

    def open(self, receive: Callable[[dict[str, Any]], None]) -> None:
        """Show the view; its pages' messages are received from before that until it is closed."""
        if self._view.widget is not None:
            self._unlisten = host.listen(self._view.widget, receive)
        self._view.open()

    def deliver(self, reply: Reply, notes: tuple[str, ...]) -> None:
        """Bind the reply and show the end; notes are warnings where no view shows them."""
        with self._lock:
            if not self._delivered:
                self._delivered = True
                self._bind_and_show(reply, notes)

    def _bind_and_show(self, reply: Reply, notes: tuple[str, ...]) -> None:
        try:
            self._bind(reply)
        finally:
            self._view.close()
        if not self._view.stays:
            self._unlisten()
        if self._view.shows:
            reply._shown_now = host.displayhook_probe()
            return
        for note in notes:
            warnings.warn(strip_controls(note), RuntimeWarning, stacklevel=5)
