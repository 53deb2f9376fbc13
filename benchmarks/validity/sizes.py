"""Whether the sizes and effects that are planned have the power that they promise: 80 %.

A pilot is drawn. The samples that it says are needed are then drawn from the pilot itself, whose
truth is its estimate, as are as many as the pilot had where the truth is what is called detectable.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.heavy import sums
from benchmarks.validity.study import Table, percent, random

from gatekeeper.core.observation import Times
from gatekeeper.core.statistics.duration_changes import quantile_change
from gatekeeper.core.statistics.durations import quantile_of
from gatekeeper.core.statistics.means import mean_difference, mean_of
from gatekeeper.core.statistics.ratios import ratio_change, ratio_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Inference

    Method = Callable[[NDArray[np.int64]], Inference | None]

UNIT = 1e5
LEAST, MOST = 0.65, 0.93
"""Between which the power of all pilots together has to be: that of quantiles is a little less."""
PILOT, TIMED = 200, 1000
"""Samples of a pilot; of latencies, so many that each shows that nothing is remembered."""
RULES: dict[str, tuple[Method, float, int]] = {
    "ratio, limit 15 % above": (lambda rows: ratio_of(sums(rows[:2])), 1.15, PILOT),
    "change of a ratio, limit 3 points above": (lambda rows: ratio_change(sums(rows)), 0.03, PILOT),
    "mean, limit 5 % above": (lambda rows: mean_of(sums(rows[:2])), 1.05, PILOT),
    "difference of means, limit 0.02 above": (
        lambda rows: mean_difference(sums(rows)),
        0.02,
        PILOT,
    ),
    "p95, limit 20 % above": (lambda rows: quantile_of(Times(rows[0]), 0.95), 1.2, TIMED),
    "change of p95, limit 6 points above": (
        lambda rows: quantile_change(Times(rows[0], rows[2]), 0.95),
        0.06,
        TIMED,
    ),
}


def tables(*, quick: bool) -> tuple[Table, ...]:
    """How often the planned sizes and effects are shown."""
    pilots, draws = (3, 10) if quick else (40, 50)
    rows, broken = [], []
    for name in RULES:
        found = np.array([_pilot(name, draws, random(f"{name} {seed}")) for seed in range(pilots)])
        settled, shown = found[:, 1:].mean(axis=0)
        rows.append((name, f"{np.median(found[:, 0]):,.0f}", percent(settled), percent(shown)))
        if not (quick or (LEAST < settled < MOST and LEAST < shown < MOST)):
            broken.append(f"{name}: settles {percent(settled)}, shows {percent(shown)}")
    columns = (
        f"rule, after a pilot of {PILOT} (p95: {TIMED:,})",
        "samples needed (median)",
        "as many settle it",
        "the detectable effect is shown",
    )
    return (Table("planned sums", columns, tuple(rows), tuple(broken)),)


def _pilot(name: str, draws: int, numbers: Generator) -> tuple[float, float, float]:
    """Samples needed, how often they settle the rule, and how often what is detectable is shown."""
    method, by, pilot = RULES[name]
    rows = _rows(numbers, pilot)
    found = method(rows)
    limit = found.value * by if by > 1 else found.value + by
    needed = found.needed(limit, 0.05)
    truth = found.detectable(limit, "below", 0.05)
    settled = partial(_shown, method, limit, draws, numbers)
    return needed, settled(rows, needed), settled(_moved(name, rows, found.value, truth), pilot)


def _shown(  # noqa: PLR0913, PLR0917 - a cell has as many coordinates
    method: Method,
    limit: float,
    draws: int,
    numbers: Generator,
    rows: NDArray[np.int64],
    n: int,
) -> float:
    """How often samples drawn from `rows` show that the truth is below the limit."""
    again = (method(rows[:, numbers.integers(0, rows.shape[1], n)]) for _ in range(draws))
    found = (one.p(limit, "below") for one in again)
    return float(np.mean([p is not None and p <= 0.05 for p in found]))


def _moved(name: str, rows: NDArray[np.int64], value: float, truth: float) -> NDArray[np.int64]:
    """The candidate changed so that the estimate would be `truth`."""
    moved = rows.copy()
    if name.startswith("difference"):
        moved[0] += ((truth - value) * rows[1]).astype(np.int64)
    else:
        change = name.startswith("change")
        moved[0] = (rows[0] * (truth + change) / (value + change)).astype(np.int64)
    return moved


def _rows(numbers: Generator, n: int) -> NDArray[np.int64]:
    """Candidate and baseline on the same samples: y and d of each."""
    hard = numbers.lognormal(0, 0.5, n)
    y = (UNIT * hard * numbers.lognormal(0, 0.1, (2, n))).astype(np.int64)
    d = np.full(n, int(UNIT))
    return np.stack([y[0], d, y[1], d])
