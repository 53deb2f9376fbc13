"""The relative change of a quantile of durations between paired requests."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.bootstrap import Draws, resampled
from gatekeeper.core.statistics.dependence import (
    FEWEST_BLOCKS,
    MEMORIES,
    design_effect,
    effect,
    groupings,
    most_blocks,
)
from gatekeeper.core.statistics.durations import clusters, fewest, quantile, rank
from gatekeeper.core.statistics.memory import memory
from gatekeeper.core.statistics.resampling import REPLICATES, weights
from gatekeeper.core.statistics.student import Student
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import float64, int64, uint8
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Times
    from gatekeeper.core.statistics.inference import Inference

_METHOD: Final = f"paired block bootstrap of the quantiles, {REPLICATES:,} replicates"
_CHUNK: Final = 500
_ROUNDING: Final = 1e-9
_WINDOW_DEVIATIONS: Final = 8
_TIED_ALPHA: Final = 0.05
_DEVIATION: Final = 0.15865525393145707
"""Share of a normal distribution below one standard deviation under its mean."""


def quantile_change(seen: Times, p: float) -> Inference | None:
    """Candidate's `p` quantile over the baseline's, minus one; None without either.

    Percentiles of a paired bootstrap (Efron 1981, Biometrika 68:589-599) that draws what may
    depend on each other together: blocks of requests that were due one after the other, and the
    clusters of the set where it names them. Bounds hold under both. Where the percentiles agree
    there are no bounds, since measured times never do; nor where the run is shorter than ten blocks
    that are each five times as long as it remembers.
    """
    import numpy as np

    if seen.baseline is None or not len(seen.candidate):
        return None
    times = [np.maximum(side, 1) for side in (seen.candidate, seen.baseline)]
    tops = [float(quantile(side, p)) for side in times]
    n, (late, whole) = len(times[0]), (memory(each) for each in _differences(times, tops))
    remembered = max(late, whole)
    told = Unbounded(
        value=tops[0] / tops[1] - 1,
        n=n,
        method=_METHOD,
        clusters=clusters(seen),
        design_effect=max(remembered, effect(seen, (times[0] > tops[0]).astype(np.float64))),
        candidate=tops[0],
        baseline=tops[1],
    )
    few, count = fewest(p, _TIED_ALPHA), most_blocks(n, remembered)
    if n >= few and count < FEWEST_BLOCKS:
        enough = math.ceil(max(few * late, FEWEST_BLOCKS * MEMORIES * remembered))
        return replace(told, method=f"{_METHOD}: too short a run", fewest=enough)
    draws = tuple(_draws(times, group, p) for group in groupings(seen, max(count, FEWEST_BLOCKS)))
    if not max(_spread(drawn) for drawn in draws):
        why = "too few" if n < few else "all tied"
        return replace(told, method=f"{_METHOD}: {why}", fewest=few if n < few else None)
    plan = _plan(told, draws)
    return resampled(plan, draws, _METHOD, least=max(p, 1 - p) ** (n / late))


def _differences(
    times: Sequence[NDArray[int64]], tops: Sequence[float]
) -> Iterator[NDArray[float64]]:
    """What a pair adds to the change: how often one is late and the other not, and how long it is.

    Where both wait in the same queue, both wait alike, and a pair says nothing of the next one;
    where each has its own, as much of it is remembered as of either alone.
    """
    import numpy as np

    late = [(side > top).astype(np.float64) for side, top in zip(times, tops, strict=True)]
    yield late[0] - late[1]
    yield times[0] / tops[0] - times[1] / tops[1]


def _plan(told: Unbounded, draws: Sequence[Draws]) -> Student:
    """The same change with the standard error of the widest draws, to plan sizes with."""
    spread, degrees = max((_spread(drawn), -drawn.degrees) for drawn in draws)
    return Student(**told.told(), stderr=spread, units=1 - degrees, scale="log change")


def _spread(drawn: Draws) -> float:
    """Standard deviation of the logarithm of the replicates' factors, from their middle."""
    import numpy as np

    inner = drawn.ordered[[round(share * REPLICATES) for share in (_TIED_ALPHA, 1 - _TIED_ALPHA)]]
    if inner[0] == inner[1]:
        return 0.0
    outer = drawn.ordered[[int(share * REPLICATES) for share in (_DEVIATION, 1 - _DEVIATION)]]
    return float(np.diff(np.log1p(outer))[0]) / 2


def _draws(times: Sequence[NDArray[int64]], group: NDArray[int64], p: float) -> Draws:
    """Replicates of the change, with groups drawn whole."""
    import numpy as np

    sizes = np.bincount(group).astype(np.float64)
    drawn = weights(len(sizes))
    sides = [_Side(values, group, p) for values in times]
    changes = np.empty(REPLICATES)
    for first in range(0, REPLICATES, _CHUNK):
        part = slice(first, first + _CHUNK)
        counts = drawn[:, part]
        target = np.ceil(p * (sizes @ counts) - _ROUNDING)
        tops = [side.resampled(counts, target) for side in sides]
        changes[part] = tops[0] / tops[1] - 1
    return Draws(np.sort(changes), max(len(sizes) - 1, 1))


class _Side:
    """One release's durations around the rank of their quantile.

    The quantile of a replicate lies within a few standard deviations of that rank, so only the
    durations near it are drawn one by one; of the others only how many are below matters.
    """

    def __init__(self, values: NDArray[int64], group: NDArray[int64], p: float) -> None:
        import numpy as np

        n, order = len(values), np.argsort(values, kind="stable")
        middle = rank(n, p)
        late = (values > values[order[middle]]).astype(np.float64)
        variance = n * p * (1 - p) * design_effect(late, group)
        reach = math.ceil(_WINDOW_DEVIATIONS * math.sqrt(variance)) + 1
        first, last = max(middle - reach, 0), min(middle + reach + 1, n)
        self._values = values[order[first:last]]
        self._groups = group[order[first:last]]
        below = np.bincount(group[order[:first]], minlength=int(group.max()) + 1)
        self._below = below.astype(np.float64)

    def resampled(self, counts: NDArray[uint8], target: NDArray[float64]) -> NDArray[int64]:
        """The quantile in each replicate, where `counts` has how often each group is drawn."""
        import numpy as np

        missing = (target - self._below @ counts).astype(np.int32)
        reached = np.cumsum(counts[self._groups], axis=0, dtype=np.int32)
        place = (reached < missing).sum(axis=0)
        chosen: NDArray[int64] = self._values[np.minimum(place, len(self._values) - 1)]
        return chosen
