"""How cells are read."""

from __future__ import annotations

import ast

import pytest

from notebook_stream.cells import AWAITED, awaiting, keep_raw

CALL = "get_ipython().run_line_magic('claude', {!r})\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%claude what is x?\n", CALL.format("what is x?")),
        ("%claude it's $x {y}\n", CALL.format("it's $x {y}")),
        ("    %claude hi\n", "    " + CALL.format("hi")),
        ("x = %claude hi\n", "x = " + CALL.format("hi")),
        ("a.b['c'], d = %claude hi\n", "a.b['c'], d = " + CALL.format("hi")),
        ("a = b = %claude hi\n", "a = b = " + CALL.format("hi")),
        ("a: str = %claude y = %claude x\n", "a: str = " + CALL.format("y = %claude x")),
        ("a[b['=']] = %claude hi\n", "a[b['=']] = " + CALL.format("hi")),
        ("a += %claude hi\n", "a += " + CALL.format("hi")),
        ("a == %claude\n", "a == %claude\n"),
        ("# a = %claude hi\n", "# a = %claude hi\n"),
        ("%claude one \\\n two\n", CALL.format("one two")),
        ("%claude_usage\n", "%claude_usage\n"),
        ("%%writefile x\n%claude hi\n", "%%writefile x\n%claude hi\n"),
        ("%claude?\n", "%claude?\n"),
        ("x = 5 %claude\n", "x = 5 %claude\n"),
        ("f('x = %claude hi')\n", "f('x = %claude hi')\n"),
        ('"""\n%claude hi\n"""\n', '"""\n%claude hi\n"""\n'),
        ('%claude it\'s\n%claude """\n', CALL.format("it's") + CALL.format('"""')),
    ],
)
def test_lines_are_taken_as_typed(source: str, expected: str) -> None:
    assert "".join(keep_raw(source.splitlines(keepends=True))) == expected


def awaits(source: str) -> int:
    out = "".join(awaiting(lambda: True)(source.splitlines(keepends=True)))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compile(out, "<cell>", "exec", flags)
    return out.count(f"await {AWAITED}")


LINE = "get_ipython().run_line_magic('claude', 'hi')"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("get_ipython().run_cell_magic('claude', 'x', 'body\\n')\n", 1),
        (f"é = 'ü'; x = {LINE}; y = {LINE}\n", 2),
        (f"for i in x:\n    {LINE}\n", 1),
        (f"if x:\n    y = {LINE}\nelse:\n    with z:\n        {LINE}\n", 2),
        (f"print({LINE}, len({LINE}))\n", 2),
        (f"def f():\n    {LINE}\n", 0),
        (f"async def f():\n    {LINE}\n", 0),
        (f"f = lambda: {LINE}\n", 0),
        (f"[{LINE} for i in x]\n", 0),
        (f"class A:\n    x = {LINE}\n", 0),
        ("get_ipython().run_line_magic('other', 'claude')\n", 0),
        ("get_ipython().run_cell_magic('time', '', '%claude hi')\n", 0),
    ],
)
def test_calls_await_at_the_top_level_alone(source: str, count: int) -> None:
    assert awaits(source) == count


def test_nothing_awaits_where_it_may_not() -> None:
    lines = [LINE + "\n"]
    assert awaiting(lambda: False)(lines) == lines
    assert awaiting(lambda: True)(["not python 'claude'\n"]) == ["not python 'claude'\n"]
