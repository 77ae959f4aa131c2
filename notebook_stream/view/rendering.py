"""Render an answer step by step, so that a step which fails is repeated by the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..text.keys import logger
from ..values.block import Block
from .timeline import Timeline

log = logger(__name__)


@dataclass(frozen=True)
class Step:
    """What is new on the page.

    Attributes:
        finished: The HTML of the blocks that were finished.
        open_block: The HTML of the open block, as `Timeline.render_open_block` returns it.
    """

    finished: list[str]
    open_block: tuple[str, str]


class Rendering:
    """The timeline of an answer on its way.

    Each step works on a copy of the timeline and replaces it when it has succeeded. So a step that
    fails changes nothing, and the next one renders all that has come since the last that succeeded.
    The packets that were sent stay valid, which pages need: they count them.

    Attributes:
        timeline: The timeline after the last step that succeeded.
        failed: Whether the last step failed.
    """

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.failed = False
        self._is_logged = False

    def advance(self, blocks: Sequence[Block], *, whole: bool = False) -> Step | None:
        """Render what the blocks have gained since the last step, or the next part of it.

        Args:
            blocks: All blocks of the answer.
            whole: Whether nothing follows; then all of it is rendered.

        Returns:
            What is new; None where nothing is or the step failed. Of one answer the first failure
            is logged.
        """
        try:
            step = self._try(blocks, whole=whole)
        except Exception:  # An answer may hold anything, and no fault of a parser may end its view.
            self.failed = True
            if not self._is_logged:
                log.exception("what came of the answer could not be rendered; trying again")
            self._is_logged = True
            return None
        self.failed = False
        return step

    def _try(self, blocks: Sequence[Block], *, whole: bool) -> Step | None:
        timeline = self.timeline.copy()
        is_new = timeline.take(blocks, whole=whole)
        step = Step(timeline.take_finished(), timeline.render_open_block()) if is_new else None
        self.timeline = timeline
        return step

    def complete(self, blocks: Sequence[Block]) -> Iterator[Step]:
        """Yield the steps to the end of the answer, or up to one that fails."""
        self.failed = False
        while self.timeline.has_more and not self.failed:
            if step := self.advance(blocks):
                yield step
        if not self.failed and (step := self.advance(blocks, whole=True)):
            yield step
