"""Make the view that suits the program which shows the answers of this process."""

from __future__ import annotations

from .. import host
from ..request.options import Options
from ..view import NoView, View


def view_here(name: str, options: Options, *, alone: bool = False) -> View:
    """Make the view for an answer that is asked here; a new view is one more case.

    Args:
        name: The variable that will hold the reply; "" for none.
        options: The options of the call.
        alone: Whether nobody else shows the sentence of an error, as the cell does not wait.
    """
    match host.kind():
        case "live":
            from ..view.live import LiveView

            return LiveView(
                host.new_comm_id(),
                name,
                options.model,
                recorded=options.recorded,
                budget=options.budget,
                alone=alone,
            )
        case "captured":
            from ..view.area import OutputView

            return OutputView(
                host.new_comm_id(),
                options.model,
                recorded=options.recorded,
                budget=options.budget,
                alone=alone,
            )
        case "final":
            from ..view.static import FinalView

            return FinalView(name)
        case "terminal":
            from ..view.terminal import TerminalView

            return TerminalView()
        case "script":
            return NoView()
