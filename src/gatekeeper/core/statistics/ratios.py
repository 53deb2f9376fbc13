"""Ratios of sums over samples, and the relative change of one between paired samples."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.estimate import Estimate
from gatekeeper.core.statistics.proportions import clopper_pearson

if TYPE_CHECKING:
    from gatekeeper.core.observation import Sums

TIED_FACTOR: Final = 10
"""Where all samples agree: the most that one that was not seen is taken to exceed them by."""
_SIGNS: Final = (1, -1, -1, 1)
"""Of the logarithms: candidate y and d, baseline y and d."""


def ratio(sums: Sums, alpha: float) -> Estimate | None:
    """The ratio of the totals of two columns, or None where it or its logarithm does not exist.

    Delta method on the logarithm with Student's t: Deng, Knoblich and Lu (2018), "Applying the
    delta method in metric analytics", KDD, equation 3; the variance is that of the summed
    influence of each sample, computed from exact integer sums.
    """
    if min(sums.totals) <= 0:
        return None
    y, d = sums.totals
    low, high, method = _bounds(sums, alpha)
    value = y / d
    return Estimate(value, _scaled(value, low), _scaled(value, high), sums.n, method)


def relative_change(sums: Sums, alpha: float) -> Estimate | None:
    """Candidate's ratio over the baseline's, minus one, on the same samples; None as in `ratio`.

    The delta method of `ratio` with the four sums at once, so that what moves both releases on
    the same sample cancels.
    """
    if min(sums.totals) <= 0:
        return None
    candidate = sums.totals[0] / sums.totals[1]
    baseline = sums.totals[2] / sums.totals[3]
    change = float(Fraction(sums.totals[0] * sums.totals[3], sums.totals[1] * sums.totals[2]))
    low, high, method = _bounds(sums, alpha)
    return Estimate(
        change - 1,
        _scaled(change, low, -1),
        _scaled(change, high, -1),
        sums.n,
        f"paired {method}",
        candidate,
        baseline,
    )


def _bounds(sums: Sums, alpha: float) -> tuple[float | None, float | None, str]:
    """Factors on the estimate that give its bounds, and the method."""
    if sums.n < 2:  # noqa: PLR2004 - one sample has no spread
        return None, None, "delta method on the logarithm"
    variance = _log_variance(sums)
    if variance == 0:
        _, differing = clopper_pearson(0, sums.n, alpha)
        method = f"all samples tied: at most {differing:.3g} differ, by at most {TIED_FACTOR}x"
        return 1 - differing, 1 + TIED_FACTOR * differing, method
    from scipy.special import stdtrit

    reach = float(stdtrit(sums.n - 1, 1 - alpha)) * math.sqrt(variance)
    return math.exp(-reach), math.exp(min(reach, 700.0)), "delta method on the logarithm"


def _log_variance(sums: Sums) -> Fraction:
    """Variance of the logarithm: the summed squares of the samples' influence, exactly."""
    weights = [Fraction(sign * sums.n, total) for sign, total in zip(_SIGNS, sums.totals)]  # noqa: B905 - one or two ratios
    squares = sum(
        (
            left * right * sums.products[i][j]
            for i, left in enumerate(weights)
            for j, right in enumerate(weights)
        ),
        start=Fraction(),
    )
    return squares / (sums.n * (sums.n - 1))


def _scaled(value: float, factor: float | None, shift: int = 0) -> float | None:
    return None if factor is None else value * factor + shift
