"""How many samples settle a rule, given what a first run leaves possible of the truth.

A size that would settle it *if the truth were the estimate* settles it less often than promised:
the truth may lie nearer to the limit than it looked, and vary more. So the chance is averaged over
what the run leaves possible, which is called assurance: O'Hagan, Stevens and Campbell (2005),
"Assurance in clinical trial design", Pharmaceutical Statistics 4:187-201. With flat priors, the
truth is normal around the estimate, and the variance is what was seen over a chi-squared variable:
Gelman and others (2013), "Bayesian Data Analysis", section 3.2.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.binomial import LARGEST_N, critical

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

_TRUTHS, _VARIANCES = 19, 9
"""Equally probable values of each that are averaged over."""
_MULTIPLES: Final = (1e-2, 1e4, 121)
"""Of the samples there are: from, to, and how many between them are tried."""
_NEAR: Final = 0.001
_MANY: Final = 10_000
"""Degrees of freedom from which on a variance counts as known."""


def assured(
    planned: int | None, n: int, alpha: float, power: float, freedom: float = math.inf
) -> int | None:
    """Samples of which a new run settles a rule with a chance of `power`; None for too many.

    Args:
        planned: As many would settle it with `power` if the truth were the estimate; None where
            the estimate is at the limit.
        n: Samples that the estimate rests on.
        alpha: Of the rule.
        power: The chance that is wanted.
        freedom: Degrees of freedom of the variance.
    """
    from scipy.special import ndtri

    both = float(ndtri(1 - alpha) + ndtri(power))
    distance = 0.0 if planned is None else both * math.sqrt(n / planned)
    known = math.inf if freedom > _MANY else freedom
    samples = math.ceil(n * multiple(round(distance, 3), alpha, power, known))
    return samples if samples <= LARGEST_N else None


@lru_cache(maxsize=4096)
def assured_share(events: int, n: int, limit: float, alpha: float, power: float) -> int | None:
    """The same for a share of independent trials, exact; None for too many.

    What `events` of `n` leave possible is Jeffreys' posterior: Brown, Cai and DasGupta (2001),
    "Interval estimation for a binomial proportion", Statistical Science 16:101-133.
    """
    from scipy.special import bdtr, betaincinv

    truths = betaincinv(events + 0.5, n - events + 0.5, _middles(2 * _TRUTHS))

    def weak(many: int) -> bool:
        """Whether so many settle it too seldom."""
        most, least = critical(many, limit, alpha), many - critical(many, 1 - limit, alpha)
        met = float(bdtr(most, many, truths).mean()) if most >= 0 else 0.0
        broken = 1 - float(bdtr(least - 1, many, truths).mean()) if least <= many else 0.0
        return met + broken < power

    low, high = 0, 2
    while weak(high):
        low, high = high, high * 2
        if high > 2 * LARGEST_N:
            return None
    while high - low > max(1, low * _NEAR):
        middle = (low + high) // 2
        low, high = (middle, high) if weak(middle) else (low, middle)
    return high if high <= LARGEST_N else None


@lru_cache(maxsize=4096)
def multiple(distance: float, alpha: float, power: float, freedom: float) -> float:
    """How many times as many samples settle a rule whose estimate is so far from its limit.

    `distance` is in standard errors of the estimate, and its sign does not matter: a rule is
    settled where it is shown to be met, and where it is shown to be broken.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri, stdtrit

    many = np.geomspace(*_MULTIPLES)
    truths = ndtri(_middles(_TRUTHS))[:, None] + distance * _scales(freedom)[None, :]
    shown = stdtrit(np.maximum(many * (freedom + 1) - 1, 1), 1 - alpha)
    if math.isinf(freedom):
        shown = np.full_like(many, ndtri(1 - alpha))
    reach = truths.reshape(-1, 1) * np.sqrt(many)
    chance = (ndtr(reach - shown) + ndtr(-reach - shown)).mean(axis=0)
    return float(np.exp(np.interp(power, np.maximum.accumulate(chance), np.log(many))))


def _scales(freedom: float) -> NDArray[float64]:
    """The standard deviation that was seen over those that are possible."""
    import numpy as np
    from scipy.special import chdtri

    if math.isinf(freedom):
        return np.ones(1)
    found: NDArray[float64] = np.sqrt(chdtri(freedom, 1 - _middles(_VARIANCES)) / freedom)
    return found


def _middles(count: int) -> NDArray[float64]:
    """The middles of as many equal parts of what lies between 0 and 1."""
    import numpy as np

    return (np.arange(count) + 0.5) / count
