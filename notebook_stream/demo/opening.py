"""Open a copy of the notebooks of this package in JupyterLab."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from .. import stdio
from ..errors import OptionError


def open_notebooks(folder: Path, *, browser: bool) -> int:
    """Open a copy of the quick start in JupyterLab, with the recorded replies switched on.

    Args:
        folder: The folder for the copy.
        browser: Whether JupyterLab opens a browser; else it prints its address.

    Returns:
        The exit status of JupyterLab; where it replaces this process there is no return.

    Raises:
        OptionError: JupyterLab is not installed, or the copy cannot be written.
    """
    if not find_spec("jupyterlab"):
        msg = "JupyterLab is not installed; run: pip install 'notebook_stream[lab]'"
        raise OptionError(msg)
    notebook = copy_notebooks(folder)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}"]
    command.append(f"--LabApp.default_url=/lab/tree/{notebook.name}")
    if not browser:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    stdio.print_error(f"Your copy of the quick start: {notebook}")
    os.environ["NOTEBOOK_STREAM_DEMO"] = "1"
    return _replace_process(command)


def _replace_process(command: list[str]) -> int:
    """Run a command in place of this process, so that Ctrl-C and signals reach it alone.

    Windows cannot replace a process: there it is a child, and its exit status is returned.
    """
    if os.name == "posix":
        sys.stderr.flush()
        os.execv(command[0], command)  # noqa: S606 - this interpreter, without a shell
    return subprocess.run(command, check=False).returncode  # noqa: S603 - this interpreter, without a shell


def copy_notebooks(folder: Path) -> Path:
    """Copy the notebooks of the package into a folder, without replacing any that are there.

    Returns:
        The path of the quick start.

    Raises:
        OptionError: They cannot be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in _find_notebooks().glob("*.ipynb"):
            if not (folder / source.name).exists():
                shutil.copy(source, folder)
        return (folder / "quickstart.ipynb").resolve()
    except OSError as error:
        why = error.strerror or type(error).__name__
        msg = f"the quick start cannot be put into {str(folder)!r} ({why}); give another --folder."
        raise OptionError(msg) from None


def _find_notebooks() -> Path:
    """Return the folder of the notebooks: in the installed package, or beside it in a checkout."""
    here = Path(__file__).parent
    installed = here / "notebooks"
    return installed if installed.is_dir() else here.parents[1] / "notebooks"
