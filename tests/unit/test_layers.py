"""The architecture: who may import whom, and what the package shows."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import notebook_stream

PACKAGE = Path(notebook_stream.__file__).parent

ROOMS = (
    {"text"},
    {"markdown"},
    {"values"},
    {"reply", "turns"},
    {"errors"},
    {"background"},
    {"host"},
    {"stdio", "recording"},
    {"demo", "ledger", "conversation", "prompt"},
    {"request"},
    {"view", "api"},
    {"running"},
    {"verbs"},
    {"chat"},
    {"magic", "cli"},
)
"""Each room may import those above it. Rooms of one set are independent of each other."""

FRONT_DOOR = {"__init__", "__main__"}
"""The modules that belong to no room: what the package shows, and its command."""

ONLY_HERE = {
    "anthropic": {"api"},
    "httpx2": {"api", "recording"},
    "ipykernel": {"host"},
    "nest_asyncio": {"host"},
    "anywidget": {"view"},
    "genai_prices": {"ledger"},
    "markdown_it": {"markdown"},
}
"""The rooms that may import a package of others."""


def room(path: Path) -> str:
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def resolved(node: ast.ImportFrom, path: Path) -> list[str]:
    """The modules, or what is in them, that a ``from`` statement names, with all their packages."""
    package = ("notebook_stream", *path.relative_to(PACKAGE).parts[:-1])
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = ".".join([*base, *filter(None, [node.module])])
    return [f"{module}.{alias.name}" for alias in node.names]


def imports(path: Path) -> list[str]:
    """All that a file imports: at any depth, for a type checker alone, or by name as text."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += resolved(node, path)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names += re.findall(r"notebook_stream(?:\.\w+)+", node.value)
    return names


FILES = [path for path in PACKAGE.rglob("*.py") if room(path) not in FRONT_DOOR]
RANKS = {name: rank for rank, names in enumerate(ROOMS) for name in names}


def upward(path: Path, names: list[str]) -> list[str]:
    """The imports that a file may not have."""
    own = room(path)
    parts = [name.split(".") for name in names]
    ours = {name[1] for name in parts if name[0] == "notebook_stream" and len(name) > 1}
    theirs = {name[0] for name in parts} - {"notebook_stream"}
    wrong = [name for name in ours & RANKS.keys() if name != own and RANKS[name] >= RANKS[own]]
    return wrong + [name for name in theirs if own not in ONLY_HERE.get(name, {own})]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    assert not upward(path, imports(path))


def test_each_room_has_its_rank_and_is_there() -> None:
    assert {room(path) for path in FILES} == RANKS.keys()


@pytest.mark.parametrize(
    "line",
    [
        "from ..running import gate",
        "from .. import running",
        "import notebook_stream.running.gate",
        "if TYPE_CHECKING:\n    from ..running.gate import Gate",
        "def f():\n    from ..verbs import ask",
        "import_module('notebook_stream.running.gate')",
        "import anthropic",
    ],
)
def test_an_import_upward_is_found(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    path = tmp_path / "values" / "reply.py"
    path.parent.mkdir()
    path.write_text(line)
    assert upward(path, imports(path))


def test_the_public_names_are_there_and_no_others() -> None:
    for name in notebook_stream.__all__:
        assert getattr(notebook_stream, name).__module__.startswith("notebook_stream")
    assert sorted(notebook_stream.__all__) == notebook_stream.__all__
    with pytest.raises(AttributeError):
        _ = notebook_stream.no_such_name


def test_importing_loads_nothing_heavy() -> None:
    heavy = "{'anthropic', 'IPython', 'ipywidgets', 'markdown_it', 'pygments', 'httpx2'}"
    code = f"import notebook_stream, sys; from notebook_stream import Reply; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"
