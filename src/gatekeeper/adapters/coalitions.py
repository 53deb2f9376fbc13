"""What the runs of mixed releases show of a metric, sample by sample."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.attribution.samples import Rows
from gatekeeper.core.observation import Missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatekeeper.core.metrics.metric import Metric
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


@contextmanager
def sample_rows(directory: Path, run: Run) -> Iterator[SampleRows]:
    """The rows of a sealed run; raises `IntegrityError` where it is not what was sealed."""
    baseline = run.baseline.digest if run.baseline else None
    with open_tables(directory, run) as connection:
        yield SampleRows(
            RunMeasurements(connection, run.candidate.digest, baseline, directory=directory)
        )
