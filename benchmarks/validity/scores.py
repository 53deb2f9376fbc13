"""Means of scores between 0 and 1: alone, paired, and in clusters of samples that are alike."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.heavy import sums
from benchmarks.validity.study import Table, joined, percent, survey, tails
from scipy.special import ndtr, stdtr

from gatekeeper.core.statistics.means import mean_difference, mean_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.validity.study import Tails
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Sums

    Method = Callable[[NDArray[np.int64]], Sums]

ONE = 10**6
SHAPES = {
    "spread evenly": (1.0, 1.0, 0.0),
    "mostly high: beta(9, 1)": (9.0, 1.0, 0.0),
    "80 % are 1, the others even": (1.0, 1.0, 0.8),
}
SIZES = (20, 50, 200, 1000)
COUNTS = (5, 10, 20, 40)
PER_CLUSTER = 10
ALIKE = (0.05, 0.3)
"""Standard deviation of clusters, over that of samples within them."""


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit."""
    draws = 40 if quick else 500
    return (_alone(draws), _clustered(draws))


def _alone(draws: int) -> Table:
    rows, broken = [], []
    for name, paired in product(SHAPES, (False, True)):
        plain, ours = (
            survey(
                {f"n {n}": partial(_scores, name, n, paired=paired, skewed=skewed) for n in SIZES},
                draws,
            )
            for skewed in (False, True)
        )
        what = f"{'differences' if paired else 'scores'} {name}"
        rows.append((what, *map(percent, _told(plain, ours)), ours.where))
        broken.append(ours.worst.broken(f"{what}, {ours.where}"))
    columns = (
        "means of independent samples",
        "t alone: wrong passes, at most",
        "ours, at most",
        "ours, on average",
        "ours: 90 % interval covers there",
        "95 % interval",
        "where ours is worst",
    )
    return Table("means", columns, tuple(rows), joined(broken))


def _told(plain, ours) -> tuple[float, ...]:  # noqa: ANN001 - surveys
    worst = ours.worst
    return plain.worst.passes, worst.passes, ours.mean, worst.cover90, worst.cover95


def _scores(  # noqa: PLR0913 - a cell has as many coordinates
    name: str, n: int, draws: int, random: Generator, *, paired: bool, skewed: bool
) -> Tails:
    a, b, ones = SHAPES[name]
    truth = 0.0 if paired else ones + (1 - ones) * a / (a + b)
    found = []
    for _ in range(draws):
        drawn = np.where(random.random((2, n)) < ones, 1.0, random.beta(a, b, (2, n)))
        y, d = (ONE * drawn).astype(np.int64), np.full(n, ONE)
        seen = sums(np.stack([y[0], d, y[1], d]) if paired else np.stack([y[0], d]))
        seen = seen if skewed else replace(seen, groups=None)
        one = mean_difference(seen) if paired else mean_of(seen)
        found.append((one.p(truth, "below"), one.p(truth, "above")))
    return tails(found)


def _clustered(draws: int) -> Table:
    rows, broken = [], []
    for count in COUNTS:
        methods = (_ignored, _normal, _ours)
        found = [
            survey({f"{alike:g}": partial(_clusters, count, alike, one) for alike in ALIKE}, draws)
            for one in methods
        ]
        ours = found[-1].worst
        told = (*(one.worst.passes for one in found), ours.cover90, ours.cover95)
        rows.append((f"{count} clusters of {PER_CLUSTER}", *map(percent, told)))
        broken.append(ours.broken(f"{count} clusters of scores, alike {found[-1].where}"))
    columns = (
        "means of samples in clusters",
        "t, clusters ignored: wrong passes, at most",
        "robust, normal quantiles, at most",
        "ours, at most",
        "ours: 90 % interval covers there",
        "95 % interval",
    )
    return Table("clustered means", columns, tuple(rows), joined(broken))


def _clusters(count: int, alike: float, method, draws: int, random: Generator) -> Tails:  # noqa: ANN001
    found = []
    for _ in range(draws):
        own = 0.5 + 0.2 * alike * random.normal(size=(count, 1))
        scores = own + 0.2 * random.normal(size=(count, PER_CLUSTER))
        found.append(method((ONE * scores).astype(np.int64)))
    return tails(found)


def _ours(scores: NDArray[np.int64]) -> tuple[float | None, float | None]:
    one = mean_of(sums(np.stack([scores.sum(axis=1), np.full(len(scores), PER_CLUSTER * ONE)])))
    return one.p(0.5, "below"), one.p(0.5, "above")


def _ignored(scores: NDArray[np.int64]) -> tuple[float, float]:
    """Student's t on samples as if they were independent."""
    flat = scores.ravel() / ONE
    score = (flat.mean() - 0.5) / (flat.std(ddof=1) / math.sqrt(flat.size))
    return float(stdtr(flat.size - 1, score)), float(stdtr(flat.size - 1, -score))


def _normal(scores: NDArray[np.int64]) -> tuple[float, float]:
    """The sandwich without the correction for few clusters, and normal quantiles."""
    means = scores.mean(axis=1) / ONE
    score = (means.mean() - 0.5) / (means.std() / math.sqrt(len(means)))
    return float(ndtr(score)), float(ndtr(-score))
