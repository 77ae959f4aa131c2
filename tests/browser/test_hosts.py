"""Other pages than the newest JupyterLab's and Notebook's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from ..environments import environment
from ..loopback import Hold, Script, delta, end, start
from .conftest import TOKEN, Lab, Notebook, jupyter, serving_pages
from .test_live import NEXT


def test_jupyterlab_4_4_streams_stops_and_swaps(
    page: Page, lab_env: dict[str, str], tmp_path: Path
) -> None:
    python = environment("jupyterlab==4.4.*") / "bin" / "python"
    with serving_pages(jupyter("jupyterlab", tmp_path, str(python)), lab_env, tmp_path) as lab:
        lab.api.play(Script([start(), delta("A partial"), Hold()]))
        notebook = Notebook(page, lab, lab.write("old", "%%claude poem\nGo.", NEXT), app="lab")
        notebook.run_all()
        expect(page.locator(".ns-text")).to_contain_text("A partial")
        page.locator(".ns-stop").click()
        expect(notebook.output(2)).to_contain_text("next: 9 stopped")
        expect(notebook.output(1).locator("strong").last).to_have_text("Stopped")
        file = notebook.save("next: 9 stopped")
        assert set(file.cells[1].outputs[0].data) == {"text/markdown", "text/plain"}


def test_nbclassic_streams_stops_and_swaps(
    page: Page, lab_env: dict[str, str], tmp_path: Path
) -> None:
    with serving_pages(jupyter("nbclassic", tmp_path), lab_env, tmp_path) as lab:
        lab.api.play(Script([start(), delta("A partial"), Hold()]))
        path = lab.write("classic", "%%claude poem\nGo.", NEXT)
        page.goto(f"{lab.url}/nbclassic/notebooks/{path.name}?token={TOKEN}")
        page.wait_for_function(
            "window.Jupyter?.notebook?._fully_loaded && Jupyter.notebook.kernel?.is_connected()"
        )
        page.evaluate("Jupyter.notebook.execute_all_cells()")
        expect(page.locator(".ns-text")).to_contain_text("A partial")
        page.locator(".ns-stop").click()
        outputs = page.locator(".code_cell").locator(".output")
        expect(outputs.nth(2)).to_contain_text("next: 9 stopped")
        expect(outputs.nth(1).locator("strong").last).to_have_text("Stopped")
        expect(page.locator(".ns-live")).to_have_count(0)


def voila(folder: Path) -> list[str]:
    return [sys.executable, "-m", "voila", str(folder), "--no-browser", "--Voila.ip=127.0.0.1"]


def test_voila_shows_the_answer(page: Page, lab_env: dict[str, str], tmp_path: Path) -> None:
    with serving_pages(voila(tmp_path), lab_env, tmp_path, ready="") as lab:
        path = lab.write("app", "%%claude poem\nGo.", NEXT)
        page.goto(f"{lab.url}/voila/render/{path.name}", timeout=60_000)
        expect(page.locator("body")).to_contain_text("Hello, world.", timeout=60_000)
        expect(page.locator("small")).to_contain_text("25 in · 12 out")
        expect(page.locator("body")).to_contain_text("next: 13 end_turn")
        expect(page.locator(".ns-live")).to_have_count(0)


@pytest.fixture
def bare_lab(lab_env: dict[str, str], tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab whose pages cannot show widgets."""
    config = tmp_path / "config"
    (config / "labconfig").mkdir(parents=True)
    off = {"disabledExtensions": {"@jupyter-widgets/jupyterlab-manager": True}}
    (config / "labconfig" / "page_config.json").write_text(json.dumps(off))
    folder = tmp_path / "folder"
    folder.mkdir()
    env = lab_env | {"JUPYTER_CONFIG_DIR": str(config)}
    with serving_pages(jupyter("jupyterlab", folder), env, folder) as started:
        yield started


def test_a_page_without_widgets_says_how_to_stop_and_gets_the_answer(
    page: Page, bare_lab: Lab
) -> None:
    hold = Hold()
    bare_lab.api.play(Script([start(), delta("The answer"), hold, end()]))
    path = bare_lab.write("bare", "%%claude poem\nGo.", NEXT)
    notebook = Notebook(page, bare_lab, path, app="lab")
    notebook.run_all()
    expect(notebook.output(1)).to_contain_text("this page cannot show it live")
    expect(notebook.output(1)).to_contain_text("■")
    expect(notebook.output(1)).to_contain_text("poem")
    hold.let_go.set()
    expect(notebook.output(1)).to_contain_text("The answer")
    file = notebook.save("The answer")
    assert "widgets" not in file.metadata
    assert set(file.cells[1].outputs[0].data) == {"text/markdown", "text/plain"}


def test_an_output_widget_shows_the_answer(page: Page, lab: Lab) -> None:
    code = (
        "import ipywidgets\nout = ipywidgets.Output()\ndisplay(out)\nwith out:\n    x = %claude hi"
    )
    lab.api.play(Script([start(), delta("Some **bold** words"), Hold()]))
    path = lab.write("output", code, "print(x.stop_reason)")
    notebook = Notebook(page, lab, path, app="lab")
    notebook.run_all()
    inside = page.locator(".jupyter-widgets.widget-output")
    expect(inside.locator(".ns-text strong")).to_have_text("bold")
    inside.locator(".ns-stop").click()
    expect(inside.locator(".ns-footer strong")).to_have_text("Stopped")
    expect(notebook.output(2)).to_contain_text("stopped")
    expect(inside.locator(".ns-text strong")).to_have_text("bold")


def test_nothing_of_a_widget_is_saved(page: Page, lab: Lab) -> None:
    notebook = Notebook(page, lab, lab.write("clean", "%%claude poem\nGo.", NEXT), app="lab")
    notebook.run_all()
    expect(notebook.output(2)).to_contain_text("end_turn")
    file = notebook.save("end_turn")
    assert "widget" not in nbformat.writes(file)
