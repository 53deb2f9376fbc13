"""BCa bootstrap of a paired ratio over 1,000,000 samples against `scipy.stats.bootstrap`.

Ours takes exact totals over 4,096 random groups of samples from DuckDB, as a verdict does, and
resamples the groups. scipy resamples the samples. Its BCa needs the jackknife, which for a
vectorised statistic makes n times n values, so at full size it is timed without that (its
`percentile` method, which favours it) with few replicates, scaled up to as many as give the same
error; its whole BCa is timed at a size where the jackknife fits.

Error is the standard error of a bound, as a share of its distance from the estimate: that of the
percentile of so many replicates, and for ours that of estimating a variance from 4,096 groups.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from gatekeeper.core.observation import Sums
from gatekeeper.core.statistics.bca import bca_change
from gatekeeper.core.statistics.resampling import GROUPS, REPLICATES, weights

if TYPE_CHECKING:
    from collections.abc import Callable

Q = 1.6448536269514722
DENSITY = math.exp(-Q * Q / 2) / math.sqrt(2 * math.pi)
COLUMNS = ("y1", "d1", "y0", "d0")
GROUPED = f"""
SELECT {", ".join(f"sum({name})::BIGINT" for name in COLUMNS)}
FROM samples GROUP BY hash(sample) % {GROUPS} ORDER BY hash(sample) % {GROUPS}
"""  # noqa: S608 - constants only
PRODUCTS = f"""
SELECT {", ".join(f"sum({a}::HUGEINT * {b})::HUGEINT" for a in COLUMNS for b in COLUMNS)}
FROM samples
"""  # noqa: S608 - constants only


def make(n: int) -> list[np.ndarray]:
    """Costs and resolutions of a candidate that is 2 % dearer, on the same samples."""
    random = np.random.default_rng(1)
    hard = random.lognormal(13, 0.7, n)
    noise = random.normal(1, 0.15, (2, n)).clip(0.3)
    resolved = (random.random((2, n)) < 0.9).astype(np.int64)
    cost = (hard * noise * np.array([[1.02], [1.0]])).astype(np.int64)
    return [cost[0], resolved[0], cost[1], resolved[1]]


def ours(columns: list[np.ndarray]) -> tuple[float, tuple[float | None, float | None]]:
    """Seconds and bounds, from a table to the decision; the table itself is not counted."""
    import duckdb

    with duckdb.connect() as connection:
        given = dict(zip(COLUMNS, columns, strict=True))  # noqa: F841 - DuckDB reads it
        connection.execute(
            "CREATE TABLE samples AS SELECT row_number() OVER () AS sample, * FROM given"
        )
        start = time.perf_counter()
        groups = connection.execute(GROUPED).fetchnumpy()
        products = connection.execute(PRODUCTS).fetchone()
        totals = np.stack([np.asarray(column) for column in groups.values()], axis=1)
        seen = Sums(
            len(columns[0]),
            tuple(int(total) for total in totals.sum(axis=0)),
            tuple(tuple(products[4 * row : 4 * row + 4]) for row in range(4)),
            groups=totals.astype(np.int64),
        )
        bounds = bca_change(seen).bounds(0.05)
        return time.perf_counter() - start, bounds


def theirs(
    columns: list[np.ndarray], replicates: int, method: str, batch: int
) -> tuple[float, tuple[float, float]]:
    """Seconds and bounds of scipy."""

    def change(y1: np.ndarray, d1: np.ndarray, y0: np.ndarray, d0: np.ndarray, axis: int) -> object:
        first, second = (a.sum(axis=axis) / b.sum(axis=axis) for a, b in ((y1, d1), (y0, d0)))
        return first / second - 1

    start = time.perf_counter()
    found = stats.bootstrap(
        [column.astype(float) for column in columns],
        change,
        paired=True,
        vectorized=True,
        confidence_level=0.9,
        n_resamples=replicates,
        batch=batch,
        method=method,
        rng=np.random.default_rng(2),
    ).confidence_interval
    return time.perf_counter() - start, (found.low, found.high)


def best(measure: Callable[[], tuple], repeats: int) -> tuple:
    return min((measure() for _ in range(repeats)), key=lambda one: one[0])


def percentile_error(replicates: int) -> float:
    return math.sqrt(0.05 * 0.95 / replicates) / DENSITY / Q


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--jackknife-size", type=int, default=4_000)
    parser.add_argument("--few", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    error = math.hypot(percentile_error(REPLICATES), 1 / math.sqrt(2 * GROUPS))
    equal = round((percentile_error(1) / error) ** 2)
    print(f"error of ours {error:.2%}: scipy needs {equal:,} replicates for as much\n")
    head = ("", "seconds", "ratio", "bounds of the change")
    print("{:48}{:>10}{:>8}   {}".format(*head))
    columns = make(given.size)
    first, _ = ours(columns)
    mine, bounds = best(lambda: ours(columns), given.repeats)
    row = "{:48}{:>10.2f}{:>8.1f}   {:+.4%} to {:+.4%}"
    size = f"{given.size:,}"
    print(row.format(f"{size}: ours, BCa, {REPLICATES:,} replicates", mine, 1, *bounds))
    print(f"  the first of a process, which makes the weights: {first:.2f} s")
    few, about = best(lambda: theirs(columns, given.few, "percentile", 5), given.repeats)
    scaled = few / given.few * equal
    print(
        row.format(
            f"{size}: scipy, percentile, {given.few} scaled to {equal:,}",
            scaled,
            scaled / mine,
            *about,
        )
    )
    small = make(given.jackknife_size)
    size = f"{given.jackknife_size:,}"
    weights(GROUPS)
    mine, bounds = best(lambda: ours(small), given.repeats)
    print(row.format(f"{size}: ours, BCa, {REPLICATES:,} replicates", mine, 1, *bounds))
    whole, about = best(lambda: theirs(small, REPLICATES, "BCa", 100), given.repeats)
    print(row.format(f"{size}: scipy, BCa, {REPLICATES:,} replicates", whole, whole / mine, *about))


if __name__ == "__main__":
    main()
