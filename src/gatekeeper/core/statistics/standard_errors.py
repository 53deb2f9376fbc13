"""Standard errors of scores as evaluation tools print them: of samples, and of their clusters.

The unit is a sample: its replicates are averaged first, because they are not independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_FEWEST: Final = 2
"""One unit has no spread."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over samples.

    Attributes:
        n: Samples.
        value: Their mean; null where there is none.
        stderr: Standard error of the mean if samples are independent; null below two samples.
        clusters: Groups of samples that are not independent; 0 where samples name none.
        clustered_stderr: Standard error if only clusters are independent; null below two.
    """

    n: int
    value: float | None
    stderr: float | None
    clusters: int = 0
    clustered_stderr: float | None = None


def described(values: Sequence[float], clusters: Sequence[str | None] = ()) -> Mean:
    """The mean of one value a sample, with both of its standard errors.

    Args:
        values: Finite numbers.
        clusters: The cluster of each sample; without effect unless every sample has one.
    """
    n = len(values)
    if not n:
        return Mean(0, None, None)
    mean = math.fsum(values) / n
    groups = _groups(values, clusters)
    alone = _standard_error([[value] for value in values], mean, n)
    return Mean(n, mean, alone, len(groups), _standard_error(groups.values(), mean, n))


def _standard_error(units: Collection[Sequence[float]], mean: float, n: int) -> float | None:
    """sqrt(g / (g - 1) * sum over units of (sum of deviations)²) / n, for g units; None below two.

    Source: equations 1 (a sample is a unit) and 4 (a cluster is one) of Miller, "Adding Error Bars
    to Evals", arXiv:2411.00640 (2024), with the correction for few clusters, g / (g - 1), of
    Cameron and Miller, "A Practitioner's Guide to Cluster-Robust Inference", section II. Rules are
    decided by the same variance from exact sums: `influence.variance`.
    """
    count = len(units)
    if count < _FEWEST:
        return None
    squares = math.fsum(math.fsum(x - mean for x in unit) ** 2 for unit in units)
    return math.sqrt(squares * count / (count - 1)) / n


def _groups(values: Sequence[float], clusters: Sequence[str | None]) -> dict[str, list[float]]:
    groups: dict[str, list[float]] = {}
    if len(clusters) != len(values):
        return groups
    for value, cluster in zip(values, clusters, strict=True):
        if cluster is None:
            return {}
        groups.setdefault(cluster, []).append(value)
    return groups
