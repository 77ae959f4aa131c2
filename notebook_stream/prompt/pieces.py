"""Split objects of a notebook into the pieces of their text: rows, elements, items, fields.

A table (pandas, polars) becomes CSV and an array (NumPy, and what NumPy can read) nested lists,
also inside of lists, dicts, sets, deques, named tuples and dataclasses. No package is imported for
this: a value can be a pandas table only if pandas is imported already. The pieces are made one by
one and from either end, so that no more of a value is read than is sent.
"""

from __future__ import annotations

import collections
import csv
import inspect
import io
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from itertools import chain
from typing import Any

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,}\b")
"""The address of an object in memory, as Python's default ``repr()`` shows it."""

Fragments = Iterator[str]
"""The parts of a text, from the first on or from the last on."""


class NoTextError(TypeError):
    """The only text of an object is its type and its address in memory.

    Attributes:
        value: The object: the value to render, or one inside of it.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(f"a {type(value).__name__} has no text")
        self.value = value


@dataclass(frozen=True)
class Listing:
    """A value that consists of pieces.

    Attributes:
        count: The number of the pieces.
        unit: What the pieces are called in a message, such as "rows".
        brackets: The text before all pieces and the text after them.
        pieces: Returns the pieces from the first on for 1, and from the last on, each of them
            backwards, for -1.
        separator: The text between two pieces.
    """

    count: int
    unit: str
    brackets: tuple[str, str]
    pieces: Callable[[int], Iterable[Fragments]]
    separator: str = ", "


def make_fragments(value: Any, step: int, show: Callable[[Any], str] = repr) -> Fragments:
    """Yield the parts of a value's text.

    Args:
        value: The value.
        step: 1 for the parts from the first on, -1 from the last on.
        show: The function for the text of a value without pieces: `repr` inside of others.

    Raises:
        NoTextError: The value is, or holds, an object whose only text is its address.
    """
    listing = find_listing(value)
    if listing is None:
        yield _render_leaf(value, show)
        return
    first, last = listing.brackets[::step]
    yield first
    for n, piece in enumerate(listing.pieces(step)):
        if n:
            yield listing.separator
        yield from piece
    yield last


def _render_leaf(value: Any, show: Callable[[Any], str] = repr) -> str:
    """Return the text of a value without pieces.

    Raises:
        NoTextError: It is a function, a file, or shows only its address.
    """
    text = show(value)
    if isinstance(value, str | bytes | BaseException):
        return text  # Text of a person, which may hold an address.
    if inspect.isroutine(value) or isinstance(value, io.IOBase) or _is_address(text):
        raise NoTextError(value)
    return text


def _is_address(text: str) -> bool:
    """Return whether an object's text is only its type, with or without its address."""
    if text.startswith("<") and text.endswith(" object>"):
        return True
    address = _ADDRESS.search(text)
    return address is not None and "<" in text[: address.start()] and ">" in text[address.end() :]


def find_listing(value: Any) -> Listing | None:
    """Return the pieces of a table, array, record or container; None for any other value."""
    return _read_table(value) or _read_array(value) or _read_record(value) or _read_container(value)


_NEVER: tuple[type, ...] = ()


def _is_instance(value: Any, module: str, name: str) -> bool:
    """Return whether a value is an instance of a class in a module, if that is imported."""
    return isinstance(value, getattr(sys.modules.get(module), name, _NEVER))


def _read_table(value: Any) -> Listing | None:
    """Return the rows of a table or of a column, as CSV with the index of pandas."""
    if _is_instance(value, "pandas", "Series") or _is_instance(value, "polars", "Series"):
        value = value.to_frame()
    if _is_instance(value, "pandas", "DataFrame"):
        head = [*("" if name is None else name for name in value.index.names), *value.columns]
        return _make_csv(len(value), head, lambda step: _read_pandas_rows(value.iloc[::step]))
    if _is_instance(value, "polars", "DataFrame"):
        return _make_csv(value.height, value.columns, lambda step: value[::step].iter_rows())
    return None


def _read_pandas_rows(frame: Any) -> Iterator[_Row]:
    """Yield the cells of each row, those of the index first."""
    levels = frame.index.nlevels
    for index, *cells in frame.itertuples(name=None):
        yield chain(index if levels > 1 else (index,), cells)


_Row = Iterable[Any]
"""The cells of a row."""


def _make_csv(count: int, head: _Row, rows: Callable[[int], Iterable[_Row]]) -> Listing:
    return Listing(
        count,
        "rows",
        ("".join(_render_csv_line(head)) + "\n" * bool(count), ""),
        lambda step: map(_render_csv_line, rows(step)),
        "\n",
    )


def _render_csv_line(cells: _Row) -> Fragments:
    """Yield a row as one line of CSV without its end."""
    line = io.StringIO()
    texts = ("".join(make_fragments(cell, 1, str)) for cell in cells)
    csv.writer(line, lineterminator="\r\n").writerow(texts)  # Quotes cells with \r or \n in them.
    yield line.getvalue().removesuffix("\r\n")


def _read_array(value: Any) -> Listing | None:
    """Return the elements of an array: NumPy's, or one that NumPy can read, such as a tensor."""
    kind = type(value)
    if not (
        hasattr(kind, "__array__") and hasattr(kind, "tolist") and getattr(value, "ndim", False)
    ):
        return None
    flat = value.ndim == 1
    return Listing(
        len(value),
        "elements" if flat else "rows",
        ("[", "]"),
        lambda step: (_read_element(value[n], step) for n in range(len(value))[::step]),
        ", " if flat else ",\n",
    )


def _read_element(value: Any, step: int) -> Fragments:
    """Return the text of an array's element: a row as a list, a number in its shortest digits."""
    if getattr(value, "ndim", None) != 0:
        return make_fragments(value, step)
    if _is_instance(value, "numpy", "number") or _is_instance(value, "numpy", "ndarray"):
        return iter([str(value)])  # `str` also shows a masked element as dashes.
    return iter([repr(value.tolist())])


# The brackets of each type of container, as its ``repr()`` writes them.
_PAIRS: dict[type, tuple[str, str]] = {
    dict: ("{", "}"),
    collections.OrderedDict: ("OrderedDict({", "})"),
    collections.defaultdict: ("defaultdict({", "})"),
    collections.Counter: ("Counter({", "})"),
}
_ITEMS: dict[type, tuple[str, str]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    collections.deque: ("deque([", "])"),
}


def _read_container(value: Any) -> Listing | None:
    """Return the entries or items of a container of Python's own that is not empty."""
    kind = type(value)
    if kind in _PAIRS and value:
        return Listing(len(value), "entries", _PAIRS[kind], partial(_read_entries, value))
    if kind in _ITEMS and value:
        before, after = _ITEMS[kind]
        after = f",{after}" if kind is tuple and len(value) == 1 else after
        return Listing(len(value), "items", (before, after), partial(_read_items, value))
    return None


def _read_entries(value: dict[Any, Any], step: int) -> Iterator[Fragments]:
    for key, entry in value.items() if step == 1 else reversed(value.items()):
        yield _read_named(f"{_render_leaf(key)}: ", entry, step)


def _read_items(value: Iterable[Any], step: int) -> Iterator[Fragments]:
    ordered = value if step == 1 else reversed([*value])
    return (make_fragments(item, step) for item in ordered)


def _read_record(value: Any) -> Listing | None:
    """Return the fields of a named tuple or a dataclass.

    None where its class defines a ``__str__`` or a ``__repr__``, whose text is used then.
    """
    kind = type(value)
    if is_dataclass(kind):
        names = [field.name for field in fields(kind) if field.repr]
    else:
        names = list(getattr(kind, "_fields", ()))
    has_own_text = any("__str__" in vars(base) for base in kind.__mro__[:-1])
    if not names or has_own_text or not _is_generated(kind.__repr__):
        return None
    name = kind.__qualname__ if is_dataclass(kind) else kind.__name__
    return Listing(
        len(names),
        "fields",
        (f"{name}(", ")"),
        lambda step: (
            _read_named(f"{each}=", getattr(value, each), step) for each in names[::step]
        ),
    )


def _is_generated(function: Any) -> bool:
    """Return whether `dataclasses` or `collections.namedtuple` generated a function."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and code.co_filename in {"<string>", collections.__file__}


def _read_named(name: str, value: Any, step: int) -> Fragments:
    """Return the parts of a name with its value, in the direction of ``step``."""
    parts = [iter([name]), make_fragments(value, step)]
    return chain.from_iterable(parts[::step])
