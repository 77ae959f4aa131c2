"""VS Code by its protocol: the requests that it sends, and what it makes of a cell's outputs.

Read: microsoft/vscode-jupyter@3d24702, ``src/kernels/execution``: ``cellExecution.ts`` (`execute`),
``cellExecutionMessageHandler.ts`` (`handleUpdateDisplayDataMessage`), ``helpers.ts``
(`getOutputMetadata`, `translateCellDisplayOutput`); and microsoft/vscode, ``extensions/ipynb``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .kernel import Cell, Kernel, Message

FOLDER = "/home/me/confidential-7f3a"
CELL_ID = f"vscode-notebook-cell:{FOLDER}/x.ipynb#W2sZmlsZQ%3D%3D"
"""The id of a cell: the URI of its document, with the path of the notebook's file."""


def send(kernel: Kernel, code: str, cell_id: str = CELL_ID) -> Cell:
    """Send a cell as VS Code does."""
    return kernel.send(code, cell_id=cell_id, stop_on_error=False)


@dataclass(eq=False)
class Output:
    """An output of a cell: its parts by MIME type, and what VS Code stores as its metadata."""

    items: dict[str, Any]
    metadata: dict[str, Any]

    @classmethod
    def of(cls, kind: str, content: Message, transient: Any) -> Output:
        """Make an output out of a message, whose display id is part of the metadata."""
        metadata = {"outputType": kind, "metadata": content["metadata"]}
        return cls(content["data"], metadata | ({"transient": transient} if transient else {}))

    def saved(self) -> dict[str, Any]:
        """The output in the notebook's file."""
        kind = self.metadata["outputType"]
        if kind == "stream":
            (text,) = self.items.values()
            return {"output_type": kind, "name": "stdout", "text": text}
        return {"output_type": kind, "data": self.items, "metadata": self.metadata["metadata"]}


@dataclass
class Document:
    """The outputs of one cell in VS Code.

    The extension knows the outputs of a cell as the editor last reported them, which takes a while:
    here, as long as the cell runs. So whatever it replaces all of them by lacks the new ones.

    Attributes:
        outputs: The outputs that the editor shows.
        reported: The outputs that the extension knows.
        displays: The output and its parts that were last shown under each display id.
        replacements: How many times all outputs were replaced.
    """

    outputs: list[Output] = field(default_factory=list)
    reported: list[Output] = field(default_factory=list)
    displays: dict[str, tuple[Output, dict[str, Any]]] = field(default_factory=dict)
    replacements: int = 0

    @classmethod
    def of(cls, cell: Cell) -> Document:
        """The outputs of a cell that has ended."""
        made = cls()
        for message in cell.messages:
            made._take(message["msg_type"], message["content"])
        return made

    def _take(self, kind: str, content: Message) -> None:
        if kind == "stream":
            self._append_stream(content)
        elif kind in {"display_data", "execute_result"}:
            self._append(Output.of(kind, content, content.get("transient")))
        elif kind == "update_display_data":
            self._update(content["transient"]["display_id"], content)

    def _append_stream(self, content: Message) -> None:
        last = self.outputs[-1] if self.outputs else None
        if last and content["name"] in last.items:
            last.items[content["name"]] += content["text"]
        else:
            data = {content["name"]: content["text"]}
            self._append(Output.of("stream", {"data": data, "metadata": {}}, None))

    def _append(self, output: Output) -> None:
        self.outputs.append(output)
        display = output.metadata.get("transient", {}).get("display_id")
        if display:
            self.displays[display] = (output, output.items)

    def _update(self, display: str, content: Message) -> None:
        """Replace the parts of one output, or all outputs where its metadata has changed.

        The metadata is compared only where the number of parts is the same, deeply, and is not
        changed in any other case. The ``transient`` of the update is not read.
        """
        old, items = self.displays[display]
        kind, transient = old.metadata["outputType"], old.metadata["transient"]
        new = Output.of(kind, content, transient)
        if len(new.items) == len(items) and new.metadata != old.metadata:
            self._replace_all(display, new)
        else:
            old.items = new.items
            self.displays[display] = (old, new.items)

    def _replace_all(self, display: str, new: Output) -> None:
        self.replacements += 1
        old = self.displays[display][0]
        self.outputs = [new if one is old else one for one in self.reported]
        self.displays[display] = (new, new.items)

    def save(self, path: Path) -> None:
        """Save a notebook of this cell."""
        outputs = [output.saved() for output in self.outputs]
        path.write_text(json.dumps({"cells": [{"cell_type": "code", "outputs": outputs}]}))
