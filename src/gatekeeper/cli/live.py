"""The live view of an evaluation, drawn by rich and gone when it ends."""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TextIO

from gatekeeper.report.markup import escape
from gatekeeper.report.watching import last_line, live_lines

if TYPE_CHECKING:
    from rich.text import Text

    from gatekeeper.cli.running_estimates import Estimator
    from gatekeeper.cli.watching import Course
    from gatekeeper.model.record import Row

TIMES_A_SECOND: Final = 4


class LiveWatch:
    """Bars, rates, money, errors and estimates; redrawn by a thread, counted by the caller."""

    def __init__(self, stream: TextIO, course: Course, estimator: Estimator) -> None:
        from rich.console import Console
        from rich.live import Live

        self._course = course
        self._estimator = estimator
        self._console = Console(file=stream, highlight=False, emoji=False)
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            refresh_per_second=TIMES_A_SECOND,
            transient=True,
            vertical_overflow="crop",
            redirect_stdout=False,
        )

    def begin(self, totals: Mapping[str, int], done: Mapping[str, int]) -> None:
        """Start to draw."""
        self._course.begin(totals, done)
        atexit.register(self._live.stop)  # an exit on the way must not hide the cursor
        self._live.start()
        self._estimator.start()

    def finished(self, suite: str, rows: Sequence[Row]) -> None:
        """Count it; the thread draws."""
        self._course.tally.add(suite, rows)

    def end(self, note: str = "") -> None:
        """Take the view away and leave one line."""
        try:
            self._estimator.stop()
        finally:
            self._live.stop()
            atexit.unregister(self._live.stop)
        self._console.print(escape(last_line(self._course.now(), note)), style="dim")

    def _drawn(self) -> Text:
        from rich.text import Text

        width, height = self._console.size
        moment = self._course.now(self._estimator.results)
        lines = live_lines(moment, width, height - 1)
        return Text.from_markup("\n".join(lines), overflow="ellipsis", emoji=False)
