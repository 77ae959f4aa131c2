"""How IPython reads our magics in a cell: prompts stay raw, and the cell awaits where it may.

Three input transformers. The first takes a `%%claude` cell before IPython does, which would dedent
its body and strip ``>>>`` from it. The second takes `%claude` lines, where IPython would read
`%claude What is Python?` as a call for help and expand ``$x`` and ``{x}``. The third turns a call
at the top level of a cell into an awaited one: an awaiting cell keeps the order of Run All and
leaves the kernel free for clicks.

IPython cuts a cell at each character that `str.splitlines` takes for the end of a line, such as
U+2028 and form feed. To Python, and here, only newline and carriage return end one.
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
AWAITED = "get_ipython().magics_manager.registry['ClaudeMagics'].awaited"


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
        return lines  # another magic's text; what it runs as a cell comes here again
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
    """The lines of a cell with their ends, as Python cuts them."""
    return iter(io.StringIO(source, newline=""))


def _assigns(target: str | None) -> bool:
    """Whether what stands before the magic is nothing, or the left side of an assignment."""
    if target is None:
        return True
    try:
        (statement,) = ast.parse(f"{target}0").body
    except (SyntaxError, ValueError):
        return False
    return isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)


def _in_string(source: str) -> bool:
    """Whether a triple-quoted string is still open where ``source`` ends."""
    try:
        list(tokenize.generate_tokens(io.StringIO(source).readline))
    except tokenize.TokenError as error:
        return "multi-line string" in str(error) or "triple-quoted" in str(error)
    except (IndentationError, SyntaxError):
        return False
    return False


def awaiting(may_await: Callable[[], bool]) -> Callable[[list[str]], list[str]]:
    """A transformer that awaits our magics at the top level, where ``may_await()`` is true."""

    def await_calls(lines: list[str]) -> list[str]:
        source = "".join(lines)
        if "'claude'" not in source or not may_await():
            return lines
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return lines
        for call in sorted(_top_calls(tree), key=_end, reverse=True):
            source = _awaited(source, call)
        return list(_lines(source))

    return await_calls


_OWN_SCOPE = (
    ast.AsyncFunctionDef, ast.ClassDef, ast.DictComp, ast.FunctionDef, ast.GeneratorExp,
    ast.JoinedStr, ast.Lambda, ast.ListComp, ast.SetComp,
)  # fmt: skip


def _top_calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls of our magics that are not in a function, class, comprehension or f-string."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _OWN_SCOPE):
            continue
        if isinstance(child, ast.Call) and _is_ours(child):
            yield child
        else:
            yield from _top_calls(child)


def _is_ours(call: ast.Call) -> bool:
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
    return call.end_lineno or 0, call.end_col_offset or 0


def _awaited(source: str, call: ast.Call) -> str:
    arguments = ", ".join(ast.get_source_segment(source, part) or "" for part in call.args[1:])
    encoded = source.encode()
    start = _offset(encoded, call.lineno, call.col_offset)
    end = _offset(encoded, *_end(call))
    return (encoded[:start] + f"(await {AWAITED}({arguments}))".encode() + encoded[end:]).decode()


def _offset(encoded: bytes, line: int, column: int) -> int:
    """The byte where a line's column is; `ast` counts columns in bytes."""
    return sum(map(len, encoded.splitlines(keepends=True)[: line - 1])) + column
