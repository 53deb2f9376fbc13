"""From the rows of coalitions to one table: the same samples in the same order, put into units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.attribution.resampling import Seen, Table
from gatekeeper.core.observation import Missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import int64
    from numpy.typing import NDArray

    from gatekeeper.core.metrics.metric import Metric

Key = tuple[str, str]
"""Suite and sample."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One metric of one coalition, a row a sample, ordered by suite and sample.

    Attributes:
        clusters: What groups the samples that are not independent; empty where nothing does.
        missing: Rows that lack what the metric is made of.
    """

    keys: Sequence[Key]
    clusters: Sequence[str]
    y: NDArray[int64]
    d: NDArray[int64]
    missing: int = 0


def table(metric: Metric, seen: Mapping[int, Rows], against: Mapping[int, Rows]) -> Table | Missing:
    """One table of all coalitions, or why there can be none.

    Args:
        metric: What is measured.
        seen: By coalition; that of nobody is the baseline.
        against: The baseline in the session of each coalition, where times were measured.
    """
    first = seen[0]
    everything = [*seen.values(), *against.values()]
    if not first.keys:
        return Missing("no_samples", "not a single sample was run", "a run of its suites")
    if lacking := sum(rows.missing for rows in everything):
        what = f"{lacking:,} samples lack what it is made of: {metric.source}"
        return Missing("incomplete", what, "a run whose scorers and pipeline fill it in")
    if any(rows.keys != first.keys for rows in everything):
        what = "the mixed releases and the run did not answer the same samples"
        return Missing("unpaired", what, "`gatekeeper attribute` again")
    share = metric.kind == "proportion"
    return Table(
        _units(first),
        {one: _seen(rows, share=share) for one, rows in seen.items()},
        {one: _seen(rows, share=share) for one, rows in against.items()},
        metric.quantile if metric.kind == "quantile" else None,
        counts=metric.kind == "census",
    )


def _seen(rows: Rows, *, share: bool) -> Seen:
    """Sums of a ratio; of a share, whether each sample had the event."""
    return Seen((rows.y > 0).astype("int64") if share else rows.y, rows.d)


def _units(rows: Rows) -> NDArray[int64]:
    """The number of each sample's unit: of its cluster in its suite, or of its own."""
    import numpy as np

    names = [
        (suite, cluster or "", "" if cluster else sample)
        for (suite, sample), cluster in zip(rows.keys, rows.clusters, strict=True)
    ]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], dtype=np.int64)
