"""Shares of samples in clusters, which may fail together in several ways."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.validity.draws import SHAPES, TOGETHER, events, sizes, sums
from benchmarks.validity.study import Table, joined, percent, survey, tails
from scipy.special import betainc, betaincc, stdtrit

from gatekeeper.core.observation import Proportion
from gatekeeper.core.statistics.shares import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.validity.study import Cell, Survey, Tails
    from numpy.random import Generator
    from numpy.typing import NDArray

    Method = Callable[[NDArray[np.int64], NDArray[np.int64], float], Tails]

LIMITS = (0.005, 0.03, 0.18, 0.78)
COUNTS = (10, 20, 50, 200)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit, by how clusters fail together."""
    draws = 60 if quick else 1000
    methods = (_alone, _korn_graubard, _ours)
    rows, broken = [], []
    for together in TOGETHER:
        found = [survey(_cells(method, together, quick=quick), draws) for method in methods]
        rows.append(_row(together, found))
        broken.append(found[-1].worst.broken(f"clusters, {together}: {found[-1].where}"))
    columns = (
        "samples in clusters that",
        "exact bounds, clusters ignored: wrong passes, at most",
        "Korn-Graubard, at most",
        "ours, at most",
        "ours, on average",
        "ours: 90 % interval covers there",
        "95 % interval",
        "where ours is worst",
    )
    return (Table("clustered shares", columns, tuple(rows), joined(broken)),)


def _row(together: str, found: list[Survey]) -> tuple[str, ...]:
    ours = found[-1]
    return (
        together,
        *(percent(one.worst.passes) for one in found),
        percent(ours.mean),
        percent(ours.worst.cover90),
        percent(ours.worst.cover95),
        ours.where,
    )


def _cells(method: Method, together: str, *, quick: bool) -> dict[str, Cell]:
    counts = COUNTS[:2] if quick else COUNTS
    return {
        f"{count} clusters of {shape}, limit {limit}": _Cell(method, together, count, shape, limit)
        for count, shape, limit in product(counts, SHAPES, LIMITS)
    }


@dataclass(frozen=True)
class _Cell:
    """A method on data of one kind."""

    method: Method
    together: str
    count: int
    shape: str
    limit: float

    def __call__(self, draws: int, random: Generator) -> Tails:
        m = sizes(self.count, self.shape)
        return self.method(events(self.together, self.limit, m, draws, random), m, self.limit)


def _ours(y: NDArray[np.int64], m: NDArray[np.int64], limit: float) -> Tails:
    total = int(m.sum())
    found = [share(Proportion(total, int(row.sum()), clusters=sums(row, m))) for row in y]
    return tails((one.p(limit, "below"), one.p(limit, "above")) for one in found)


def _alone(y: NDArray[np.int64], m: NDArray[np.int64], limit: float) -> Tails:
    return _binomial(y.sum(axis=1), m.sum(), limit)


def _binomial(y: NDArray[Any], n: Any, limit: float) -> Tails:
    below = np.where(y < n, betaincc(y + 1, np.maximum(n - y, 1e-9), limit), 1.0)
    above = np.where(y > 0, betainc(np.maximum(y, 1e-9), n - y + 1, limit), 1.0)
    return below, above


def _korn_graubard(y: NDArray[np.int64], m: NDArray[np.int64], limit: float) -> Tails:
    """Korn and Graubard (1998): as published, with the t quantiles at alpha."""
    count, total = len(m), m.sum()
    mean = y.sum(axis=1) / total
    spread = ((y - mean[:, None] * m) ** 2).sum(axis=1) * count / (count - 1)
    alone = mean * (1 - mean) * total
    effect = np.where(alone > 0, spread / np.where(alone > 0, alone, 1), 1.0)
    ratio = (stdtrit(count - 1, 0.95) / stdtrit(total - 1, 0.95)) ** 2
    n = total / np.maximum(effect * ratio, 1.0)
    return _binomial(mean * n, n, limit)
