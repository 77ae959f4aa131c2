"""How cells are read."""

from __future__ import annotations

import ast

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from notebook_stream.magic.cells import ASYNC_MAGIC, keep_raw, make_awaiting, quote_cell

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


ENDS_NO_LINE = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What `str.splitlines` takes for the end of a line, and Python does not."""


def transformed(source: str) -> str:
    """What IPython makes of a cell with our transformers among its own."""
    manager = TransformerManager()
    manager.cleanup_transforms.insert(0, quote_cell)
    manager.cleanup_transforms.append(keep_raw)
    return str(manager.transform_cell(source))


def arguments(source: str) -> list[str]:
    """The arguments of the one call that a cell is."""
    (statement,) = ast.parse(source).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    return [ast.literal_eval(argument) for argument in statement.value.args]


@pytest.mark.parametrize("end", ENDS_NO_LINE)
def test_a_line_goes_on_where_python_sees_no_end(end: str) -> None:
    assert arguments(transformed(f"%claude a{end}b\n")) == ["claude", f"a{end}b"]
    assert arguments(transformed(f"%%claude x -s 'a{end}b'\nc{end}d\n")) == [
        "claude", f"x -s 'a{end}b'", f"c{end}d\n",
    ]  # fmt: skip
    plain = f"s = 'a{end}%claude b'\nt = 1\n"
    assert "".join(keep_raw(plain.splitlines(keepends=True))) == plain


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_each_end_of_a_line_that_python_knows_ends_one(newline: str) -> None:
    (first, second) = (CALL.format(word) for word in ("hi", "you"))
    source = newline.join(["%claude hi", "%claude you", ""])
    assert "".join(keep_raw(source.splitlines(keepends=True))) == first + second
    assert awaits(newline.join(["x = 1", f"é = 'ü'; {LINE}", LINE, ""])) == 2


BODIES = {
    "doctest": ">>> 1 + 1\n2\n",
    "prompts": "In [1]: x\n   ...: y\n",
    "indented": "    a\n        b\n",
    "blank lines": "a\n   \n\t\nb  \n",
    "carriage returns": "a\r\nb\rc\n",
    "magic": "%claude hi\n%%time\n!ls\nwhat?\n",
    "other ends": f"a{ENDS_NO_LINE}b\n",
    "quotes": "'''a\"\"\"\\\n",
    "nothing": "",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_arrives_as_typed(body: str) -> None:
    for before in ("", "\n", "  \n\n"):
        assert arguments(transformed(f"{before}%%claude x -m opus\n{body}")) == [
            "claude", "x -m opus", body,
        ]  # fmt: skip


@pytest.mark.parametrize("source", ["%%claude?\n", "%%claudes\nx\n", "%%time\n%%claude\n"])
def test_cells_of_others_are_theirs(source: str) -> None:
    lines = source.splitlines(keepends=True)
    assert quote_cell(lines) is lines


def test_a_cell_is_not_complete_before_its_body() -> None:
    manager = TransformerManager()
    manager.cleanup_transforms.insert(0, quote_cell)
    assert manager.check_complete("%%claude x\n")[0] == manager.check_complete("%%time x\n")[0]
    assert manager.check_complete("%%claude x\nGo.")[0] == "incomplete"


def awaits(source: str) -> int:
    out = "".join(make_awaiting(lambda: True)(source.splitlines(keepends=True)))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    compile(out, "<cell>", "exec", flags)
    return out.count(f"await {ASYNC_MAGIC}")


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
        (f"x = 1\n\x0c\n{LINE}\n", 1),
        (f"x = 'a\u2028b\x85'; {LINE}\n{LINE}\n", 2),
        ("get_ipython().run_line_magic('other', 'claude')\n", 0),
        ("get_ipython().run_cell_magic('time', '', '%claude hi')\n", 0),
    ],
)
def test_calls_await_at_the_top_level_alone(source: str, count: int) -> None:
    assert awaits(source) == count


def test_nothing_awaits_where_it_may_not() -> None:
    lines = [LINE + "\n"]
    assert make_awaiting(lambda: False)(lines) == lines
    assert make_awaiting(lambda: True)(["not python 'claude'\n"]) == ["not python 'claude'\n"]
