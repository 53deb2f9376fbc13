"""Means of scores and their standard errors, with and without clusters of samples.

The unit is a sample: its replicates are averaged first, because they are not independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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


def mean_of(values: Sequence[float], clusters: Sequence[str | None] = ()) -> Mean:
    """The mean of one value a sample.

    Args:
        values: Finite numbers.
        clusters: The cluster of each sample; without effect unless every sample has one.
    """
    n = len(values)
    if not n:
        return Mean(0, None, None)
    mean = math.fsum(values) / n
    groups = _groups(values, clusters)
    stderr = None if n < 2 else _standard_error(values, mean)  # noqa: PLR2004 - n - 1 divides
    return Mean(n, mean, stderr, len(groups), _clustered(groups, mean, n))


def _standard_error(values: Sequence[float], mean: float) -> float:
    """sqrt(s² / n) with s² = sum((x - mean)²) / (n - 1).

    Source: the central limit theorem; equation 1 of Miller, "Adding Error Bars to Evals",
    arXiv:2411.00640 (2024).
    """
    n = len(values)
    return math.sqrt(math.fsum((x - mean) ** 2 for x in values) / (n - 1) / n)


def _clustered(groups: Mapping[str, Sequence[float]], mean: float, n: int) -> float | None:
    """sqrt(g / (g - 1) * sum over clusters of (sum of deviations)²) / n, for g clusters.

    Source: equation 4 of Miller (2024), with the correction for few clusters, g / (g - 1), of
    Cameron and Miller, "A Practitioner's Guide to Cluster-Robust Inference", section II.
    """
    count = len(groups)
    if count < 2:  # noqa: PLR2004 - the correction divides by count - 1
        return None
    squares = math.fsum(math.fsum(x - mean for x in group) ** 2 for group in groups.values())
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
