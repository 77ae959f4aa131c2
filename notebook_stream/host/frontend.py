"""Find out which program shows the answers of this process, and how."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from typing import Any, Literal

from .cells import cell_id
from .ipython import in_main_thread, is_kernel, shell

Kind = Literal["live", "captured", "final", "terminal", "script"]


def kind() -> Kind:
    """Return how answers are shown here.

    Returns:
        "live" where a front end shows widgets; "captured" where an Output widget of it does;
        "final" where nobody looks before the cell has ended; "terminal" where text is written
        (IPython, `jupyter console`); "script" in plain Python.
    """
    here = shell()
    if here is None:
        return "script"
    if _is_captured(here):
        return "final"
    if not is_kernel(here):
        return "terminal"
    return _kind_in_output(here) if _in_output_widget(here) else _kind_of_sender(here.get_parent())


def _is_captured(here: Any) -> bool:
    """Return whether `%%capture` keeps what is displayed."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    return isinstance(here.display_pub, CapturingDisplayPublisher)


def _kind_in_output(here: Any) -> Kind:
    """Return how an answer is shown in an Output widget.

    A page has made the widget that calls back, while a cell may be run by nbclient, which has
    Output widgets of its own. VS Code saves what is displayed in one, with the usage in its
    metadata.
    """
    request = here.get_parent()
    is_cell = request.get("header", {}).get("msg_type") == "execute_request"
    is_shown = not is_cell or _kind_of_sender(request) == "live"
    return "captured" if is_shown and not metadata_is_fixed() else "final"


def _in_output_widget(here: Any) -> bool:
    """Return whether an Output widget takes the output of the request that runs now.

    It takes all that its page gets for the request, and its front end ignores
    ``update_display_data`` (jupyterlab-manager 5, widgetsnbextension 4).
    """
    running = here.get_parent().get("header", {}).get("msg_id") if is_kernel(here) else None
    return bool(running) and any(getattr(one, "msg_id", None) == running for one in _open_widgets())


def _open_widgets() -> list[Any]:
    """Return the widgets that are open in this process.

    ipywidgets lists them in `_instances` of its module from 8.0.3 on, in `Widget._active_widgets`
    up to 8.0.2, and in `Widget.widgets` in 7 (read: 7.7.1, 8.0.0, 8.0.3, 8.1.9).
    """
    module: Any = sys.modules.get("ipywidgets.widgets.widget")
    if hasattr(module, "_instances"):
        return list(module._instances.values())
    widget = getattr(module, "Widget", None)
    listed = vars(widget).get("_active_widgets") or vars(widget).get("widgets") if widget else None
    return list(listed.values()) if isinstance(listed, dict) else []


def _kind_of_sender(request: dict[str, Any]) -> Kind:
    """Return how the program shows answers that sent the request which runs now.

    JupyterLab, Notebook 7, VS Code and Colab send the id of the cell. nbclassic sends none, but
    allows the cell to ask for input; so do terminals (`jupyter console`), whose messages
    jupyter_client 8.10 numbers after a ``_``. nbclient (nbconvert, papermill, Voilà) does neither.
    A widget's callback runs for a request that is no cell, and no update of its output reaches the
    page.
    """
    header = request.get("header", {})
    if header.get("msg_type") != "execute_request":
        return "final"
    if cell_id(request) is not None:
        return "live"
    if not request.get("content", {}).get("allow_stdin"):
        return "final"
    return "terminal" if "_" in header["msg_id"] else "live"


_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""The beginning of a URI: its scheme (https://www.rfc-editor.org/rfc/rfc3986#section-3.1)."""


def metadata_is_fixed() -> bool:
    """Return whether an update of an output may not change the output's metadata here.

    Where it does, VS Code replaces all outputs of the cell by those that it knows of, which may
    lack new ones; or it ignores the new metadata, if the number of MIME types changes too
    (`handleUpdateDisplayDataMessage`, read: microsoft/vscode-jupyter@3d24702). It is recognized by
    the ids of its cells, which are URIs.
    """
    here = shell()
    if here is None or not is_kernel(here):
        return False
    cell_id = (here.get_parent().get("metadata") or {}).get("cellId")
    return bool(_URI.match(str(cell_id)))


def displayhook_probe() -> Callable[[], bool]:
    """Make a function that returns whether IPython shows the value of the present cell.

    So a reply that was shown while the cell ran is not shown again as the value of the cell; an
    explicit ``display()`` of it shows it, and so does a later cell. Outside of the main thread the
    function returns False: the cell that runs now need not be that of the reply.
    """
    here = shell()
    if here is None or not in_main_thread():
        return lambda: False
    count = here.execution_count
    return lambda: _shows_value(here.displayhook) and here.execution_count == count


def _shows_value(hook: Any) -> bool:
    """Return whether a displayhook shows a cell's value now.

    ipykernel's holds a message meanwhile (`ZMQShellDisplayHook.msg`); IPython's has `is_active`
    from 9.0 on, and before it is among the callers (read: 8.39, the last for Python 3.10).
    """
    if hasattr(hook, "is_active"):
        return bool(hook.is_active) or getattr(hook, "msg", None) is not None
    return getattr(hook, "msg", None) is not None or _is_called(hook)


def _is_called(hook: Any) -> bool:
    """Return whether a call of ``hook`` is on the stack."""
    frame = inspect.currentframe()
    while frame:
        if frame.f_code.co_name == "__call__" and frame.f_locals.get("self") is hook:
            return True
        frame = frame.f_back
    return False
