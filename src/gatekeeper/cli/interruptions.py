"""What goes on beside an evaluation: waiting for Ctrl-C, and bringing records to the disk."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gatekeeper.adapters.journal import RunJournal
    from gatekeeper.ops.evaluation_plan import Stop

FLUSH_SECONDS: Final = 1.0
"""What a loss of power may take from a run."""


@asynccontextmanager
async def interruptible(stop: Stop, say: Callable[[str], None]) -> AsyncIterator[None]:
    """The first Ctrl-C lets what is being asked come to its end; the second ends at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def heard() -> None:
        """Stop softly the first time, at once the second."""
        if stop.asked and task is not None:
            task.cancel()
            return
        stop.ask("interrupted after the conversations that had begun")
        say("ending after the conversations that have begun; Ctrl-C again ends at once")

    signals = (signal.SIGINT, signal.SIGTERM)
    for one in signals:
        loop.add_signal_handler(one, heard)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)


@asynccontextmanager
async def flushing(journal: RunJournal) -> AsyncIterator[None]:
    """Bring what was written to the disk, every second."""

    async def flush() -> None:
        """Once a second, for as long as the run is run."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await asyncio.to_thread(journal.flush)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(flush())
        try:
            yield
        finally:
            task.cancel()
