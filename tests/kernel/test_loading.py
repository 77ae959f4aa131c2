"""`%load_ext` waits for nothing heavy."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ..loopback import Pause, Script, Server, end, start
from .kernel import running_kernel

SLOW_SDK = """
import os, sys, time
from importlib.machinery import PathFinder

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name != "anthropic":
            return None
        spec = PathFinder.find_spec(name, path, target)
        run = spec.loader.exec_module
        def exec_module(module):
            while not os.path.exists({go!r}):
                time.sleep(0.01)
            run(module)
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Slow())
"""


def test_loading_does_not_wait_for_the_sdk(
    env: dict[str, str], server: Server, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    (tmp_path / "sitecustomize.py").write_text(SLOW_SDK.format(go=str(go)))
    with running_kernel(env | {"PYTHONPATH": str(tmp_path)}) as kernel:
        assert kernel.run("%load_ext notebook_stream").ok
        cell = kernel.send("%%claude x\nhi")
        kernel.until(kernel.views)  # the view is there while the SDK is still being read
        assert not server.requests
        go.touch()
        assert kernel.wait(cell).ok
        assert kernel.value("str(x)") == "'Hello, world.'"


def test_loading_reads_the_sdk_on_the_background_thread(env: dict[str, str]) -> None:
    with running_kernel(env) as kernel:
        kernel.run("%load_ext notebook_stream")
        cell = kernel.run(
            "import time, sys\n"
            "deadline = time.monotonic() + 20\n"
            "while 'notebook_stream.api' not in sys.modules and time.monotonic() < deadline:\n"
            "    time.sleep(0.01)\n"
            "print('notebook_stream.api' in sys.modules)"
        )
        assert cell.stdout == "True\n"


def test_cells_await_after_loading_in_a_silent_request(env: dict[str, str], server: Server) -> None:
    with running_kernel(env) as kernel:
        assert kernel.run("%load_ext notebook_stream", silent=True, store_history=False).ok
        kernel.run(
            "import asyncio\nran = []\nlater = asyncio.get_running_loop().call_later(0.2, ran.append, 1)"
        )
        server.play(Script([Pause(0.5), start(), end()]))
        assert kernel.run("%%claude x\nhi\n").ok
        assert kernel.run("print(ran)").stdout == "[1]\n"


def test_a_click_does_not_wait_for_the_sdk(
    env: dict[str, str], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SLOW_SDK.format(go=str(tmp_path / "go")))
    with running_kernel(env | {"PYTHONPATH": str(tmp_path)}) as kernel:
        assert kernel.run("%load_ext notebook_stream").ok
        for act, ending in ((kernel.click_stop, "stopped"), (kernel.interrupt, "interrupted")):
            cell = kernel.send("%%claude x\nhi")
            kernel.until(partial(getattr, cell, "outputs"))
            act()
            kernel.wait(cell)
            assert kernel.value("(x, x.stop_reason)") == repr(("", ending))
        assert not server.requests
        (tmp_path / "go").touch()
        assert kernel.run("%%claude x\nhi").ok
        assert kernel.value("str(x)") == "'Hello, world.'"
