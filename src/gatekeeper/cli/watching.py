"""Who watches an evaluation: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from gatekeeper.core.tally import Pace, Tally
from gatekeeper.report.watching import Moment, last_line, plain_line, suite_line

if TYPE_CHECKING:
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.record import Row
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult
    from gatekeeper.ports import Watch

PLAIN_SECONDS: Final = 5.0


def watch_for(
    stream: TextIO,
    *,
    run_directory: Path,
    run: Run,
    rules: Sequence[Rule] = (),
    ceiling_usd: float | None = None,
) -> Watch:
    """A watch that never fails the evaluation that it watches.

    Args:
        stream: What people read; a live view where it is a terminal and not a CI log.
        run_directory: Where the records are written; read for the estimates, never touched.
        run: As it begins or resumes: what earlier sittings spent is in it.
        rules: What the policy asks about.
        ceiling_usd: What may be spent over all sittings.

    `end` has to be called before the run is sealed, whatever ended it.
    """
    if live(stream):
        from gatekeeper.cli.live import LiveWatch
        from gatekeeper.cli.running_estimates import Estimator

        estimator = Estimator(run_directory, run, rules)
        return Careful(LiveWatch(stream, Course(run.spend.nano_usd, ceiling_usd), estimator))
    return Careful(PlainWatch(stream, Course(run.spend.nano_usd, ceiling_usd)))


def live(stream: TextIO) -> bool:
    """Whether somebody sees the stream as it changes."""
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        return False
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


class Course:
    """What is counted, and how fast it goes."""

    def __init__(self, spent: int = 0, ceiling_usd: float | None = None) -> None:
        self.tally = Tally()
        self._spent = spent
        self._ceiling = ceiling_usd
        self._pace = Pace()
        self._began = time.monotonic()

    def begin(self, totals: Mapping[str, int], done: Mapping[str, int]) -> None:
        """Time counts from here."""
        self.tally = Tally.of(totals, done)
        self._began = time.monotonic()
        self._pace.look(self._began, self.tally)

    def now(self, estimates: tuple[RuleResult, ...] = ()) -> Moment:
        """How it goes."""
        now = time.monotonic()
        rates = self._pace.look(now, self.tally)
        elapsed = now - self._began
        return Moment(self.tally, rates, elapsed, self._spent, self._ceiling, estimates)


class PlainWatch:
    """A line every few seconds, and one when a suite is through."""

    def __init__(self, stream: TextIO, course: Course, seconds: float = PLAIN_SECONDS) -> None:
        self._stream = stream
        self._course = course
        self._seconds = seconds
        self._said = time.monotonic()

    def begin(self, totals: Mapping[str, int], done: Mapping[str, int]) -> None:
        """Say what is to be done."""
        self._course.begin(totals, done)
        earlier = sum(done.values())
        resumed = f", {earlier:,} of them finished earlier" if earlier else ""
        parts = ", ".join(f"{name} {total:,}" for name, total in totals.items())
        self._line(f"evaluate: {sum(totals.values()):,} conversations{resumed}: {parts}")
        self._said = time.monotonic()

    def finished(self, suite: str, rows: Sequence[Row]) -> None:
        """Count it; speak where there is something to say."""
        tally = self._course.tally
        tally.add(suite, rows)
        one = tally.suites[suite]
        if one.done == one.total:
            self._line(suite_line(self._course.now(), suite))
        elif time.monotonic() - self._said >= self._seconds:
            self._said = time.monotonic()
            self._line(plain_line(self._course.now()))

    def end(self, note: str = "") -> None:
        """Say what it came to."""
        self._line(last_line(self._course.now(), note))

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class Careful:
    """A watch that goes silent when it fails: an evaluation is worth more than its view."""

    def __init__(self, inner: Watch) -> None:
        self._inner = inner
        self._broken = False

    def begin(self, totals: Mapping[str, int], done: Mapping[str, int]) -> None:
        """Pass it on."""
        try:
            self._inner.begin(totals, done)
        except Exception:  # noqa: BLE001 - a closed terminal, a full pipe, a bug in the view
            self._broken = True

    def finished(self, suite: str, rows: Sequence[Row]) -> None:
        """Pass it on, unless it has failed."""
        if self._broken:
            return
        try:
            self._inner.finished(suite, rows)
        except Exception:  # noqa: BLE001 - as above
            self._broken = True

    def end(self, note: str = "") -> None:
        """Always passed on: a view has something to put away."""
        try:
            self._inner.end(note)
        except Exception:  # noqa: BLE001 - as above
            self._broken = True
