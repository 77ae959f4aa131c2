"""A kernel to measure in: this package and its peers beside the newest ipykernel."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import zmq

from ..kernel.kernel import Cell, Kernel, running_kernel
from ..loopback import Script, Server, serving

IPYKERNEL = "7.4.0"
CHATLAS = "chatlas==0.23.0"


class Bed:
    """A kernel, its API, and a page that shows its views."""

    def __init__(self, kernel: Kernel, api: Server) -> None:
        self.kernel, self.api = kernel, api
        kernel.run("%load_ext notebook_stream\nimport time, notebook_stream")
        self.ask()

    def ask(self, code: str = "%%claude x\nhi", script: Script | None = None) -> Cell:
        """Run a cell that asks, and show the view it makes, if any."""
        if script:
            self.api.play(script)
        shown = len(self.kernel.views())
        cell = self.kernel.send(code)
        while not cell.done:
            self.kernel.take()
            for comm_id in self.kernel.views()[shown:]:
                self.kernel.send_from_page(comm_id, {"kind": "hello", "have": 0})
                shown += 1
        assert cell.ok, cell.reply
        return cell


@contextmanager
def bed(*others: str) -> Iterator[Bed]:
    """A kernel with other packages beside ours."""
    with serving() as api:
        env = os.environ | {"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": api.url}
        with running_kernel(env, version=IPYKERNEL, others=others) as kernel:
            yield Bed(kernel, api)


class Wire:
    """Counts the bytes that a kernel sends to its front ends."""

    def __init__(self, kernel: Kernel) -> None:
        self.bytes = self.messages = 0
        self._kernel = kernel
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._count)

    def __enter__(self) -> Wire:
        self._thread.start()
        while not self.messages:  # until it is subscribed
            self._kernel.run("pass")
        self.bytes = self.messages = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._kernel.run("pass")
        self._stop.set()
        self._thread.join()

    def _count(self) -> None:
        with zmq.Context() as context, context.socket(zmq.SUB) as socket:
            socket.set_hwm(0)
            socket.connect(self._kernel.iopub)
            socket.subscribe("")
            while not self._stop.is_set() or socket.poll(100):
                if socket.poll(100):
                    self.messages += 1
                    self.bytes += sum(map(len, socket.recv_multipart()))
