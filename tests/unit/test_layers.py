"""The architecture: who may import whom, and what the package shows."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import notebook_stream

PACKAGE = Path(notebook_stream.__file__).parent

ORDER = (
    {"controls", "keys"},
    {"errors", "markdown", "background", "host", "message", "stdio", "table"},
    {"reply", "options", "recording"},
    {"usage", "gate", "prompt", "replay", "redaction", "cells", "queueing", "turns"},
    {"demo", "view", "api", "saved"},
    {"asking"},
    {"answering"},
    {"verbs", "chat", "magic", "cli"},
)
"""Each layer may import those above it and its own."""

ONLY_HERE = {"anthropic": {"api"}, "httpx2": {"api", "replay"}, "ipykernel": {"host"}}


def room(path: Path) -> str:
    """The module of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield child
            yield from walk(child)


def imports(path: Path) -> list[str]:
    """The modules a file imports, at any depth; ours as ``.name``."""
    names: list[str] = []
    depth = len(path.relative_to(PACKAGE).parts)
    for node in walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == depth:
            first = (node.module or "").split(".")[0]
            names += [f".{first}"] if first else [f".{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.append(node.module or "")
    return names


FILES = [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or "__" not in path.name]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    ranks = {name: rank for rank, names in enumerate(ORDER) for name in names}
    own = ranks[room(path)]
    for name in imports(path):
        if name.startswith(".") and name[1:] in ranks:
            assert ranks[name[1:]] <= own, f"{path.name} imports {name}"
        top = name.split(".")[0]
        assert room(path) in ONLY_HERE.get(top, {room(path)}), f"{path.name} imports {top}"


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
