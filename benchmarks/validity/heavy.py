"""Ratios of costs and their changes: light and heavy tails, few and many samples."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import Table, joined, percent, survey, tails

from gatekeeper.core.observation import Sums
from gatekeeper.core.statistics.bca import bca_change, bca_of
from gatekeeper.core.statistics.ratios import ratio_change, ratio_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.validity.study import Survey, Tails
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Inference

    Draw = Callable[[Generator, tuple[int, int]], NDArray[np.float64]]

SIZES = (20, 50, 100, 200, 500, 2000)
FEW = (20, 100, 500)
"""Sizes at which the bootstrap is studied, which takes longest."""
RESOLVED = 0.9
UNIT = 1e6
COSTS: dict[str, tuple[Draw, float]] = {
    "gamma, shape 4": (lambda random, shape: random.gamma(4, 0.25, shape), 1.0),
    **{
        f"lognormal, sigma {sigma}": (
            lambda random, shape, sigma=sigma: random.lognormal(0, sigma, shape),
            math.exp(sigma**2 / 2),
        )
        for sigma in (0.5, 1.0, 1.5)
    },
}
CHANGES = {
    "pairs: lognormal 0.5, alike to 10 %": (0.5, 0.1),
    "pairs: lognormal 1, alike to 30 %": (1.0, 0.3),
    "pairs: lognormal 1.5, alike to 50 %": (1.5, 0.5),
}
COLUMNS = (
    "cost per resolved request",
    "delta method alone: wrong passes, at most",
    "BCa, at most",
    "ours, at most",
    "ours, on average",
    "ours: 90 % interval covers there",
    "95 % interval",
    "where ours is worst",
)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit, by the tails of the costs."""
    draws = 40 if quick else 500
    sizes = SIZES[:2] if quick else SIZES
    rows, broken = [], []
    for name in (*COSTS, *CHANGES):
        change = name in CHANGES
        delta, ours = (
            survey({f"n {n}": partial(_cell, name, n, method) for n in sizes}, draws)
            for method in (
                partial(_plain, ratio_change if change else ratio_of),
                ratio_change if change else ratio_of,
            )
        )
        few = {f"n {n}": partial(_cell, name, n, bca_change if change else bca_of) for n in FEW}
        rows.append(_row(name, delta, survey(few, draws // 10), ours))
        broken.append(ours.worst.broken(f"{name}, {ours.where}"))
    return (Table("ratios", COLUMNS, tuple(rows), joined(broken)),)


def sums(columns: NDArray[np.int64]) -> Sums:
    """What an observation holds of samples: columns of one draw, shape (columns, samples)."""
    products = tuple(tuple(int(a @ b) for b in columns) for a in columns)
    totals = tuple(int(total) for total in columns.sum(axis=1))
    return Sums(columns.shape[1], totals, products, groups=columns.T)


def _row(name: str, delta: Survey, bca: Survey, ours: Survey) -> tuple[str, ...]:
    return (
        name,
        *(percent(one.worst.passes) for one in (delta, bca, ours)),
        percent(ours.mean),
        percent(ours.worst.cover90),
        percent(ours.worst.cover95),
        ours.where,
    )


def _cell(
    name: str, n: int, method: Callable[[Sums], Inference | None], draws: int, random: Generator
) -> Tails:
    found = []
    for _ in range(draws):
        columns, truth = _drawn(name, n, random)
        one = method(sums(columns))
        found.append((one.p(truth, "below"), one.p(truth, "above")) if one else (None, None))
    return tails(found)


def _plain(method: Callable[[Sums], Inference | None], seen: Sums) -> Inference | None:
    """Without what is known of skewness."""
    return method(replace(seen, groups=None))


def _drawn(name: str, n: int, random: Generator) -> tuple[NDArray[np.int64], float]:
    """Columns of one draw, and the truth that they were drawn from."""
    resolved = (random.random((2, n)) < RESOLVED).astype(np.int64)
    if name in COSTS:
        cost, mean = COSTS[name]
        y = (UNIT * cost(random, (1, n))).astype(np.int64)
        return np.concatenate([y, resolved[:1]]), UNIT * mean / RESOLVED
    hard, noise = CHANGES[name]
    shared = random.lognormal(0, hard, n) * UNIT
    y = (shared * random.lognormal(0, noise, (2, n))).astype(np.int64)
    return np.stack([y[0], resolved[0], y[1], resolved[1]]), 0.0
