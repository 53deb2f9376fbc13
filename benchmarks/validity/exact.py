"""Shares of independent samples: every outcome enumerated, so nothing here is left to chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import Rates, Table, joined, percent
from scipy.special import ndtr
from scipy.stats import binom

from gatekeeper.core.observation import Proportion
from gatekeeper.core.statistics.shares import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.validity.study import Tails

SIZES = (20, 50, 100, 300, 539, 598, 1000, 3000)
LIMITS = (0.005, 0.03, 0.18, 0.5, 0.78, 0.95)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes and coverage of the exact bounds, beside those of Wilson."""
    sizes = SIZES[:6] if quick else SIZES
    exact, wilson = (_rates(method, sizes) for method in (_exact, _wilson))
    rows = (
        _row("Clopper-Pearson, which decides", exact),
        _row("Wilson, which never does", wilson),
        _row("Wilson at n = 539, limit 0.005", {"": wilson["n 539, limit 0.005"]}),
    )
    columns = (
        "shares of independent samples",
        "wrong passes at the limit, at most",
        "on average",
        "90 % interval covers at least",
        "95 % interval covers at least",
        "on average",
    )
    broken = joined(rates.broken(where) for where, rates in exact.items())
    return (Table("exact shares", columns, rows, broken),)


def _row(name: str, found: dict[str, Rates]) -> tuple[str, ...]:
    passes = [rates.passes for rates in found.values()]
    cover90, cover95 = zip(
        *((rates.cover90, rates.cover95) for rates in found.values()), strict=True
    )
    shown = (max(passes), np.mean(passes), min(cover90), min(cover95), np.mean(cover95))
    return name, *(percent(float(value)) for value in shown)


def _rates(method: Callable[[int, float], Tails], sizes: tuple[int, ...]) -> dict[str, Rates]:
    """Exact: the draws are all outcomes, with their probabilities; so there is no error."""
    found = {}
    for n in sizes:
        for limit in LIMITS:
            weights = binom.pmf(np.arange(n + 1), n, limit)
            rates = Rates.of(method(n, limit), weights)
            found[f"n {n}, limit {limit}"] = Rates(
                10**12, rates.passes, rates.cover90, rates.cover95
            )
    return found


def _exact(n: int, limit: float) -> Tails:
    found = [share(Proportion(n, events)) for events in range(n + 1)]
    below, above = (np.array([one.p(limit, side) for one in found]) for side in ("below", "above"))
    return below, above


def _wilson(n: int, limit: float) -> Tails:
    """Wilson (1927): the normal score at the limit."""
    below = ndtr((np.arange(n + 1) / n - limit) / np.sqrt(limit * (1 - limit) / n))
    return below, 1 - below
