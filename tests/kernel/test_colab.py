"""Google Colab: its packages, its cells' ids, and its page that loads a manager of widgets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..loopback import Hold, Script, Server, answer, delta, end, start
from .kernel import Kernel, running_kernel
from .test_cells import shown
from .versions import COLAB, COLAB_FIXED

WIDGET = "application/vnd.jupyter.widget-view+json"
MANAGER = "https://example.com/manager.min.js"


@pytest.mark.own_environment
def test_installing_this_package_changes_no_package_that_colab_depends_on(
    env: dict[str, str],
) -> None:
    with running_kernel(env, version=COLAB) as kernel:
        kernel.run("import importlib.metadata, json")
        cell = kernel.run(
            f"print(json.dumps({{n: importlib.metadata.version(n) for n in {list(COLAB_FIXED)}}}))"
        )
        assert json.loads(cell.stdout) == COLAB_FIXED
        assert kernel.run("import IPython, ipykernel, ipywidgets, traitlets").ok
        versions = "IPython.__version__, ipykernel.__version__, ipywidgets.__version__"
        expected = tuple(COLAB_FIXED[name] for name in ("ipython", "ipykernel", "ipywidgets"))
        assert kernel.value(f"({versions})") == repr(expected)


@pytest.mark.one_kernel
@pytest.mark.colab
def test_a_cell_that_colab_sends_is_shown_live(kernel: Kernel) -> None:
    cell = kernel.run("%%claude x\nhi", colab=True, allow_stdin=False)
    assert cell.ok
    assert len(kernel.views()) == 1
    assert shown(cell).startswith("Hello, world.")


@pytest.mark.one_kernel
@pytest.mark.colab
def test_a_cell_of_colab_that_is_run_again_replaces_its_turns(
    kernel: Kernel, server: Server
) -> None:
    kernel.run("from notebook_stream import Chat\ntrip = Chat(name='trip')")
    for prompt in "abc":
        kernel.run(f"%claude -c trip {prompt}", cell_id=prompt, colab=True)
    server.play(answer("Anew."))
    kernel.run("%claude -c trip B", cell_id="b", colab=True)
    turns = "[(turn.prompt, str(turn.reply)) for turn in trip.turns]"
    hello = "Hello, world."
    assert kernel.value(turns) == repr([("a", hello), ("B", "Anew."), ("c", hello)])
    kernel.run("for q in 'xy':\n    trip.ask(q)", cell_id="c", colab=True)
    nested = "get_ipython().run_cell('1')\ntrip.ask('X')\nget_ipython().run_cell('1')\n"
    kernel.run(f"{nested}print(len(trip.turns))", cell_id="c", colab=True)
    assert kernel.value("[turn.prompt for turn in trip.turns]") == "['a', 'B', 'X']"


HOST = {
    "__init__.py": "",
    "colab/__init__.py": "",
    "colab/output/__init__.py": f"""
from . import _widgets

def enable_custom_widget_manager():
    _widgets._installed_url = {MANAGER!r}
""",
    "colab/output/_widgets.py": "_installed_url = None\n",
}
"""What anywidget uses of Colab's package `google.colab` (anywidget/_util.py, read in 0.9.21)."""


@pytest.mark.one_kernel
@pytest.mark.colab
def test_each_display_of_a_view_names_the_widget_manager_of_colab(
    kernel: Kernel, server: Server, tmp_path: Path
) -> None:
    for name, source in HOST.items():
        path = tmp_path / "google" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    assert kernel.run("import google.colab.output").ok
    hold = Hold()
    server.play(Script([start(), delta("text"), hold, end()]))
    cell = kernel.send("%%claude poem\nGo.", colab=True)
    kernel.until(lambda: cell.outputs)
    named = {WIDGET: {"colab": {"custom_widget_manager": {"url": MANAGER}}}}
    assert cell.of("display_data")[0]["metadata"] == named
    kernel.until(lambda: "cannot show it live" in shown(cell))
    kernel.send_from_page(kernel.views()[0], {"kind": "hello", "have": 0})
    kernel.until(lambda: WIDGET in cell.outputs[0]["data"])
    assert cell.outputs[0]["metadata"] == named
    hold.let_go.set()
    assert kernel.wait(cell).ok
    assert set(cell.outputs[0]["metadata"]) == {"notebook_stream"}
