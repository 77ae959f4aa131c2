"""The view for the program around us."""

from __future__ import annotations

from .. import host
from ..request.options import Options
from ..view import NoView, View


def view_here(name: str, options: Options) -> View:
    """Make the view for the program around us.

    Args:
        name: The variable that will hold the reply; "" for none.
        options: Of the call.
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
            )
        case "final":
            from ..view.static import FinalView

            return FinalView(name)
        case "terminal":
            from ..view.terminal import TerminalView

            return TerminalView()
    return NoView()
