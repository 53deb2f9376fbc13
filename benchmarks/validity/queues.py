"""Quantiles of latencies: of requests that are independent, alike in time, or in a queue."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache, partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import Table, joined, percent, random, survey, tails
from scipy.special import ndtri

from gatekeeper.core.observation import Times
from gatekeeper.core.statistics.duration_changes import quantile_change
from gatekeeper.core.statistics.durations import quantile_of, rank
from gatekeeper.core.statistics.resampling import weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.validity.study import Tails
    from numpy.random import Generator
    from numpy.typing import NDArray

    Method = Callable[[Times, float, float], tuple[float | None, float | None]]

UNIT = 1e5
SPREAD = 0.5
NOISE = 0.1
SERVERS = 2
WARM = 100
BUSY = {f"in a queue, servers busy {share:.0%}": share for share in (0.3, 0.5, 0.7)}
KINDS = ("independent", "alike in time (0.7)", *BUSY)
STATED = KINDS[:3]
"""In busier queues the tables say what is left."""
SIZES = (100, 300, 1000)
QUANTILES = (0.5, 0.95)
COLUMNS = (
    "requests",
    "each taken as independent: wrong passes, at most",
    "ours, at most",
    "ours, on average",
    "ours: 90 % interval covers there",
    "where ours is worst",
)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit, of one release and of a change between two."""
    one = _table("quantiles", (_order_statistics, _ours), 20 if quick else 400, quick=quick)
    two = _table("quantile changes", (_pairs, _change), 5 if quick else 40, quick=quick)
    return one, two


def _table(name: str, methods: tuple[Method, Method], draws: int, *, quick: bool) -> Table:
    rows, broken = [], []
    for kind in KINDS:
        cells = [
            {
                f"p{100 * p:g}, n {n}": partial(_cell, kind, n, p, method)
                for n, p in product(SIZES[:1] if quick else SIZES, QUANTILES)
            }
            for method in methods
        ]
        plain, ours = (survey(cell, draws) for cell in cells)
        told = (plain.worst.passes, ours.worst.passes, ours.mean, ours.worst.cover90)
        rows.append((kind, *map(percent, told), ours.where))
        if kind in STATED:
            broken.append(ours.worst.broken(f"{name}, {kind}, {ours.where}"))
    return Table(name, COLUMNS, tuple(rows), joined(broken))


def _cell(  # noqa: PLR0913, PLR0917 - a cell has as many coordinates
    kind: str, n: int, p: float, method: Method, draws: int, numbers: Generator
) -> Tails:
    truth = _truth(kind, p)
    return tails(method(Times(*pair), p, truth) for pair in _latencies(kind, draws, n, numbers))


def _ours(seen: Times, p: float, truth: float) -> tuple[float | None, float | None]:
    found = quantile_of(seen, p)
    return found.p(truth, "below"), found.p(truth, "above")


def _order_statistics(seen: Times, p: float, truth: float) -> tuple[float | None, float | None]:
    found = replace(quantile_of(seen, p), design_effect=1.0)
    return found.p(truth, "below"), found.p(truth, "above")


def _change(seen: Times, p: float, _truth: float) -> tuple[float | None, float | None]:
    found = quantile_change(seen, p)
    return found.p(0.0, "below"), found.p(0.0, "above")


def _pairs(seen: Times, p: float, _truth: float) -> tuple[float, float]:
    """Percentiles of a bootstrap that draws pairs one by one."""
    n = len(seen.candidate)
    drawn = weights(n)[:, :1000].astype(np.int64)
    target = np.ceil(p * drawn.sum(axis=0))
    tops = []
    for side in (seen.candidate, seen.baseline):
        order = np.argsort(side)
        reached = np.cumsum(drawn[order], axis=0)
        tops.append(side[order][np.minimum((reached < target).sum(axis=0), n - 1)])
    change = tops[0] / tops[1] - 1
    return float(((change > 0).sum() + 1) / 1001), float(((change < 0).sum() + 1) / 1001)


@lru_cache
def _truth(kind: str, p: float) -> float:
    """The quantile of very many latencies; of independent ones, by formula."""
    if kind not in BUSY:
        spread = math.hypot(SPREAD, 0.4 if kind != "independent" else NOISE)
        return UNIT * math.exp(spread * float(ndtri(p)))
    many = _latencies(kind, 400, 2000, random(f"truth {kind}")).ravel()
    return float(np.sort(many)[rank(len(many), p)])


def _latencies(kind: str, draws: int, n: int, numbers: Generator) -> NDArray[np.int64]:
    """Latencies of two releases for the same requests, shape (draws, 2, n)."""
    if kind in BUSY:
        found = _queue(BUSY[kind], draws, n, numbers)
    else:
        alike = kind != "independent"
        hard = SPREAD * numbers.normal(size=(draws, 1, n))
        own = (
            0.4 * _series(draws, n, numbers)
            if alike
            else NOISE * numbers.normal(size=(draws, 2, n))
        )
        found = np.exp(hard + own)
    return (UNIT * found).astype(np.int64)


def _series(draws: int, n: int, numbers: Generator, alike: float = 0.7) -> NDArray[np.float64]:
    """Normal numbers that follow each other with that correlation."""
    found = numbers.normal(size=(draws, 2, n))
    for place in range(1, n):
        found[..., place] *= math.sqrt(1 - alike**2)
        found[..., place] += alike * found[..., place - 1]
    return found


def _queue(busy: float, draws: int, n: int, numbers: Generator) -> NDArray[np.float64]:
    """Requests that arrive at random times and wait for the first server that is free."""
    many = n + WARM
    hard = numbers.lognormal(0, SPREAD, (draws, 1, many))
    service = hard * numbers.lognormal(0, NOISE, (draws, 2, many))
    gap = math.exp((SPREAD**2 + NOISE**2) / 2) / SERVERS / busy
    arrival = np.cumsum(numbers.exponential(gap, (draws, 2, many)), axis=2)
    free = np.zeros((draws, 2, SERVERS))
    found = np.empty((draws, 2, many))
    for place in range(many):
        free.sort(axis=2)
        free[..., 0] = np.maximum(free[..., 0], arrival[..., place]) + service[..., place]
        found[..., place] = free[..., 0] - arrival[..., place]
    return found[..., WARM:]
