"""The live view and messages of pages that come at any moment."""

from __future__ import annotations

import pytest

from ..loopback import Hold, Script, Server, delta, end, start
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


@pytest.mark.one_kernel
@pytest.mark.colab
def test_a_page_that_is_loaded_while_an_answer_streams_gets_all_of_it(
    kernel: Kernel, server: Server
) -> None:
    hold = Hold()
    server.play(Script([start(), delta("One.\n\n"), hold, delta("Two."), end()]))
    cell = kernel.send("%%claude poem\nGo.")
    kernel.until(kernel.views)
    (view,) = kernel.views()
    kernel.until(lambda: "One." in str(kernel.painted(view)))
    kernel.load_page()
    # The answer to this comes when the message before it has arrived, too.
    kernel.send_from_page(view, {"kind": "copy"})
    kernel.until(lambda: "'kind': 'markdown'" in str(kernel.messages))
    hold.let_go.set()
    assert kernel.wait(cell).ok
    before = len(kernel.painted(view))
    kernel.send_from_page(view, {"kind": "hello", "have": 0})
    kernel.until(lambda: len(kernel.painted(view)) > before)
    last = kernel.painted(view)[-1]
    assert (last["at"], last["phase"]) == (0, "done")
    assert "One." in str(last["packets"])
    assert "Two." in str(last["packets"])
    assert kernel.value("poem") == repr("One.\n\nTwo.")
