"""Progress on a terminal, and as plain lines where there is none."""

from __future__ import annotations

import atexit
import time
from typing import TYPE_CHECKING, TextIO

from gatekeeper.cli.workflow_commands import harmless

if TYPE_CHECKING:
    from gatekeeper.ports import Progress

PLAIN_INTERVAL = 5.0


class PlainProgress:
    """One line when a task begins, one when it ends, and one every few seconds between."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total: dict[str, int | None] = {}
        self._done: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def start(self, task: str, total: int | None = None) -> None:
        """Begin a task of `total` steps."""
        self._total[task], self._done[task] = total, 0
        self._said[task] = time.monotonic()

    def advance(self, task: str, count: int = 1) -> None:
        """Count steps; speak at most every few seconds."""
        self._done[task] += count
        now = time.monotonic()
        if now - self._said[task] >= PLAIN_INTERVAL:
            self._said[task] = now
            total = self._total[task]
            of = f"/{total}" if total else ""
            self._line(f"{task}: {self._done[task]}{of}")

    def finish(self, task: str, note: str = "") -> None:
        """End a task."""
        self._line(f"{task}: {note or 'done'}")

    def _line(self, text: str) -> None:
        self._stream.write(harmless(text + "\n"))
        self._stream.flush()


class LiveProgress:
    """A bar a task, drawn by rich and gone when all have ended."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, object] = {}
        atexit.register(self._progress.stop)  # a task that never ended must not hide the cursor

    def start(self, task: str, total: int | None = None) -> None:
        """Begin a task of `total` steps."""
        if not self._tasks:
            self._progress.start()
        self._tasks[task] = self._progress.add_task(task, total=total)

    def advance(self, task: str, count: int = 1) -> None:
        """Count steps."""
        self._progress.advance(self._tasks[task], count)  # type: ignore[arg-type]

    def finish(self, task: str, note: str = "") -> None:
        """End a task; the display goes when the last one ends."""
        self._progress.remove_task(self._tasks.pop(task))  # type: ignore[arg-type]
        if note:
            self._console.print(f"{task}: {note}", style="dim")
        if not self._tasks:
            self._progress.stop()


def progress_for(stream: TextIO) -> Progress:
    """Live on a terminal, plain elsewhere."""
    return LiveProgress() if stream.isatty() else PlainProgress(stream)
