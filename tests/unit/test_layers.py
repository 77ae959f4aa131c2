"""The architecture: who may import whom, and what the package shows."""

from __future__ import annotations

import ast
import graphlib
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
    {"chat", "widget"},
    {"magic", "cli"},
)
"""Each room may import those above it. Rooms of one set are independent of each other."""

FRONT_DOOR = {"__init__", "__main__"}
"""The modules that belong to no room: what the package shows, and its command."""

VERSION = "notebook_stream.__version__"
"""What every room may import from the package itself."""

ONLY_HERE = {
    "anthropic": {"api"},
    "httpx2": {"api", "recording"},
    "ipykernel": {"host"},
    "nest_asyncio": {"host"},
    "anywidget": {"view"},
    "genai_prices": {"ledger"},
    "markdown_it": {"markdown"},
    "importlib": {"background", "demo"},
    "import_modules": {"background", "running"},
    "__import__": set(),
    "pkgutil": set(),
    "runpy": set(),
}
"""The rooms that may import a package of others, or import something by its name."""


def room(path: Path) -> str:
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def resolved(node: ast.ImportFrom, path: Path) -> list[str]:
    """The modules, or what is in them, that a ``from`` statement names, with all their packages."""
    package = ("notebook_stream", *path.relative_to(PACKAGE).parts[:-1])
    base = package[: len(package) - node.level + 1] if node.level else ()
    module = ".".join([*base, *filter(None, [node.module])])
    return [f"{module}.{alias.name}" for alias in node.names]


def named_in(text: str) -> list[str]:
    """The modules of ours that a string names, as a whole or after the name of a package."""
    whole: list[str] = re.findall(r"notebook_stream(?:\.\w+)+", text)
    rest = re.fullmatch(r"\.+(\w+)[\w.]*", text)
    return [*whole, f"notebook_stream.{rest[1]}"] if rest and rest[1] in RANKS else whole


def imports(path: Path) -> list[str]:
    """All that a file imports: at any depth, for a type checker alone, or by name as text."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                names += [alias.name for alias in node.names]
            case ast.ImportFrom():
                names += resolved(node, path)
            case ast.Constant(value=str(text)):
                names += named_in(text)
            case ast.Name(id=word) | ast.Attribute(attr=word):
                names += [word] if word in {"__import__", "import_modules"} else []
    return names


FILES = [path for path in PACKAGE.rglob("*.py") if room(path) not in FRONT_DOOR]
RANKS = {name: rank for rank, names in enumerate(ROOMS) for name in names}


def home(name: str) -> str:
    """The room that something of ours is in; a public name is in that of its module."""
    _, _, rest = name.partition(".")
    first = rest.partition(".")[0]
    if first in notebook_stream.__all__:
        module = getattr(notebook_stream, first).__module__
        return str(module.split(".")[1])
    return first


def upward(path: Path, names: list[str]) -> list[str]:
    """The imports that a file may not have."""
    own = room(path)
    ours = {name for name in names if name.partition(".")[0] == "notebook_stream"} - {VERSION}
    theirs = {name.partition(".")[0] for name in names} - {"notebook_stream"}
    beside = [name for name in ours if home(name) != own]
    wrong = [name for name in beside if RANKS.get(home(name), len(ROOMS)) >= RANKS[own]]
    return wrong + [name for name in theirs if own not in ONLY_HERE.get(name, {own})]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    assert not upward(path, imports(path))


def test_each_room_has_its_rank_and_is_there() -> None:
    assert {room(path) for path in FILES} == RANKS.keys()


def module_of(name: str, modules: set[str]) -> str | None:
    """The module that a name is, or is in."""
    while name not in modules and "." in name:
        name = name.rpartition(".")[0]
    return name if name in modules else None


def test_no_modules_import_each_other() -> None:
    """Within a room too: an import inside a function does not hide a cycle."""
    names = {
        ".".join(["notebook_stream", *path.relative_to(PACKAGE).with_suffix("").parts])
        .removesuffix(".__init__"): path
        for path in FILES
    }  # fmt: skip
    graph = {
        name: {module_of(one, set(names)) for one in imports(path)} - {name, None}
        for name, path in names.items()
    }
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(names)


@pytest.mark.parametrize(
    "line",
    [
        "from ..running import gate",
        "from .. import running",
        "from .. import ask",
        "from .. import *",
        "from notebook_stream import Chat",
        "import notebook_stream",
        "import notebook_stream.running.gate",
        "if TYPE_CHECKING:\n    from ..running.gate import Gate",
        "def f():\n    from ..verbs import ask",
        "import_module('notebook_stream.running.gate')",
        "import_module('..running.gate', __package__)",
        "sys.modules[f'{ROOT}.running']",
        "from importlib import import_module",
        "import importlib as names",
        "__import__(name)",
        "builtins.__import__(name)",
        "background.import_modules(name)",
        "from ..background import import_modules",
        "import anthropic",
        "def f():\n    from anthropic import types",
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
