"""VS Code, played by its protocol: the outputs of a cell, its clicks, and the path in its ids."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from notebook_stream.ledger.saved import ledger_of

from ..loopback import Drop, Hold, Script, Server, answer, delta, end, start
from .kernel import Kernel
from .vscode import CELL_ID, FOLDER, Document, send

WIDGET = "application/vnd.jupyter.widget-view+json"
FACTS = "application/vnd.notebook-stream+json"

CODE = """
from IPython.display import HTML, display
print("before")
x = %claude hi
display(HTML("<b>after</b>"))
print("last")
"""

PAGES = ("shows the view", "is silent", "cannot show it", "shows it late")
"""What the page does with the widget; in all but the first case the fallback is shown."""


def play(kernel: Kernel, page: str) -> str:
    """Do what the page does, once the view is displayed, until its effect is displayed."""
    kernel.until(kernel.views)
    comm_id = kernel.views()[-1]
    if page == "shows the view":
        kernel.send_from_page(comm_id, {"kind": "hello", "have": 0})
        kernel.until(lambda: "partial" in str(kernel.painted(comm_id)))
        return comm_id
    if page == "cannot show it":
        kernel.send_from_page(comm_id, {"kind": "unshown"})
    kernel.until(lambda: updates(kernel) == 1)
    if page == "shows it late":
        kernel.send_from_page(comm_id, {"kind": "hello", "have": 0})
        kernel.until(lambda: updates(kernel) == 2)
    return comm_id


def updates(kernel: Kernel) -> int:
    return len([m for m in kernel.messages if m["msg_type"] == "update_display_data"])


@pytest.mark.parametrize("page", PAGES)
def test_no_output_of_the_cell_is_lost_and_the_file_has_the_usage(
    kernel: Kernel, server: Server, page: str, tmp_path: Path
) -> None:
    hold = Hold()
    server.play(Script([start(), delta("partial"), hold, delta(" whole"), end()]))
    cell = send(kernel, CODE)
    server.wait_for_request()
    play(kernel, page)
    hold.let_go.set()
    assert kernel.wait(cell).ok
    document = Document.of(cell)
    assert document.replacements == 0
    before, shown, after, last = (output.saved() for output in document.outputs)
    assert (before["text"], last["text"]) == ("before\n", "last\n")
    assert after["data"]["text/html"] == "<b>after</b>"
    assert shown["data"]["text/markdown"].startswith("partial whole\n\n<small>")
    assert WIDGET not in shown["data"]
    (displayed, _) = (message["metadata"] for message in cell.of("display_data"))
    assert shown["metadata"] == displayed
    assert shown["data"][FACTS]["usage"] == {"input_tokens": 25, "output_tokens": 12}
    document.save(tmp_path / "x.ipynb")
    ledger = ledger_of([tmp_path / "x.ipynb"], lambda *skipped: pytest.fail(str(skipped)))
    assert (ledger.total.requests, ledger.total.input_tokens) == (1, 25)
    assert ledger.total.cost == pytest.approx((25 * 2 + 12 * 10) / 1e6)


CAPTURED = {
    "an Output widget": "import ipywidgets\nwith ipywidgets.Output():\n    x = %claude hi",
    "%%capture": "%%capture taken\nx = %claude hi",
}


@pytest.mark.one_kernel
@pytest.mark.parametrize("by", CAPTURED)
def test_an_answer_that_is_captured_has_its_facts_in_the_metadata(kernel: Kernel, by: str) -> None:
    """No update of it follows, and older Output widgets of VS Code show no `application/vnd.*`."""
    cell = kernel.wait(send(kernel, CAPTURED[by]))
    if by == "%%capture":
        assert cell.ok
        cell = kernel.wait(send(kernel, "taken.show()"))
    shown = [output for output in cell.outputs if WIDGET not in output["data"]]
    assert [set(output["data"]) for output in shown] == [{"text/markdown", "text/plain"}]
    assert shown[0]["metadata"]["notebook_stream"]["complete"]


CALLS = {
    "awaits": "%%claude x\nhi",
    "blocks": "import notebook_stream\nx = notebook_stream.ask('hi')",
}


@pytest.mark.every_kernel
@pytest.mark.parametrize("call", CALLS)
def test_stop_by_click_without_a_subshell(kernel: Kernel, server: Server, call: str) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    cell = send(kernel, CALLS[call])
    after = send(kernel, "print('next:', x, x.stop_reason)")
    server.wait_for_request()
    play(kernel, "shows the view")
    kernel.click_stop()
    assert server.requests[0].has_closed()
    assert not after.done
    assert kernel.wait(cell).ok
    assert kernel.wait(after).stdout == "next: partial stopped\n"
    document = Document.of(cell)
    assert document.replacements == 0
    (shown,) = (output.saved() for output in document.outputs)
    assert shown["data"]["text/markdown"].startswith("partial\n\n**Stopped** <small>")
    assert shown["data"][FACTS]["stop_reason"] == "stopped"


@pytest.mark.one_kernel
def test_cells_that_are_not_stopped_by_an_error_go_on_after_an_interrupt(
    kernel: Kernel, server: Server
) -> None:
    server.play(Script([start(), delta("partial"), Hold()]))
    cell = send(kernel, CALLS["awaits"])
    after = send(kernel, "print('next:', x, x.stop_reason)")
    server.wait_for_request()
    play(kernel, "shows the view")
    kernel.interrupt()
    assert kernel.wait(cell).error["ename"] == "KeyboardInterrupt"
    assert kernel.wait(after).stdout == "next: partial interrupted\n"


LOG = """
import logging, pickle, copy
logging.basicConfig(filename="log.txt", level=logging.DEBUG, force=True)
"""

ASKING = (
    "%%claude first --chat trip --record first.txt\nhi",
    "second = trip.ask('hi', record='second.txt')",
    "with trip.stream('hi') as s:\n    print(list(s))",
    "third = await trip.aask('hi')",
    "%claude --chat trip this fails",
    "%claude_chats",
    "%claude_usage",
    "print(repr(trip.turns), vars(trip), trip, first.__dict__)",
    "trip",
    "trip.turns",
    "open('pickle.bin', 'wb').write(pickle.dumps([trip, copy.deepcopy(trip), first, trip.fork()]))",
)


@pytest.mark.one_kernel
def test_the_path_in_a_cell_id_is_saved_nowhere(
    kernel: Kernel, server: Server, tmp_path: Path
) -> None:
    server.play(*[answer("Hello.")] * 4, Script([start(), delta("Hel"), Drop]))
    kernel.run(LOG)
    cells = [kernel.wait(send(kernel, code, f"{CELL_ID}{n}")) for n, code in enumerate(ASKING)]
    assert [cell.ok for cell in cells] == [n != 4 for n in range(len(cells))]
    assert kernel.value("[turn.cell is not None for turn in trip.turns]") == repr([True] * 5)
    written = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert {"first.txt", "log.txt", "pickle.bin", "second.txt"} <= {path.name for path in written}
    texts = {path.name: path.read_bytes().decode("latin-1") for path in written}
    texts["outputs"] = json.dumps(kernel.messages, default=str)
    texts["requests"] = str([(one.headers, one.body) for one in server.requests])
    word = FOLDER.rpartition("/")[2]
    assert [name for name, text in texts.items() if word in text or "vscode-notebook" in text] == []


URIS = (
    CELL_ID,
    "vscode-notebook-cell://ssh-remote%2Bhost/home/me/x.ipynb#X10sdnNjb2RlLXJlbW90ZQ%3D%3D",
    "vscode-notebook-cell:Untitled-1.ipynb?jupyter-notebook#W0sdW50aXRsZWQ%3D",
    "vscode-interactive-input:/home/me/InteractiveInput-1",
    "vscode-vfs://github/me/x.ipynb",
    "vscode-notebook-cell:/home/me/\U0001f600/x.ipynb",
)
OTHERS = {
    "d3b07384-d9a7-4e6b-8f3a-0c1d2e3f4a5b": True,  # JupyterLab, nbformat: what the file has
    "cell_1": True,
    "/home/me/x.ipynb": False,
    "x.ipynb#1": False,
    "1" * 65: False,
}
"""Ids of cells that are no URIs, and whether they are stored as they are."""


@pytest.mark.one_kernel
def test_ids_that_are_uris_move_the_facts_and_only_those_of_nbformat_are_stored(
    kernel: Kernel,
) -> None:
    for cell_id in (*URIS, *OTHERS):
        cell = kernel.wait(send(kernel, "%claude -c trip hi", cell_id))
        (output,) = cell.outputs
        assert (FACTS in output["data"]) == (cell_id in URIS), cell_id
        assert ("notebook_stream" in output["metadata"]) == (cell_id in OTHERS), cell_id
    stored = ast.literal_eval(kernel.value("[turn.cell[0] for turn in trip.turns]"))
    assert len(set(stored)) == len(stored) == len(URIS) + len(OTHERS)
    assert {one for one in OTHERS if one in stored} == {one for one in OTHERS if OTHERS[one]}
    assert not set(URIS) & set(stored)


@pytest.mark.one_kernel
def test_a_cell_with_a_uri_that_is_run_again_replaces_its_own_turn(
    kernel: Kernel, server: Server
) -> None:
    for name in "abc":
        kernel.wait(send(kernel, f"%claude -c trip {name}", f"{CELL_ID}{name}"))
    kernel.wait(send(kernel, "%claude -c trip B", f"{CELL_ID}b"))
    assert kernel.value("[turn.prompt for turn in trip.turns]") == "['a', 'B', 'c']"
    ids = "[turn.cell[0] for turn in pickle.loads(pickle.dumps(trip)).turns]"
    assert kernel.run("import pickle").ok
    assert kernel.value(f"len(set({ids}))") == "3"
