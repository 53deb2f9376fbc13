"""Shares of samples: exact bounds of one, score bounds of a paired difference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.observation import PairedProportion, Pairs, Proportion

LARGEST_N: Final = 10_000_000
"""Nobody is told to collect more samples than this."""
_STEPS: Final = 60
_CONTINUITY: Final = 0.5
_SMALLEST: Final = 1e-300


def clopper_pearson(events: int, n: int, alpha: float) -> tuple[float, float]:
    """Exact lower and upper bound of a proportion, each one-sided at confidence 1 - `alpha`.

    Clopper and Pearson (1934), Biometrika 26:404-413, as quantiles of beta distributions.
    """
    from scipy.special import betaincinv

    low = float(betaincinv(events, n - events + 1, alpha)) if events else 0.0
    high = float(betaincinv(events + 1, n - events, 1 - alpha)) if events < n else 1.0
    return low, high


def proportion(seen: Proportion, alpha: float) -> Estimate:
    """The share of events; what is unknown may have been an event or not, whichever is worse."""
    low, _ = clopper_pearson(seen.events, seen.n, alpha)
    _, high = clopper_pearson(seen.events + seen.unknown, seen.n, alpha)
    method = "Clopper-Pearson, exact"
    return Estimate(seen.events / seen.n, low, high, seen.n, method)


def paired_difference(seen: PairedProportion, alpha: float) -> Estimate:
    """Share of events of the candidate minus that of the baseline, on the same samples.

    Score bounds of Tango (1998), Statistics in Medicine 17:891-908, with a continuity correction
    of half a pair: without it a rule at its limit passes wrongly up to 6.0 % of the time instead
    of 5 % (n = 300, limit 0.02), with it at most 4.8 % (by enumeration, n from 60 to 1000).
    """
    n = seen.high.n
    candidate, baseline = seen.candidate.events / n, seen.baseline.events / n
    low, _ = tango(seen.low, alpha)
    _, high = tango(seen.high, alpha)
    method = "paired difference, Tango's score bounds, continuity corrected"
    return Estimate(candidate - baseline, low, high, n, method, candidate, baseline)


def tango(pairs: Pairs, alpha: float) -> tuple[float, float]:
    """Lower and upper score bound of the difference that the discordant pairs show."""
    from scipy.special import ndtri

    z = float(ndtri(1 - alpha))
    observed = (pairs.candidate_only - pairs.baseline_only) / pairs.n
    low = _bisect(-1.0, observed, lambda delta: _tango_score(pairs, delta) > z)
    high = _bisect(observed, 1.0, lambda delta: _tango_score(pairs, delta) >= -z)
    return low, high


def _tango_score(pairs: Pairs, delta: float) -> float:
    """Standardised distance of the observed difference from `delta`; decreasing in it."""
    n, b, c = pairs.n, pairs.candidate_only, pairs.baseline_only
    distance = b - c - n * delta
    if abs(distance) <= _CONTINUITY:
        return 0.0
    distance -= math.copysign(_CONTINUITY, distance)
    linear = (2 * n - b + c) * delta - b - c
    constant = -c * delta * (1 - delta)
    root = math.sqrt(max(linear * linear - 8 * n * constant, 0.0))
    only_baseline = max((root - linear) / (4 * n), 0.0)
    variance = n * (2 * only_baseline + delta * (1 - delta))
    return distance / math.sqrt(max(variance, _SMALLEST))


def _bisect(low: float, high: float, left: Callable[[float], bool]) -> float:
    """The place between `low` and `high` up to which `left` holds."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if left(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def clean_exposures(limit: float, alpha: float) -> int:
    """Exposures without an event that show a rate below `limit`: 598 for 0.005 at alpha 0.05."""
    return math.ceil(math.log(alpha) / math.log1p(-limit))


def samples_needed(seen: Proportion, limit: float, alpha: float) -> int | None:
    """Samples that would settle whether a share is above or below `limit`, if it stayed as it is.

    None where no number would: the share is at the limit, or needs more than `LARGEST_N`.
    """
    rate = seen.events / seen.n
    if rate == limit:
        return None

    def settled(n: int) -> bool:
        events = math.ceil(rate * n) if rate < limit else math.floor(rate * n)
        low, high = clopper_pearson(events, n, alpha)
        return high <= limit if rate < limit else low >= limit

    below, n = seen.n, seen.n * 2
    while not settled(n):
        if n > LARGEST_N:
            return None
        below, n = n, n * 2
    while n - below > 1:
        middle = (below + n) // 2
        below, n = (below, middle) if settled(middle) else (middle, n)
    return n
