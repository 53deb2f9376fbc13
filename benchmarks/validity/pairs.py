"""Differences of paired shares without clusters: every likely outcome enumerated."""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import ALPHA, Rates, Table, joined, percent
from scipy.stats import binom

from gatekeeper.core.statistics import tango
from gatekeeper.core.statistics.tango import Table as Pairs

if TYPE_CHECKING:
    from benchmarks.validity.study import Tails
    from numpy.typing import NDArray

SIZES = (20, 60, 100, 300, 1000)
LIMITS = (0.0, 0.01, 0.02, 0.05, 0.08, 0.2)
RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of pairs in which only the baseline has the event."""
LEEWAYS = (0.0, 0.02, 0.05)
"""By how much a candidate may be worse."""
REACH = 6.0
"""Standard deviations beyond which outcomes are left out: less than one in a billion."""


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit, and what becomes of a release that is compared with itself."""
    return _at_the_limit(quick=quick), _with_itself(quick=quick)


def _at_the_limit(*, quick: bool) -> Table:
    rows, broken = [], []
    for n in SIZES[:3] if quick else SIZES:
        found = {
            f"{n} pairs, limit {limit}, rate {rate}": _rates(n, rate + limit, rate, limit)
            for limit, rate in product(LIMITS, RATES)
            if rate + limit
        }
        worst = max(found, key=lambda where: found[where].passes)
        broken += [rates.broken(where) for where, rates in found.items()]
        passes = [rates.passes for rates in found.values()]
        covers = [min(getattr(rates, each) for rates in found.values()) for each in _COVERS]
        shown = (max(passes), float(np.mean(passes)), *covers)
        rows.append((f"{n:,} pairs", *map(percent, shown), worst.partition(", ")[2]))
    columns = (
        "differences of paired shares",
        "wrong passes at the limit, at most",
        "on average",
        "90 % interval covers at least",
        "95 % interval covers at least",
        "where they are most",
    )
    return Table("paired shares", columns, tuple(rows), joined(broken))


_COVERS = ("cover90", "cover95")


def _with_itself(*, quick: bool) -> Table:
    rows, broken = [], []
    for n, rate in product((200, 600) if quick else (200, 600, 1319, 3000), (0.02, 0.05, 0.1)):
        cells = [percent(2 * rate)]
        for limit in LEEWAYS:
            (below, above), weights = _tails(n, rate, rate, limit)
            fails, passes = (float(weights[p <= ALPHA].sum()) for p in (above, below))
            broken += [(f"A/A, {n} pairs: fails {fails}",)] if fails > ALPHA else []
            cells += [percent(fails), percent(passes)]
        rows.append((f"{n:,} pairs", *cells))
    outcomes = (f"limit {limit}: {what}" for limit in LEEWAYS for what in ("fails", "passes"))
    columns = ("a release beside itself", "of which differ", *outcomes)
    return Table("paired with itself", columns, tuple(rows), joined(broken))


def _rates(n: int, candidate: float, baseline: float, limit: float) -> Rates:
    found, weights = _tails(n, candidate, baseline, limit)
    rates = Rates.of(found, weights)
    return Rates(10**12, rates.passes, rates.cover90, rates.cover95)


def _tails(
    n: int, candidate: float, baseline: float, limit: float
) -> tuple[Tails, NDArray[np.float64]]:
    """p-values of all likely tables, and how probable each is."""
    rest = baseline / (1 - candidate)
    found, weights = [], []
    for b in _likely(n, candidate):
        others = _likely(n - b, rest)
        found += [_both(n, b, c, limit) for c in others]
        weights.append(binom.pmf(b, n, candidate) * binom.pmf(np.array(others), n - b, rest))
    below, above = (np.array(side) for side in zip(*found, strict=True))
    return (below, above), np.concatenate(weights)


def _likely(n: int, share: float) -> range:
    spread = REACH * np.sqrt(n * share * (1 - share)) + REACH * (share > 0)
    return range(max(int(n * share - spread), 0), min(int(n * share + spread), n) + 1)


@cache
def _both(n: int, b: int, c: int, limit: float) -> tuple[float, float]:
    pairs = Pairs(n, b, c)
    return tango.p(pairs, limit, "below"), tango.p(pairs, limit, "above")
