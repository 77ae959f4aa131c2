"""Objects of a notebook as text for a prompt: all of them up to a bound, and a word of the rest.

``str()`` of a table or of an array is a picture for a screen, which leaves most of it out. Here a
table (pandas, polars) becomes CSV, an array (NumPy and what behaves like it) nested lists, also
in lists, dicts, sets, deques, named tuples and dataclasses; everything else is its ``str()``.
No package is imported for it: a value can be one of pandas' only once pandas is loaded.
"""

from __future__ import annotations

import collections
import csv
import inspect
import io
import re
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from itertools import chain
from typing import Any

BOUND = 100_000
"""The most characters of one value; of a longer one its head and its tail are sent."""

_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]{6,}\b")
"""Where an object is in memory, as Python's default ``repr()`` has it."""

_Fragments = Iterator[str]
"""The pieces of a text: from its first, or from its last to its first."""


@dataclass(frozen=True)
class Rendered:
    """A value as text.

    Attributes:
        text: What is sent.
        sent: How much of the value that is, such as "1,200 of 100,000 rows were sent"; "" for all.
    """

    text: str
    sent: str


class NoTextError(TypeError):
    """An object says nothing of itself but its address.

    Attributes:
        value: The object; what was to be rendered, or something in it.
    """

    def __init__(self, value: Any) -> None:
        super().__init__(f"a {type(value).__name__} has no text")
        self.value = value


def render(value: Any) -> Rendered:
    """The text of a value, all of it up to `BOUND` characters.

    No more of the value is looked at than what is sent, and of a longer one whole pieces (rows,
    items) are sent where they fit. A string is text already: it is sent whole, however long.

    Raises:
        NoTextError: It is, or holds, something that says nothing of itself but its address.
    """
    if isinstance(value, str):
        return Rendered(str(value), "")
    whole = _beginning(_fragments(value, 1, str), BOUND + 1)
    if len(whole) <= BOUND:
        return Rendered(whole, "")
    head, tail, sent = _whole_pieces(value) or _ends(value)
    return Rendered(f"{head}[… left out here: {sent} …]{tail}", sent)


def remedy(value: Any, source: str) -> str:
    """What to type for a value of which there is no text; ``source`` is the expression for it."""
    operand = source if re.fullmatch(r"[\w.]+", source) else f"({source})"
    if isinstance(value, Awaitable):
        return f"write x = await {operand} in a cell above and {{{{ x }}}} here"
    if isinstance(value, AsyncGenerator):
        return f"write x = [y async for y in {operand}] in a cell above and {{{{ x }}}} here"
    if inspect.isfunction(value) or inspect.ismethod(value):
        return f"write {{{{ {operand}(…) }}}} or {{{{ inspect.getsource({source}) }}}}"
    if inspect.isroutine(value):
        return f"write {{{{ {operand}(…) }}}}"
    if isinstance(value, io.IOBase):
        return f"write {{{{ {operand}.read() }}}}"
    if isinstance(value, memoryview):
        return f"write {{{{ bytes({source}) }}}}"
    if isinstance(value, Iterator):
        return f"write {{{{ list({source}) }}}}"
    attribute, attributes = f"{operand}.name", f"vars({source})"
    return f"write what of it you mean, such as {{{{ {attribute} }}}} or {{{{ {attributes} }}}}"


# What a value consists of.


@dataclass(frozen=True)
class _Listing:
    """A value that consists of pieces.

    Attributes:
        count: How many there are.
        unit: What they are called.
        brackets: The text before them and the text after them.
        pieces: Gives them from the first on for 1, from the last on for -1.
        separator: The text between two of them.
    """

    count: int
    unit: str
    brackets: tuple[str, str]
    pieces: Callable[[int], Iterable[_Fragments]]
    separator: str = ", "


def _fragments(value: Any, step: int, show: Callable[[Any], str] = repr) -> _Fragments:
    """The text of a value, in pieces, forwards (1) or backwards (-1)."""
    listing = _listing(value)
    if listing is None:
        yield _leaf(value, show)
        return
    first, last = listing.brackets[::step]
    yield first
    for n, piece in enumerate(listing.pieces(step)):
        if n:
            yield listing.separator
        yield from piece
    yield last


def _leaf(value: Any, show: Callable[[Any], str] = repr) -> str:
    text = show(value)
    if isinstance(value, str | bytes | BaseException):
        return text  # words of somebody, whatever they are
    if inspect.isroutine(value) or isinstance(value, io.IOBase) or _is_address(text):
        raise NoTextError(value)
    return text


def _is_address(text: str) -> bool:
    """Whether an object shows where it is in memory, or nothing but its type."""
    if text.startswith("<") and text.endswith(" object>"):
        return True
    address = _ADDRESS.search(text)
    return address is not None and "<" in text[: address.start()] and ">" in text[address.end() :]


def _listing(value: Any) -> _Listing | None:
    return _table(value) or _array(value) or _record(value) or _container(value)


_NEVER: tuple[type, ...] = ()


def _is(value: Any, module: str, name: str) -> bool:
    """Whether it is of a class that a loaded module has."""
    return isinstance(value, getattr(sys.modules.get(module), name, _NEVER))


def _table(value: Any) -> _Listing | None:
    if _is(value, "pandas", "Series") or _is(value, "polars", "Series"):
        value = value.to_frame()
    if _is(value, "pandas", "DataFrame"):
        head = [*("" if name is None else name for name in value.index.names), *value.columns]
        return _csv(len(value), head, lambda step: _pandas_rows(value.iloc[::step]))
    if _is(value, "polars", "DataFrame"):
        return _csv(value.height, value.columns, lambda step: value[::step].iter_rows())
    return None


def _pandas_rows(frame: Any) -> Iterator[_Row]:
    levels = frame.index.nlevels
    for index, *cells in frame.itertuples(name=None):
        yield chain(index if levels > 1 else (index,), cells)


_Row = Iterable[Any]


def _csv(count: int, head: _Row, rows: Callable[[int], Iterable[_Row]]) -> _Listing:
    return _Listing(
        count,
        "rows",
        ("".join(_csv_line(head)) + "\n" * bool(count), ""),
        lambda step: map(_csv_line, rows(step)),
        "\n",
    )


def _csv_line(cells: _Row) -> _Fragments:
    line = io.StringIO()
    texts = ("".join(_fragments(cell, 1, str)) for cell in cells)
    csv.writer(line, lineterminator="\r\n").writerow(texts)  # cells with either in them are quoted
    yield line.getvalue().removesuffix("\r\n")


def _array(value: Any) -> _Listing | None:
    """NumPy's, and those of others that NumPy can read, such as pandas' indexes and tensors."""
    kind = type(value)
    if not (
        hasattr(kind, "__array__") and hasattr(kind, "tolist") and getattr(value, "ndim", False)
    ):
        return None
    flat = value.ndim == 1
    return _Listing(
        len(value),
        "elements" if flat else "rows",
        ("[", "]"),
        lambda step: (_element(value[n], step) for n in range(len(value))[::step]),
        ", " if flat else ",\n",
    )


def _element(value: Any, step: int) -> _Fragments:
    if getattr(value, "ndim", None) != 0:
        return _fragments(value, step)
    if _is(value, "numpy", "number") or _is(value, "numpy", "ndarray"):
        return iter([str(value)])  # its shortest digits; masked ones are dashes
    return iter([repr(value.tolist())])


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


def _container(value: Any) -> _Listing | None:
    kind = type(value)
    if kind in _PAIRS and value:
        return _Listing(len(value), "entries", _PAIRS[kind], partial(_entries, value))
    if kind in _ITEMS and value:
        before, after = _ITEMS[kind]
        after = f",{after}" if kind is tuple and len(value) == 1 else after
        return _Listing(len(value), "items", (before, after), partial(_items, value))
    return None


def _entries(value: dict[Any, Any], step: int) -> Iterator[_Fragments]:
    for key, held in value.items() if step == 1 else reversed(value.items()):
        yield _named(f"{_leaf(key)}: ", held, step)


def _items(value: Iterable[Any], step: int) -> Iterator[_Fragments]:
    ordered = value if step == 1 else reversed([*value])
    return (_fragments(item, step) for item in ordered)


def _record(value: Any) -> _Listing | None:
    """A named tuple or a dataclass, unless its class writes its own ``__str__`` or ``__repr__``."""
    kind = type(value)
    if is_dataclass(kind):
        names = [field.name for field in fields(kind) if field.repr]
    else:
        names = list(getattr(kind, "_fields", ()))
    own_words = any("__str__" in vars(base) for base in kind.__mro__[:-1])
    if not names or own_words or not _is_generated(kind.__repr__):
        return None
    name = kind.__qualname__ if is_dataclass(kind) else kind.__name__
    return _Listing(
        len(names),
        "fields",
        (f"{name}(", ")"),
        lambda step: (_named(f"{each}=", getattr(value, each), step) for each in names[::step]),
    )


def _is_generated(function: Any) -> bool:
    """Whether `dataclasses` or `collections.namedtuple` wrote it, not a person."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and code.co_filename in {"<string>", collections.__file__}


def _named(name: str, value: Any, step: int) -> _Fragments:
    parts = [iter([name]), _fragments(value, step)]
    return chain.from_iterable(parts[::step])


# What of it fits.


def _beginning(fragments: _Fragments, room: int) -> str:
    """The first ``room`` characters; no fragment is made after these."""
    return "".join(_until(fragments, room))[:room]


def _end(fragments: _Fragments, room: int) -> str:
    """The last ``room`` characters of a text whose fragments come backwards."""
    return "".join(reversed(_until(fragments, room)))[-room:]


def _until(fragments: _Fragments, room: int) -> list[str]:
    taken: list[str] = []
    for fragment in fragments:
        taken.append(fragment)
        room -= len(fragment)
        if room <= 0:
            break
    return taken


def _whole_pieces(value: Any) -> tuple[str, str, str] | None:
    """Head, tail and what they are, of a value with pieces of which some fit; else None."""
    listing = _listing(value)
    if listing is None:
        return None
    before, after = listing.brackets
    half = (BOUND - len(before) - len(after)) // 2
    first = _fitting(listing, 1, half)
    last = _fitting(listing, -1, half)[::-1]
    if not first and not last:
        return None
    separator = listing.separator
    sent = f"{len(first) + len(last):,} of {listing.count:,} {listing.unit} were sent"
    head = before + "".join(piece + separator for piece in first)
    return head, "".join(separator + piece for piece in last) + after, sent


def _fitting(listing: _Listing, step: int, room: int) -> list[str]:
    """The pieces at one end that fit whole into so many characters."""
    pieces: list[str] = []
    for fragments in listing.pieces(step):
        parts = _until(fragments, room + 1)
        piece = "".join(parts[::step])
        room -= len(piece) + len(listing.separator)
        if room < 0:
            break
        pieces.append(piece)
    return pieces


def _ends(value: Any) -> tuple[str, str, str]:
    """The first and the last characters, and what they are."""
    half = BOUND // 2
    head = _beginning(_fragments(value, 1, str), half)
    tail = _end(_fragments(value, -1, str), half)
    return head, tail, f"the first {half:,} and the last {half:,} characters were sent"
