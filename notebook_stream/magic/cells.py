"""Transform cells with our magics, so that prompts stay as typed and the cell awaits where it may.

There are three input transformers of IPython. The first takes a `%%claude` cell before IPython
does, which would dedent its body and strip ``>>>`` from it. The second takes `%claude` lines, where
IPython would read `%claude What is Python?` as a call for help and expand ``$x`` and ``{x}``. The
third turns a call at the top level of a cell into an awaited one: Run All waits for the end of a
cell that awaits, and the kernel handles clicks meanwhile.

IPython splits a cell at each character at which `str.splitlines` does, such as U+2028 and form
feed. For Python, and here, a line ends at a newline or carriage return alone.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator

_LINE = re.compile(
    r"^(?P<indent>[ \t]*)(?P<target>\S.*?=\s*)?%claude(?![\w?])(?P<rest>.*)", re.DOTALL
)
_HEAD = re.compile(r"%%claude(?![\w?])(?P<line>.*)", re.DOTALL)
_MAGICS = {"run_line_magic", "run_cell_magic"}
ASYNC_MAGIC = "get_ipython().magics_manager.registry['ClaudeMagics'].claude_async"
"""The expression for the method that a transformed cell awaits."""


def quote_cell(lines: list[str]) -> list[str]:
    """Turn a `%%claude` cell into a call that holds its first line and its body as typed."""
    source = "".join(lines)
    waiting = _lines(source)
    head = next((line for line in waiting if line.strip()), "")
    match = _HEAD.match(head)
    if not match:
        return lines
    line, body = match["line"].strip(), "".join(waiting)
    return [f"get_ipython().run_cell_magic('claude', {line!r}, {body!r})\n"]


# IPython leaves such transformers out when it asks whether a cell that is being typed is complete.
quote_cell.has_side_effects = True  # type: ignore[attr-defined] # an attribute of IPython's protocol


def keep_raw(lines: list[str]) -> list[str]:
    """Turn each `%claude` line into a call that holds the line as typed."""
    first = next((line for line in lines if line.strip()), "")
    source = "".join(lines)
    if first.startswith("%%") or "%claude" not in source:
        # The body of another magic is text; if that magic runs it as a cell, it comes here again.
        return lines
    out: list[str] = []
    waiting = _lines(source)
    for line in waiting:
        match = _LINE.match(line)
        if not match or not _assigns(match["target"]) or _in_string("".join(out)):
            out.append(line)
            continue
        rest = match["rest"].rstrip("\r\n")
        while rest.endswith("\\"):
            rest = rest[:-1] + next(waiting, "").strip()
        call = f"get_ipython().run_line_magic('claude', {rest.strip()!r})"
        out.append(f"{match['indent']}{match['target'] or ''}{call}\n")
    return out


def _lines(source: str) -> Iterator[str]:
    """Yield the lines of a cell with their ends, split as Python does."""
    return iter(io.StringIO(source, newline=""))


def _assigns(target: str | None) -> bool:
    """Return whether the text before a magic is None or the left side of an assignment."""
    if target is None:
        return True
    try:
        (statement,) = ast.parse(f"{target}0").body
    except (SyntaxError, ValueError):
        return False
    return isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)


def _in_string(source: str) -> bool:
    """Return whether ``source`` ends inside of a string in triple quotes."""
    try:
        list(tokenize.generate_tokens(io.StringIO(source).readline))
    except tokenize.TokenError as error:
        return "multi-line string" in str(error) or "triple-quoted" in str(error)
    except (IndentationError, SyntaxError):
        return False
    return False


def make_awaiting(may_await: Callable[[], bool]) -> Callable[[list[str]], list[str]]:
    """Make the transformer that awaits our top-level calls where ``may_await()`` is true."""

    def await_calls(lines: list[str]) -> list[str]:
        source = "".join(lines)
        if "'claude'" not in source or not may_await():
            return lines
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return lines
        for call in sorted(_top_calls(tree), key=_end, reverse=True):
            source = _await_call(source, call)
        return list(_lines(source))

    return await_calls


_OWN_SCOPE = (
    ast.AsyncFunctionDef, ast.ClassDef, ast.DictComp, ast.FunctionDef, ast.GeneratorExp,
    ast.JoinedStr, ast.Lambda, ast.ListComp, ast.SetComp,
)  # fmt: skip
"""The nodes in which an ``await`` would be an error, or mean something else."""


def _top_calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of our magics outside of functions, classes, comprehensions and f-strings."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _OWN_SCOPE):
            continue
        if isinstance(child, ast.Call) and _is_ours(child):
            yield child
        else:
            yield from _top_calls(child)


def _is_ours(call: ast.Call) -> bool:
    """Return whether a call is that of `%claude` or `%%claude`, as IPython writes it."""
    match call:
        case ast.Call(
            func=ast.Attribute(
                value=ast.Call(func=ast.Name(id="get_ipython"), args=[]), attr=attribute
            ),
            args=[ast.Constant(value="claude"), *_],
            keywords=[],
        ):
            return attribute in _MAGICS
    return False


def _end(call: ast.Call) -> tuple[int, int]:
    """Return the line and column after a call."""
    return call.end_lineno or 0, call.end_col_offset or 0


def _await_call(source: str, call: ast.Call) -> str:
    """Return the source of a cell with one of its calls replaced by an awaited one."""
    arguments = ", ".join(ast.get_source_segment(source, part) or "" for part in call.args[1:])
    encoded = source.encode()
    start = _offset(encoded, call.lineno, call.col_offset)
    end = _offset(encoded, *_end(call))
    return (
        encoded[:start] + f"(await {ASYNC_MAGIC}({arguments}))".encode() + encoded[end:]
    ).decode()


def _offset(encoded: bytes, line: int, column: int) -> int:
    """Return the index of the byte at a line and column; `ast` counts columns in bytes."""
    return sum(map(len, encoded.splitlines(keepends=True)[: line - 1])) + column
