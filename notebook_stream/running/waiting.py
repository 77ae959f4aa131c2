"""The ways to wait for an answer: in code that blocks, and in code that awaits."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any

from .. import host
from ..errors import interruption
from ..values.reply import Ending, Reply
from .answer import Answer

Future = concurrent.futures.Future[Any]


def block(answer: Answer) -> Reply:
    """Start an answer, and block until its end.

    Raises:
        ClaudeError: It failed.
        KeyboardInterrupt: The wait was interrupted; in one line, the partial in ``.reply``.
    """
    interrupts: list[None] = []

    def interrupt() -> None:
        interrupts.append(None)
        answer.stop("interrupted")

    with host.interrupts_to(interrupt):
        host.block_until_done(answer.admit())
        if interrupts:
            answer.withdraw()
        else:
            answer.start()
            host.block_until_done(answer.done)
            answer.deliver()
    if interrupts:
        raise make_interruption(answer)
    return answer.outcome()


async def wait(answer: Answer) -> Reply:
    """Start an answer, and wait for its end, leaving the running loop free meanwhile.

    Raises:
        ClaudeError: It failed.
        CancelledError: The waiting task was cancelled; the stream is closed then.
    """
    await begin(answer)
    try:
        await host.wait_until_done(answer.done)
    except asyncio.CancelledError:
        await settle_later(answer, "interrupted")
        raise
    return answer.outcome()


async def begin(answer: Answer) -> None:
    """Start an answer as `Answer.start` does, leaving the running loop free meanwhile.

    Raises:
        OptionError: It is not admitted; nothing is sent.
        CredentialsError: There is no key and no recording.
        CancelledError: The waiting task was cancelled before anything was sent.
    """
    try:
        await host.wait_until_done(answer.admit())
    except asyncio.CancelledError:
        answer.withdraw()
        raise
    answer.start()


def settle(answer: Answer, ending: Ending = "stopped") -> Reply:
    """Stop an answer that was started, show and bind what came; interrupts change nothing."""
    answer.stop(ending)
    with host.interrupts_to(lambda: None):
        return answer.deliver()


async def settle_later(answer: Answer, ending: Ending = "stopped") -> Reply:
    """Return the same as `settle`, leaving the running loop free meanwhile.

    Raises:
        CancelledError: The waiting task was cancelled meanwhile, which changes nothing else.
    """
    answer.stop(ending)
    cancelled = await outlast(answer.done)
    with host.interrupts_to(lambda: None):
        reply = answer.deliver()
    if cancelled is not None:
        raise cancelled
    return reply


def make_interruption(answer: Answer) -> KeyboardInterrupt:
    """Make the exception for an interrupt: it shows one line, and ``.reply`` has what came."""
    outcome = "what came is kept" if answer.started else "nothing was sent"
    error = interruption(f"interrupted: {outcome}.")
    error.reply = answer.deliver() if answer.started else None  # type: ignore[attr-defined] # ClaudeError's name
    return error


async def outlast(future: Future) -> asyncio.CancelledError | None:
    """Wait for the end, whatever cancels the waiting task meanwhile.

    Returns:
        The last cancellation that came, which is the caller's to raise; None where none did.
    """
    cancelled = None
    done = asyncio.wrap_future(future)
    while not future.done():
        try:
            await asyncio.wait({done})
        except asyncio.CancelledError as error:
            cancelled = error
    return cancelled
