"""A real JupyterLab, a real Chromium, and the API on a loopback socket."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from ..loopback import Server, serving

TOKEN = "test"  # noqa: S105 - of a server that lives as long as the tests
SETTINGS = {
    "apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false"},
    "docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}
expect.set_options(timeout=60_000)  # a deadline: a busy machine loads JupyterLab slowly
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@dataclass
class Lab:
    """A running Jupyter server."""

    url: str
    folder: Path
    api: Server

    def get(self, what: str) -> Any:
        """What the server says at an address of its API; None where it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/{what}?token={TOKEN}") as response:
                return json.load(response)
        except (urllib.error.URLError, ConnectionError):
            return None

    def answers(self, address: str) -> bool:
        """Whether the server has an answer at an address."""
        try:
            with urllib.request.urlopen(f"{self.url}/{address}?token={TOKEN}"):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    def kernel_is_idle(self, path: Path) -> bool:
        """Whether the notebook's kernel is up; a page asked before offers a choice of kernels."""
        sessions = [session for session in self.get("sessions") if session["name"] == path.name]
        return any(session["kernel"]["execution_state"] == "idle" for session in sessions)

    def end_sessions(self) -> None:
        """Shut the kernels of all notebooks down: a hundred of them would slow later tests."""
        for session in self.get("sessions") or []:
            address = f"{self.url}/api/sessions/{session['id']}?token={TOKEN}"
            request = urllib.request.Request(address, method="DELETE")
            with suppress(urllib.error.URLError), urllib.request.urlopen(request):
                pass

    def write(self, name: str, *cells: str) -> Path:
        """Make a notebook of code cells, the extension loaded in the first."""
        made = new_notebook(cells=[new_code_cell(c) for c in ("%load_ext notebook_stream", *cells)])
        made.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        path = self.folder / f"{name}.ipynb"
        nbformat.write(made, path)
        return path


@contextmanager
def serving_pages(
    command: list[str], env: dict[str, str], folder: Path, ready: str = "api/status"
) -> Iterator[Lab]:
    """A Jupyter server of any kind, and the API for its kernels."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving() as api:
        env = env | {"ANTHROPIC_API_KEY": "sk-ant-test", "ANTHROPIC_BASE_URL": api.url}
        with (
            (folder / "server.log").open("w") as log,
            subprocess.Popen(
                [*command, f"--port={port}"], env=env, stdout=log, stderr=log
            ) as running,
        ):
            started = Lab(f"http://127.0.0.1:{port}", folder, api)
            try:
                _wait_until(lambda: started.answers(ready))
                yield started
            finally:
                running.terminate()
                with suppress(subprocess.TimeoutExpired):
                    running.wait(60)
                running.kill()  # A process that has ended already is left alone.


def jupyter(app: str, folder: Path, python: str = sys.executable) -> list[str]:
    """The command of a Jupyter server: jupyterlab, nbclassic."""
    command = [python, "-m", app, "--no-browser", f"--ServerApp.root_dir={folder}"]
    command += [f"--IdentityProvider.token={TOKEN}", "--ServerApp.port_retries=0"]
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*command, "--allow-root"] if as_root else command


@pytest.fixture(scope="package")
def lab_env(clean_env: dict[str, str]) -> dict[str, str]:
    """The environment of a JupyterLab that asks nothing and saves nothing by itself."""
    for name, setting in SETTINGS.items():
        path = Path(clean_env["JUPYTER_CONFIG_DIR"]) / "lab/user-settings/@jupyterlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting))
    return clean_env


@pytest.fixture(scope="package")
def lab(lab_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab and Notebook 7 on one server."""
    folder = tmp_path_factory.mktemp("lab")
    with serving_pages(jupyter("jupyterlab", folder), lab_env, folder) as started:
        yield started


@pytest.fixture(autouse=True)
def _nothing_of_another_test(request: pytest.FixtureRequest) -> Iterator[None]:
    if "lab" not in request.fixturenames:
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    lab.api.scripts.clear()
    yield
    lab.end_sessions()


def _wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not come true"
        time.sleep(0.1)


@contextmanager
def a_chromium() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, else Playwright's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with a_chromium() as started:
        yield started


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails the test where the view's script fails."""
    context = chromium.new_context(viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    yield opened
    context.close()
    # The view's module is loaded from a blob; JupyterLab has errors of its own.
    assert not [error for error in errors if "blob:" in error]


def top_of(element: Locator) -> float:
    """Where an element is on the screen, in pixels from the top."""
    box = element.bounding_box()
    assert box is not None
    return float(box["y"])


class Notebook:
    """A notebook that is open in the page."""

    def __init__(self, page: Page, lab: Lab, path: Path, *, app: str) -> None:
        self.page, self.path = page, path
        # A workspace of its own: JupyterLab opens again what was open in the last one.
        tree = f"lab/workspaces/{path.stem}/tree" if app == "lab" else "notebooks"
        page.goto(f"{lab.url}/{tree}/{path.name}?token={TOKEN}")
        page.wait_for_selector(".jp-CodeCell")
        self._kernel_is_idle = lambda: lab.kernel_is_idle(path)
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait until the kernel is idle, and the page knows it."""
        _wait_until(self._kernel_is_idle)
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')

    def use_theme(self, name: str) -> None:
        """Choose a theme of JupyterLab, "Light" or "Dark", which stays for the server's next pages."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.get_by_text("Theme", exact=True).hover()
        self.page.get_by_text(f"JupyterLab {name}", exact=True).click()
        is_light = "true" if name == "Light" else "false"
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", is_light)

    def run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()

    def run_last(self) -> None:
        """Run the last cell alone, once the page has it: a page attaches its cells one by one."""
        last = len(json.loads(self.path.read_text(encoding="utf-8"))["cells"]) - 1
        self.page.locator(".jp-CodeCell").nth(last).locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Control+Enter")

    def output(self, cell: int) -> Any:
        """The output area of a cell, the first being 0."""
        return self.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea-child")

    def save(self, words: str) -> Any:
        """Save it.

        Returns:
            The file, once it holds the words.
        """
        self.page.keyboard.press("Control+s")
        _wait_until(lambda: words in self.path.read_text())
        return nbformat.read(self.path, as_version=4)


@pytest.fixture(params=["lab", "notebook"])
def app(request: pytest.FixtureRequest) -> str:
    return str(request.param)
