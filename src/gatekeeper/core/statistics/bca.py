"""BCa bootstrap of a ratio of sums, or of its relative change, from totals over groups."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.bootstrap import Draws, resampled
from gatekeeper.core.statistics.ratios import ratio_change, ratio_of
from gatekeeper.core.statistics.resampling import REPLICATES, weights
from gatekeeper.core.statistics.student import Student
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from numpy import float64, int64
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Sums
    from gatekeeper.core.statistics.inference import Inference

FEWEST_GROUPS: Final = 8
"""Fewer have too few replicates that differ."""
_TILE: Final = (64, 2000)
"""Groups and replicates at a time: what stays in the cache of a core."""
_EXACT_BITS: Final = 50
"""Totals below 2^50 times weights of at most 8 are exact integers as floats, in any order."""


def bca_of(seen: Sums, *, ties: bool = False) -> Inference | None:
    """The ratio that `ratio_of` gives, with BCa bounds; None, tied or unbounded as there.

    The units are resampled in groups, `seen.groups`. To which group a unit belongs is random, and
    totals of random groups have the variance and the third cumulant of the total that the units
    have, which is all that BCa makes use of; 4,096 groups cost a standard error of 1.1 % of the
    width, as much as 10,000 replicates do.
    """
    return _bca(seen, ratio_of(seen, ties=ties))


def bca_change(seen: Sums, *, ties: bool = False) -> Inference | None:
    """The relative change that `ratio_change` gives, with BCa bounds; as `bca_of`."""
    return _bca(seen, ratio_change(seen, ties=ties))


def _bca(seen: Sums, plan: Inference | None) -> Inference | None:
    if not isinstance(plan, Student) or seen.groups is None:
        return plan
    drawn = _draws(seen.groups)
    method = f"BCa bootstrap, {REPLICATES:,} replicates"
    if plan.scale == "log change":
        method = f"paired {method}"
    if drawn is None:
        return Unbounded(
            value=plan.value,
            n=plan.n,
            method=f"{method}: too few",
            clusters=plan.clusters,
            candidate=plan.candidate,
            baseline=plan.baseline,
        )
    return resampled(replace(plan, skewness=0.0), (drawn,), method)


def _draws(groups: NDArray[int64]) -> Draws | None:
    """Replicates with z0 and the jackknife's acceleration; None where too little was seen."""
    import numpy as np

    used = np.flatnonzero(groups.any(axis=1))
    columns = _exact(groups[used])
    left_out = _estimate(columns.sum(axis=1, keepdims=True) - columns)
    if len(used) < FEWEST_GROUPS or not np.isfinite(left_out).all():
        return None
    replicates = np.sort(_estimate(_resampled(columns, used, len(groups))))
    estimate = float(_estimate(columns.sum(axis=1)))
    bias = _bias(replicates, estimate)
    return Draws(replicates, len(used) - 1, bias, _acceleration(left_out))


def _exact(groups: NDArray[int64]) -> NDArray[float64]:
    """Columns as floats that are integers, cut to as many bits as stay exact when summed."""
    import numpy as np

    cut = [max(int(total).bit_length() - _EXACT_BITS, 0) for total in groups.sum(axis=0)]
    whole = (groups >> np.array(cut)).astype(np.float64) * np.exp2(cut)
    return np.ascontiguousarray(whole.T)


def _resampled(columns: NDArray[float64], used: NDArray[int64], groups: int) -> NDArray[float64]:
    """Totals of the columns in each replicate, shape (columns, replicates)."""
    import numpy as np

    drawn, part = weights(groups)[used], np.empty(_TILE)
    totals = np.zeros((len(columns), REPLICATES))
    for left in range(0, REPLICATES, _TILE[1]):
        right = slice(left, left + _TILE[1])
        for top in range(0, len(used), _TILE[0]):
            counts = drawn[top : top + _TILE[0], right]
            tile = part[: len(counts)]
            np.copyto(tile, counts)
            totals[:, right] += columns[:, top : top + _TILE[0]] @ tile
    return totals


def _estimate(totals: NDArray[float64]) -> NDArray[float64]:
    """The ratio, or the relative change of two; infinite where a divisor is zero."""
    import numpy as np

    y, d = totals[0], totals[1]
    if len(totals) > 2:  # noqa: PLR2004 - the baseline's two
        y, d = y * totals[3], d * totals[2]
    values: NDArray[float64] = np.divide(y, d, out=np.full_like(d, np.inf), where=d > 0)
    return values - 1 if len(totals) > 2 else values  # noqa: PLR2004


def _bias(replicates: NDArray[float64], estimate: float) -> float:
    """z0: the normal quantile of the share below the estimate, ties counted half."""
    from scipy.special import ndtri

    below = int(replicates.searchsorted(estimate, side="left"))
    up_to = int(replicates.searchsorted(estimate, side="right"))
    share = (below + up_to) / 2 / len(replicates)
    half = 0.5 / len(replicates)
    return float(ndtri(min(max(share, half), 1 - half)))


def _acceleration(left_out: NDArray[float64]) -> float:
    """A sixth of the skewness of the jackknife's values: Efron and Tibshirani, equation 14.15."""
    values = left_out.tolist()
    mean = math.fsum(values) / len(values)
    squares = math.fsum((mean - value) ** 2 for value in values)
    cubes = math.fsum((mean - value) ** 3 for value in values)
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0
