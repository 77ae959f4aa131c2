"""A client that speaks to a real ipykernel as JupyterLab does: cells, clicks, interrupts."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from .versions import NEWEST, kernelspecs

DEADLINE_SECONDS = 30.0
Message = dict[str, Any]


@dataclass
class Cell:
    """A cell that was sent, and what came of it so far."""

    msg_id: str
    messages: list[Message] = field(default_factory=list)
    reply: Message | None = None
    idle: bool = False

    @property
    def done(self) -> bool:
        return self.idle and self.reply is not None

    @property
    def ok(self) -> bool:
        return bool(self.reply and self.reply["status"] == "ok")

    @property
    def error(self) -> Message:
        return next(m["content"] for m in self.messages if m["msg_type"] == "error")

    @property
    def stdout(self) -> str:
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        return self._stream("stderr")

    def _stream(self, name: str) -> str:
        streams = (m["content"] for m in self.messages if m["msg_type"] == "stream")
        return "".join(s["text"] for s in streams if s["name"] == name)

    @property
    def outputs(self) -> list[Message]:
        """What is displayed (list of content: data, metadata), after updates."""
        shown: list[Message] = []
        places: dict[str, int] = {}
        for message in self.messages:
            content = message["content"]
            place = content.get("transient", {}).get("display_id")
            if message["msg_type"] == "update_display_data" and place in places:
                shown[places[place]] = content
            elif message["msg_type"] in {"display_data", "execute_result"}:
                places[place] = len(shown)
                shown.append(content)
        return shown

    def of(self, kind: str) -> list[Message]:
        return [m["content"] for m in self.messages if m["msg_type"] == kind]


class Kernel:
    """A running kernel. `env` is what its process sees."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager = manager
        self._client = client
        self._cells: dict[str, Cell] = {}
        self.messages: list[Message] = []

    def send(
        self,
        code: str,
        *,
        watched: bool = True,
        subshell_id: str | None = None,
        cell_id: str = "",
        colab: bool = False,
        **content: Any,
    ) -> Cell:
        """Send a cell, as JupyterLab would (``watched``), as Colab would or as nbclient does.

        ``cell_id`` is for a cell that is run again; otherwise each is a new one.
        """
        request = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": watched,
            "stop_on_error": True,
            **content,
        }
        cell_id = cell_id or f"cell-{len(self._cells)}"
        named = {"colab": {"cell_id": cell_id}} if colab else {"cellId": cell_id}
        metadata = named if watched else {}
        message = self._client.session.msg("execute_request", request, metadata=metadata)
        if subshell_id:
            message["header"]["subshell_id"] = subshell_id
        self._client.shell_channel.send(message)
        cell = self._cells[message["header"]["msg_id"]] = Cell(message["header"]["msg_id"])
        return cell

    def run(self, code: str, **options: Any) -> Cell:
        """Run a cell to its end."""
        return self.wait(self.send(code, **options))

    def wait(self, cell: Cell) -> Cell:
        self.until(lambda: cell.done)
        return cell

    def until(self, condition: Callable[[], Any], seconds: float = DEADLINE_SECONDS) -> None:
        """Take messages until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not reached; last: {self.messages[-3:]}"
            self.take()

    def take(self) -> None:
        """Take the messages that are there."""
        for get in (self._client.get_iopub_msg, self._client.get_shell_msg):
            with suppress(Empty):
                while True:
                    self._sort(get(timeout=0.005))

    def _sort(self, message: Message) -> None:
        self.messages.append(message)
        cell = self._cells.get(message.get("parent_header", {}).get("msg_id", ""))
        if cell is None:
            return
        if message["msg_type"] == "execute_reply":
            cell.reply = message["content"]
        elif message["msg_type"] == "status":
            cell.idle = cell.idle or message["content"]["execution_state"] == "idle"
        else:
            cell.messages.append(message)

    # What a page does

    def views(self) -> list[str]:
        """The comm ids of the live views opened so far."""
        return [
            m["content"]["comm_id"]
            for m in self.messages
            if m["msg_type"] == "comm_open"
            and m["content"]["data"].get("state", {}).get("_model_name") == "AnyModel"
        ]

    def painted(self, comm_id: str) -> list[Message]:
        """The messages that the view's page got, with their packets read."""
        messages = [m for m in self.messages if m["msg_type"] == "comm_msg"]
        ours = [m for m in messages if m["content"]["comm_id"] == comm_id]
        customs = [(m["content"]["data"].get("content") or {}, m) for m in ours]
        return [
            {
                **content,
                "packets": [json.loads(zlib.decompress(b)) for b in message["buffers"]],
                "at_kernel": message["header"]["date"],
            }
            for content, message in customs
            if content.get("kind") == "paint"
        ]

    def send_from_page(
        self, comm_id: str, content: Message, subshell_id: str | None = None
    ) -> None:
        """Send what a page sends: ``{"kind": "stop"}`` is the click."""
        data = {"method": "custom", "content": content}
        message = self._client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell_id:
            message["header"]["subshell_id"] = subshell_id
        self._client.shell_channel.send(message)

    def click_stop(self, *, subshell: bool = False) -> None:
        """Click on Stop in the newest view, once it is there; in a page that uses a subshell."""
        self.until(self.views)
        self.send_from_page(
            self.views()[-1], {"kind": "stop"}, self.subshell() if subshell else None
        )

    def load_page(self) -> None:
        """Ask for the open widgets, as the widgets' manager does in a page that was loaded."""
        content = {"target_name": "jupyter.widget"}
        message = self._client.session.msg("comm_info_request", content)
        self._client.shell_channel.send(message)

    @property
    def has_subshells(self) -> bool:
        info = self._client.session.msg("kernel_info_request", {})
        self._client.control_channel.send(info)
        return "kernel subshells" in self._control_reply(info).get("supported_features", [])

    def subshell(self) -> str:
        """The id of a new subshell, as JupyterLab makes one for its widgets."""
        request = self._client.session.msg("create_subshell_request", {})
        self._client.control_channel.send(request)
        return str(self._control_reply(request)["subshell_id"])

    def _control_reply(self, request: Message) -> Message:
        while True:
            reply = self._client.get_control_msg(timeout=DEADLINE_SECONDS)
            if reply["parent_header"]["msg_id"] == request["header"]["msg_id"]:
                return dict(reply["content"])

    @property
    def iopub(self) -> str:
        """The address at which the kernel says everything to everyone."""
        info = self._manager.get_connection_info()
        return f"{info['transport']}://{info['ip']}:{info['iopub_port']}"

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def value(self, expression: str) -> str:
        """The ``repr`` of an expression in the kernel."""
        cell = self.run(f"print(repr({expression}), end='')")
        assert cell.ok, cell.reply
        return cell.stdout


@contextmanager
def running_kernel(
    env: dict[str, str], cwd: str | None = None, version: str = NEWEST, others: tuple[str, ...] = ()
) -> Iterator[Kernel]:
    """A kernel of that ipykernel, with other packages beside it, shut down at the end."""
    manager = KernelManager(kernel_name="python3")
    if version != NEWEST:
        specs = KernelSpecManager(kernel_dirs=[str(kernelspecs(version, *others))])
        manager = KernelManager(kernel_name=version, kernel_spec_manager=specs)
    manager.start_kernel(env=env, cwd=cwd)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy(linger=0)
