"""The docs: what they say of the code has to be in the code, and what users meet in the docs."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from notebook_stream.api.failures import SENTENCES
from notebook_stream.request import table
from notebook_stream.view.static import NOTES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "notebook_stream"
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.md")]
ERRORS = {"interruption", "OptionError", "CredentialsError", "UsageError", "StreamError",
          "ConnectionLostError", "ClaudeError"}  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_relative_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    paths = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [path for path in paths if path and not (page.parent / path).exists()] == []


def test_the_docs_format_signatures_with_the_ruff_that_formats_the_code() -> None:
    pins = re.findall(r'"ruff==(.+?)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert len(pins) == 2
    assert pins[0] == pins[1]


def test_the_files_that_the_docs_name_exist() -> None:
    pages = [DOCS / "architecture.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("images/*.svg")]
    named = {
        name
        for page in pages
        for name in re.findall(r"[\w./]*\w\.(?:py|js|css)\b", page.read_text(encoding="utf-8"))
    }
    assert named
    assert [name for name in named if not any((at / name).exists() for at in (ROOT, PACKAGE))] == []


def test_the_functions_that_the_drawings_name_exist() -> None:
    drawn = "".join(one.read_text(encoding="utf-8") for one in DOCS.glob("images/*.svg"))
    named = re.findall(r">(\S+\.(?:py|js)): (?:\w+\.)?(#?\w+)\(\)<", drawn)
    assert named
    missing = [
        (path, name)
        for path, name in named
        if not re.search(
            rf"(?:def |function |^  ){name}(?: = )?\(", (PACKAGE / path).read_text("utf-8"), re.M
        )
    ]
    assert missing == []


def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hooks", DOCS / "hooks.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def rendered_options() -> str:
    page = (DOCS / "options.md").read_text(encoding="utf-8")
    return str(hooks().on_page_markdown(page, page=None, config=None, files=None))


def test_the_docs_have_each_option_as_the_table_has_it() -> None:
    lines = rendered_options().splitlines()
    assert [row for row in table.markdown_rows() if row not in lines] == []
    assert [
        name for name in table.SETTINGS if not any(f"| `{name}` |" in one for one in lines)
    ] == []


def test_a_new_row_of_the_table_is_in_the_docs_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    effort = table.Option("effort", "how hard to think", ("-e", "--effort"), "LEVEL", lasts=True)
    setting = table.Setting("low", str, "How hard to think.")
    monkeypatch.setattr(table, "FLAGGED", (*table.FLAGGED, effort))
    monkeypatch.setattr(table, "LASTING", (*table.LASTING, "effort"))
    monkeypatch.setitem(table.SETTINGS, "effort", setting)
    page = rendered_options()
    assert "| `-e`, `--effort LEVEL` | how hard to think |" in page
    assert "| `effort` | `'low'` | How hard to think. |" in page
    assert "`--system` and `--effort` of the first turn" in " ".join(page.split())


def sentences() -> Iterator[str]:
    """Each sentence of an error that a user can meet; ``…`` stands for what it quotes."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if text := _sentence(node):
                yield text
    yield from NOTES.values()
    for what, remedy in SENTENCES.values():
        yield from (what, remedy)


def _sentence(node: ast.AST) -> str:
    """The text of a raised error: given to it at once, or as `msg` in the line before."""
    match node:
        case ast.Assign(targets=[ast.Name(id="msg")], value=value):
            return _text(value)
        case ast.Call(func=ast.Name(id=name), args=[value]) if name in ERRORS:
            return _text(value)
    return ""


def _text(value: ast.AST) -> str:
    match value:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) for part in parts)
        case ast.FormattedValue():
            return "…"
    return ""


INTERNAL = (
    "module … has no attribute …",  # Python's own
    "an answer on its way has no attribute …",  # the same, of an object
    "an event is …",  # quoted by another sentence
    "no recording was chosen for this task",
    "the recording ends here",  # the transport's, quoted by another sentence
)


def test_troubleshooting_has_each_sentence_of_an_error() -> None:
    page = _plain((DOCS / "troubleshooting.md").read_text(encoding="utf-8"))
    missing = [one for one in sentences() if one not in INTERNAL and not _is_in(one, page)]
    assert missing == [], "\n".join(missing)


def _is_in(sentence: str, page: str) -> bool:
    """Whether the page has it: all that is the same each time, part by part in this order."""
    parts = [re.escape(_plain(part)) for part in sentence.split("…") if _plain(part)]
    return bool(re.search(".{1,80}?".join(parts), page))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[`'\"|\\]", "", text).split())
