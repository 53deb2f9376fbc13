"""How often a judge or detector is right, and how sure of that its calibration is."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Side
    from gatekeeper.model.policy import Calibration

_LATTICE: Final = (987, 610)
"""Two neighbours of Fibonacci's series: points that fill a square evenly."""
_GROUP: Final = 7
"""Neighbouring points that are averaged before anything is computed of them."""
CHANCE: Final = 0.05
"""A judge must be shown at this level to be better than chance."""


def sensitivity(judge: Calibration) -> float:
    """Share of the events that were called events."""
    return judge.true_events / (judge.true_events + judge.missed_events)


def specificity(judge: Calibration) -> float:
    """Share of the others that were not."""
    return judge.true_others / (judge.true_others + judge.false_events)


def gain(judge: Calibration) -> float:
    """By how much an event is likelier to be called one than another is: Youden (1950)."""
    return sensitivity(judge) + specificity(judge) - 1


def gain_variance(judge: Calibration, events: float, others: float) -> float:
    """Variance of a weighed sum of both shares; Agresti and Coull (1998) shrink them first."""
    return events**2 * _variance(judge.true_events, judge.missed_events) + others**2 * _variance(
        judge.true_others, judge.false_events
    )


def _variance(right: int, wrong: int) -> float:
    n = right + wrong + 4
    share = (right + 2) / n
    return share * (1 - share) / n


@lru_cache(maxsize=64)
def better_than_chance(judge: Calibration) -> bool:
    """Whether the calibration shows that events are called events more often than others are.

    Melded confidence distributions, which for two shares is Fisher's exact test: Fay, Proschan and
    Brittain (2015), Biometrics 71:146-156.
    """
    return float((gains(judge, "below") <= 0).mean()) <= CHANCE


@lru_cache(maxsize=64)
def gains(judge: Calibration, side: Side) -> NDArray[float64]:
    """Equally probable values of the gain, sorted: of its lower distribution, or its upper."""
    import numpy as np

    events, others = _lattice()
    right = quantiles(judge.true_events, judge.missed_events, side, events)
    return np.sort(right + quantiles(judge.true_others, judge.false_events, side, others) - 1)


def implied(judge: Calibration, share: float, side: Side) -> NDArray[float64]:
    """Shares of calls that a share of true events implies, sorted, each equally probable."""
    import numpy as np

    sensitive, wrong = calls(judge, side)
    found = np.sort(share * sensitive + (1 - share) * wrong)
    groups: NDArray[float64] = found.reshape(-1, _GROUP).mean(axis=1)
    return groups


@lru_cache(maxsize=64)
def calls(judge: Calibration, side: Side) -> tuple[NDArray[float64], NDArray[float64]]:
    """Equally probable pairs of how often events, and how often others, are called events.

    The lower ends of the confidence distributions for `below`, which make few calls mean many
    events; the upper ends for `above`. Each distribution is that of Clopper and Pearson's bounds.
    """
    events, others = _lattice()
    other: Side = "above" if side == "below" else "below"
    sensitive = quantiles(judge.true_events, judge.missed_events, side, events)
    specific = quantiles(judge.true_others, judge.false_events, other, others)
    return sensitive, 1 - specific


def quantiles(right: int, wrong: int, side: Side, at: NDArray[float64]) -> NDArray[float64]:
    """Of the lower (`below`) or upper confidence distribution of a share."""
    import numpy as np
    from scipy.special import betaincinv

    a, b = (right, wrong + 1) if side == "below" else (right + 1, wrong)
    if not a or not b:
        return np.full_like(at, 0.0 if not a else 1.0)
    found: NDArray[float64] = betaincinv(a, b, at)
    return found


def _lattice() -> tuple[NDArray[float64], NDArray[float64]]:
    """Fibonacci's lattice: Niederreiter (1992), "Random Number Generation", section 5.1."""
    import numpy as np

    n, step = _LATTICE
    i = np.arange(n)
    return (i + 0.5) / n, (i * step % n + 0.5) / n
