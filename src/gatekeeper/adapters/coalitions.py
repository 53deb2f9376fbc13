"""What the runs of mixed releases show of a metric, sample by sample."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.attribution.samples import Rows
from gatekeeper.core.observation import Missing
from gatekeeper.core.slicing import UNTAGGED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatekeeper.core.attribution.seen import Key
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run


@dataclass(frozen=True, slots=True)
class SampleRows:
    """One sealed run, read sample by sample."""

    measurements: RunMeasurements

    def rows(self, metric: Metric, arm: Arm, suites: Sequence[str]) -> Rows | Missing:
        """What one side of the run shows of a metric."""
        import numpy as np

        found = self.measurements.trials(metric, int(arm == "candidate"), suites)
        if isinstance(found, Missing):
            return found
        return Rows(
            keys=[row[:3] for row in found],
            clusters=[row[3] for row in found],
            y=np.array([row[4] or 0 for row in found], dtype=np.int64),
            d=np.array([row[5] or 0 for row in found], dtype=np.int64),
            missing=sum(row[4] is None or row[5] is None for row in found),
        )

    def critical(self, wanted: Sequence[str], arm: Arm, suites: Sequence[str]) -> Rows:
        """Which critical samples one side failed at least once, a row a sample."""
        import numpy as np

        there = self.measurements.critical_samples(arm, wanted)
        found = {key: failed for key, failed in there.items() if key[0] in suites}
        return Rows(
            keys=[(*key, 0) for key in found],
            clusters=[""] * len(found),
            y=np.array(list(found.values()), dtype=np.int64),
            d=np.ones(len(found), dtype=np.int64),
        )

    def critical_suites(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Suites of critical samples that the candidate failed, or of all where it failed none."""
        found = self.measurements.critical_samples("candidate", wanted)
        failed = {suite for (suite, _), bad in found.items() if bad}
        return tuple(sorted(failed or {suite for suite, _ in found}))

    def members(self, by: str, values: Sequence[str]) -> frozenset[Key]:
        """What the candidate was asked in some slices, as a verdict calls them."""
        return self.measurements.members(by, ["" if one == UNTAGGED else one for one in values])

    def calls(self) -> tuple[int, int]:
        """Calls of models that were made, and calls that the response cache answered."""
        return self.measurements.calls()


def joined(*parts: Rows | Missing) -> Rows | Missing:
    """Rows of several suites as one."""
    import numpy as np

    found = []
    for part in parts:
        if isinstance(part, Missing):
            return part
        found.append(part)
    return Rows(
        keys=[key for part in found for key in part.keys],
        clusters=[cluster for part in found for cluster in part.clusters],
        y=np.concatenate([part.y for part in found]),
        d=np.concatenate([part.d for part in found]),
        missing=sum(part.missing for part in found),
    )


@dataclass(slots=True)
class Readings:
    """Sealed runs that are read again and again, each opened once.

    Attributes:
        metrics: What will be asked of them, so that each is prepared once.
    """

    facts: Facts | None = None
    metrics: tuple[Metric, ...] = ()
    _open: dict[Path, SampleRows] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def of(self, directory: Path, run: Run) -> SampleRows:
        """The rows of a run; raises `IntegrityError` where it is not what was sealed."""
        if directory not in self._open:
            found = self._stack.enter_context(sample_rows(directory, run, self.facts))
            found.measurements.expect(self.metrics)
            self._open[directory] = found
        return self._open[directory]

    def close(self) -> None:
        """Let go of every run."""
        self._open.clear()
        self._stack.close()


@contextmanager
def sample_rows(directory: Path, run: Run, facts: Facts | None = None) -> Iterator[SampleRows]:
    """The rows of a sealed run; raises `IntegrityError` where it is not what was sealed."""
    baseline = run.baseline.digest if run.baseline else None
    with open_tables(directory, run) as connection:
        yield SampleRows(
            RunMeasurements(connection, run.candidate.digest, baseline, facts, directory)
        )
