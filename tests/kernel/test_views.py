"""The live view and messages of pages that come at any moment."""

from __future__ import annotations

import pytest

from .kernel import Kernel

LATE = """
from notebook_stream import host
from notebook_stream.view.live import LiveView

view = LiveView(host.new_comm_id(), "", "claude", recorded=False)
view.open()
# The first thing of the widget that closes is its layout, which loses its comm.
view.widget.layout.observe(lambda change: view.receive({"kind": "loaded"}), "comm")
view.close()
print(view.stays, view.widget.comm)
"""


@pytest.mark.one_kernel
def test_a_page_that_is_loaded_while_the_view_closes_gets_no_widget(kernel: Kernel) -> None:
    assert kernel.run(LATE).stdout == "False None\n"
