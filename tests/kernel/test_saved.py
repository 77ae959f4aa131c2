"""What is saved: by nbclient, nbconvert and papermill; and the notebooks that ship."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from ..loopback import Server, refusal

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
POEM = "%%claude poem\nWrite a short poem about the tide."


@pytest.fixture
def demo_env(clean_env: dict[str, str]) -> dict[str, str]:
    return clean_env | {"NOTEBOOK_STREAM_DEMO": "1"}


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A notebook that asks and uses the answer."""
    path = tmp_path / "poem.ipynb"
    cells = ["%load_ext notebook_stream", POEM, "print(len(poem), poem.complete)"]
    made = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    made.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(made, path)
    return path


def check(saved: Any) -> None:
    """Nothing of a widget is in it, and the answers are Markdown."""
    assert "widgets" not in saved.metadata
    outputs = [o for cell in saved.cells if cell.cell_type == "code" for o in cell.outputs]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert kinds <= {"text/markdown", "text/plain"}
    assert not [output for output in outputs if output.output_type == "error"]
    answers = [output for output in outputs if "notebook_stream" in output.get("metadata", {})]
    assert answers
    for output in answers:
        assert "<small>claude-" in output.data["text/markdown"]
        assert "recorded reply" in output.data["text/plain"]


@pytest.mark.parametrize(
    "command",
    [
        ["nbconvert", "--to", "notebook", "--execute", "--inplace", "poem.ipynb"],
        ["papermill", "poem.ipynb", "poem.ipynb", "--no-progress-bar"],
    ],
    ids=["nbconvert", "papermill"],
)
def test_no_widget_is_left_in_a_file_that_a_program_ran(
    command: list[str], notebook: Path, demo_env: dict[str, str]
) -> None:
    ran = [sys.executable, "-m", *command]
    subprocess.run(ran, env=demo_env, cwd=notebook.parent, check=True, capture_output=True)
    check(nbformat.read(notebook, as_version=4))


def test_html_of_a_run_notebook_shows_answer_and_footer(
    notebook: Path, demo_env: dict[str, str]
) -> None:
    ran = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", str(notebook)]
    subprocess.run(ran, env=demo_env, check=True, capture_output=True)
    page = notebook.with_suffix(".html").read_text()
    assert "<strong>The Tide</strong>" in page
    assert "<small>claude-sonnet-5-5" in page
    assert "application/vnd.jupyter.widget-state" not in page


def test_html_of_a_failed_cell_says_once_and_whole_what_was_wrong(
    notebook: Path, env: dict[str, str], server: Server
) -> None:
    server.play(refusal(401, "authentication_error", "invalid x-api-key"))
    convert = [sys.executable, "-m", "nbconvert", str(notebook), "--to"]
    run = [*convert, "notebook", "--inplace", "--execute", "--allow-errors"]
    for command in (run, [*convert, "html"]):
        subprocess.run(command, env=env, check=True, capture_output=True)
    page = notebook.with_suffix(".html").read_text()
    body = re.sub(r"<(style|script).*?</\1>", "", page.partition("<body")[2], flags=re.DOTALL)
    words = html.unescape(re.sub(r"<[^>]*>", "", body))
    sentence = (
        "the key was not accepted (401, authentication_error: invalid x-api-key, req_refused); "
        "check ANTHROPIC_API_KEY (https://platform.claude.com/settings/keys)."
    )
    assert words.lower().count("the key was not accepted") == words.count(sentence) == 1
    assert "**" not in words
    links = re.findall(r'<a[^>]*href="([^"]*)"', body)
    assert not [link for link in links if link.startswith("http") and not link[-1].isalnum()]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_shipped_notebook_runs_without_key_or_network(
    path: Path, demo_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = demo_env | {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
    for name in set(os.environ) - set(offline):
        monkeypatch.delenv(name)
    for name, value in offline.items():
        monkeypatch.setenv(name, value)
    shipped = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in shipped.cells)
    client = NotebookClient(shipped, timeout=120, resources={"metadata": {"path": str(tmp_path)}})
    check(client.execute())
