"""What `%claude_stop` does: it finds the answers that are meant, and stops them."""

from __future__ import annotations

from typing import Any

from ..errors import OptionError
from ..values.reply import Reply


def stop_answers(what: str, space: dict[str, Any]) -> str:
    """Stop answers that no cell waits for.

    Args:
        what: The variable of one; "all" for those of the whole session; "" for the only one.
        space: The namespace of the notebook.

    Returns:
        What happened, in a sentence.

    Raises:
        OptionError: It is not said which one, or the variable holds none.
    """
    from ..running.pending import list_pending

    if what and what != "all":
        return _stop_named(what, space)
    pending = list_pending()
    if len(pending) > 1 and not what:
        msg = (
            f"{len(pending)} answers are on their way; write %claude_stop NAME with the variable "
            "of one, or %claude_stop all."
        )
        raise OptionError(msg)
    for answer in pending:
        answer.stop()
    counted = {0: "No answer is on its way", 1: "Stopped 1 answer"}
    return f"{counted.get(len(pending), f'Stopped {len(pending)} answers')}."


def _stop_named(name: str, space: dict[str, Any]) -> str:
    from ..running.pending import PendingAnswer
    from ..widget import AnswerWidget

    value = space.get(name)
    if isinstance(value, Reply) or (isinstance(value, PendingAnswer) and value.done):
        return f"The answer in {name} has ended before."
    if not isinstance(value, PendingAnswer | AnswerWidget):
        msg = f"{name!r} holds no answer on its way; write %claude_stop all to stop each one."
        raise OptionError(msg)
    value.stop()
    return f"Stopped the answer in {name}."
