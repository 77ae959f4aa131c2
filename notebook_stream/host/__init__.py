"""The program around this package: IPython, its kernel and front end, and the SDK.

Only the modules of this room touch private parts of other packages. Each probes them before it uses
them, and names the versions in which they were read.
"""

from .cells import RunningCells, cell, may_await, when_cell_ends
from .clicks import (
    deliver_clicks,
    deliver_clicks_while_blocked,
    listen,
    new_comm_id,
    unwatch_channel,
    watch_channel,
)
from .frontend import Kind, displayhook_probe, kind, metadata_is_fixed
from .futures import TICK_SECONDS, block_until_done, wait_until_done
from .interrupts import interrupts_raise, interrupts_to
from .ipython import shell
from .retries import before_retry
from .semicolons import find_semicolons_in_any_text

__all__ = [
    "TICK_SECONDS",
    "Kind",
    "RunningCells",
    "before_retry",
    "block_until_done",
    "cell",
    "deliver_clicks",
    "deliver_clicks_while_blocked",
    "displayhook_probe",
    "find_semicolons_in_any_text",
    "interrupts_raise",
    "interrupts_to",
    "kind",
    "listen",
    "may_await",
    "metadata_is_fixed",
    "new_comm_id",
    "shell",
    "unwatch_channel",
    "wait_until_done",
    "watch_channel",
    "when_cell_ends",
]
