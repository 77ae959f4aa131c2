"""Names on a magic's line, and what the variables of the notebook hold."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import OptionError

if TYPE_CHECKING:
    from ..chat import Chat
    from ..values.reply import Reply

_RESERVED = frozenset(
    {*dir(builtins), "In", "Out", "display", "exit", "get_ipython", "quit", "_exit_code"}
)
_HISTORY = re.compile(r"_+|_i+|_i?\d+|_[dios]h|__\w+__")
"""IPython's names of inputs and outputs, and those that Python gives to modules."""


def check_name(name: str, remedy: str = "write a name such as %%claude answer") -> str:
    """Return the name as Python reads it, which is in NFKC.

    Source: https://docs.python.org/3/reference/lexical_analysis.html#identifiers

    Raises:
        OptionError: It cannot be a variable, or it is one of Python's or IPython's own.
    """
    normal = unicodedata.normalize("NFKC", name)
    if not normal.isidentifier() or keyword.iskeyword(normal):
        msg = f"{name!r} cannot be the name of a variable; {remedy}."
        raise OptionError(msg)
    if normal in _RESERVED or _HISTORY.fullmatch(normal):
        msg = f"{name!r} is a name that Python or IPython uses itself; {remedy}."
        raise OptionError(msg)
    return normal


def find_cut_answer(name: str, names: Mapping[str, Any]) -> Reply:
    """Return the reply that a name holds, where there is more to come of it.

    Raises:
        OptionError: There is none, or it is whole.
    """
    from ..values.reply import Reply

    reply = names.get(name)
    if not isinstance(reply, Reply) or reply.request is None:
        msg = f"{name!r} holds no answer of this session; name the variable of one that was cut."
        raise OptionError(msg)
    if reply.complete:
        msg = f"the answer in {name!r} is whole; ask something new with %%claude."
        raise OptionError(msg)
    return reply


def find_chats(names: Mapping[str, Any]) -> dict[str, Chat]:
    """Return the chats that variables hold, by their names; not IPython's own, such as ``_``."""
    from ..chat import Chat

    return {
        name: value
        for name, value in names.items()
        if issubclass(type(value), Chat) and not name.startswith("_")
    }


def find_chat(variable: str, names: Mapping[str, Any]) -> Chat:
    """Return the chat in a variable; a new one where the name is free.

    Raises:
        OptionError: It holds something else.
    """
    from ..chat import Chat

    chat = names[variable] if variable in names else Chat(name=variable)
    if not isinstance(chat, Chat):
        msg = (
            f"{variable!r} holds a value of type {type(chat).__name__}, which is no chat; "
            "give --chat another name, or none."
        )
        raise OptionError(msg)
    chat.name = chat.name or variable
    return chat


def note_replaced(name: str, names: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a note where a name holds a value of the user's, which the reply will replace.

    Raises:
        OptionError: It holds a chat, of which more would be lost than a value.
    """
    from ..running.pending import PendingAnswer
    from ..values.reply import Reply

    if name not in names or isinstance(names[name], Reply | PendingAnswer):
        return ()
    if name in find_chats({name: names[name]}):
        msg = f"{name!r} holds {names[name]!r}; write %%claude answer --chat {name} to ask in it."
        raise OptionError(msg)
    return (
        f"{name} held a value of type {type(names[name]).__name__}, which this reply replaced.",
    )
