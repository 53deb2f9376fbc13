"""Tails of the binomial distribution, the bounds that they give, and what a sample size can show.

Counts may be fractions of a sample: an effective sample size is none of whole samples. The tails
are incomplete beta functions: Johnson, Kemp and Kotz (2005), "Univariate Discrete Distributions",
equation 3.39. Bounds are those of Clopper and Pearson (1934), Biometrika 26:404-413.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.statistics.inference import Side

LARGEST_N: Final = 10_000_000
"""Nobody is told to collect more samples than this."""
_WINDOW: Final = 40


def lower(events: float, n: float, alpha: float) -> float:
    """Lower bound of a share, one-sided at confidence 1 - `alpha`."""
    from scipy.special import betaincinv

    return float(betaincinv(events, n - events + 1, alpha)) if events > 0 else 0.0


def upper(events: float, n: float, alpha: float) -> float:
    """Upper bound of a share, one-sided at confidence 1 - `alpha`."""
    from scipy.special import betainccinv

    return float(betainccinv(events + 1, n - events, alpha)) if events < n else 1.0


def clopper_pearson(events: float, n: float, alpha: float) -> tuple[float, float]:
    """Both bounds of a share, each one-sided at confidence 1 - `alpha`."""
    return lower(events, n, alpha), upper(events, n, alpha)


def at_most(events: float, n: float, share: float) -> float:
    """Probability of `events` or fewer among `n`, if the share is `share`."""
    from scipy.special import betaincc

    return float(betaincc(events + 1, n - events, _share(share))) if events < n else 1.0


def at_least(events: float, n: float, share: float) -> float:
    """Probability of `events` or more among `n`, if the share is `share`."""
    from scipy.special import betainc

    return float(betainc(events, n - events + 1, _share(share))) if events > 0 else 1.0


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def critical(n: int, limit: float, alpha: float) -> int:
    """The most events among `n` that show a share below `limit`; -1 where not even none does."""
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at_most(middle, n, limit) <= alpha else (low, middle)
    return low


def power_of_share(n: int, truth: float, limit: float, side: Side, alpha: float) -> float:
    """Chance that `n` samples show a share to be on `side` of `limit`, if it is `truth`. Exact."""
    if side == "above":
        return power_of_share(n, 1 - truth, 1 - limit, "below", alpha)
    events = critical(n, limit, alpha)
    return at_most(events, n, truth) if events >= 0 else 0.0


def nearest(n: int, limit: float, side: Side, alpha: float, power: float) -> float | None:
    """The truth nearest to `limit` that `n` samples show with `power` to be on `side` of it.

    Exact. It is itself a bound: that of the largest count which shows it, at confidence `power`.
    """
    if side == "above":
        mirrored = nearest(n, 1 - limit, "below", alpha, power)
        return None if mirrored is None else 1 - mirrored
    events = critical(n, limit, alpha)
    return upper(events, n, power) if 0 <= events < n else None


def fewest(truth: float, limit: float, alpha: float, power: float) -> int | None:
    """The number from which on samples show with `power` on which side of `limit` `truth` is.

    Exact. Power is a saw over the number: at every event more that is allowed, or demanded, it
    jumps. So this is the first number after the last one that has too little power.
    None where it exceeds `LARGEST_N`.
    """
    if truth == limit:
        return None
    if limit > 1 / 2:
        truth, limit = 1 - truth, 1 - limit
    if limit <= 0:
        return _first(0, truth, 1 - power)
    if truth >= 1:
        return _first(0, 1 - limit, alpha)
    guess = _guess(truth, limit, alpha, power)
    if guess * limit > LARGEST_N:
        return None
    number = _fewest_below if truth < limit else _fewest_above
    n = number(truth, limit, alpha, power, guess)
    return n if n <= LARGEST_N else None


def _fewest_below(truth: float, limit: float, alpha: float, power: float, guess: float) -> int:
    """Power falls while as many events are allowed, so it is least just before one more is."""

    def weak(events: int) -> bool:
        """Whether so many events leave less power than is wanted."""
        return at_most(events, _first(events + 1, limit, alpha) - 1, truth) < power

    return _first(_after_weak(weak, guess, math.ceil(_WINDOW * limit)), limit, alpha)


def _fewest_above(truth: float, limit: float, alpha: float, power: float, guess: float) -> int:
    """Power rises while as many events are demanded, so it is least just after one more is."""

    def weak(events: int) -> bool:
        """Whether so many events leave less power than is wanted."""
        return at_least(events + 1, _last(events, limit, alpha) + 1, truth) < power

    events = _after_weak(weak, guess, math.ceil(_WINDOW * limit))
    return min(_first(events - 1, truth, 1 - power), _last(events, limit, alpha) + 1)


def _guess(truth: float, limit: float, alpha: float, power: float) -> float:
    """Events at which the power is about reached, by the normal approximation."""
    from scipy.special import ndtri

    allowed = float(ndtri(1 - alpha)) * math.sqrt(max(limit * (1 - limit), 0.0))
    spread = float(ndtri(power)) * math.sqrt(max(truth * (1 - truth), 0.0))
    root = (allowed + spread) / (limit - truth)
    return root * root * limit - allowed * root


def _after_weak(weak: Callable[[int], bool], guess: float, window: int) -> int:
    """The first count after the last weak one, near a guess.

    Whole samples make power a little uneven, so a window of counts after the first is looked at.
    """
    low = high = max(math.floor(guess), 0)
    step = 1
    while weak(high):
        low, high, step = high, high + step, step * 2
    while low >= 0 and not weak(low):
        low, high, step = max(low - step, -1), low, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weak(middle) else (low, middle)
    later = (k + 1 for k in range(high + window, high, -1) if weak(k))
    return next(later, high)


def _first(events: int, share: float, alpha: float) -> int:
    """The fewest samples that have `events` or fewer with probability `alpha` at most."""
    from scipy.special import bdtrin

    if share >= 1:
        return events + 1
    n = math.ceil(float(bdtrin(float(events), alpha, share)))
    while at_most(events, n, share) > alpha:
        n += 1
    while n > events + 1 and at_most(events, n - 1, share) <= alpha:
        n -= 1
    return n


def _last(events: int, share: float, alpha: float) -> int:
    """The most samples that have `events` or more with probability `alpha` at most."""
    return _first(events - 1, share, 1 - alpha) - 1 if events else 0
