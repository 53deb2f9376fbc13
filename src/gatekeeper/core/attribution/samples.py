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
    if not any(rows.keys for rows in everything):
        return Missing("no_samples", "not a single sample was run", "a run of its suites")
    if lacking := sum(rows.missing for rows in everything):
        what = f"{lacking:,} samples lack what it is made of: {metric.source}"
        return Missing("incomplete", what, "a run whose scorers and pipeline fill it in")
    if metric.quantile is None:
        keys = sorted({key for rows in everything for key in rows.keys})
        seen = {one: _filled(rows, keys) for one, rows in seen.items()}
        against = {one: _filled(rows, keys) for one, rows in against.items()}
        first = seen[0]
    elif any(rows.keys != first.keys for rows in everything):
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


def _filled(rows: Rows, keys: Sequence[Key]) -> Rows:
    """Rows of all these samples: one that a metric leaves out adds nothing to either sum."""
    import numpy as np

    if list(rows.keys) == keys:
        return rows
    place = {key: number for number, key in enumerate(rows.keys)}
    y, d = np.zeros(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
    clusters = [""] * len(keys)
    for number, key in enumerate(keys):
        if key in place:
            y[number], d[number] = rows.y[place[key]], rows.d[place[key]]
            clusters[number] = rows.clusters[place[key]]
    return Rows(keys, clusters, y, d, rows.missing)


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
