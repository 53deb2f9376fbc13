"""How sure a contribution is: a bootstrap that gives every coalition the same samples.

Each replicate gives every unit (a sample, or a cluster of samples) a Poisson(1) weight, the same
in all coalitions, so that samples stay paired (Efron 1979; Chamandy et al. 2012, "Estimating
uncertainty for massive data streams"). Intervals are expanded percentile intervals, because plain
ones are too narrow where units are few (Hesterberg 2015, The American Statistician 69:371-386).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import float64, int64
    from numpy.typing import NDArray

    from gatekeeper.core.attribution.game import Weights
    from gatekeeper.core.attribution.seen import Seen, Table
    from gatekeeper.core.metrics.formula import Blend

REPLICATES: Final = 2000
FEWEST: Final = 5
"""Units below which nothing is said of how sure it is."""
_UNDEFINED: Final = 0.01
"""Share of replicates that may have no value, because nothing was drawn that it divides by."""
_ROUNDING: Final = 1e-12
"""What is left, of values that cancel, because floats are rounded."""
_CELLS: Final = 8_000_000
"""Weights that are held at a time."""


@dataclass(frozen=True, slots=True)
class Span:
    """An estimate between two bounds; None where units are too few for any."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Values:
    """The value of each coalition: as it was seen, and in each replicate below that."""

    columns: Mapping[int, NDArray[float64]]
    units: int

    @property
    def defined(self) -> bool:
        """Whether every coalition has a value, as it was seen."""
        return all(math.isfinite(column[0]) for column in self.columns.values())

    def value(self, coalition: int) -> float:
        """The value of a coalition as it was seen."""
        return float(self.columns[coalition][0])

    def combined(self, weights: Weights) -> float:
        """A combination of values as they were seen."""
        return sum(weight * self.value(one) for one, weight in sorted(weights.items()))

    def moved(
        self,
        weights: Weights,
        confidence: float,
        draws: Sequence[Weights] = (),
        *,
        relative: bool = False,
    ) -> Span:
        """A combination of values, with its interval.

        Args:
            weights: The combination.
            confidence: Of the interval.
            draws: Combinations of which it is the mean, where they were drawn from many: their
                spread widens the interval as well.
            relative: Whether it is told over the baseline's value.
        """
        import numpy as np

        columns = [weight * self.columns[one] for one, weight in sorted(weights.items())]
        found = np.sum(columns, axis=0)
        largest = np.max(np.abs(columns), axis=0)
        found[np.abs(found) <= _ROUNDING * largest] = 0
        if relative:
            with np.errstate(divide="ignore", invalid="ignore"):
                found = found / self.columns[0]
        low, high = _interval(found[1:], self.units, confidence)
        span = Span(float(found[0]), low, high)
        return self._widened(span, draws, confidence, relative=relative) if draws else span

    def _widened(
        self, span: Span, draws: Sequence[Weights], confidence: float, *, relative: bool
    ) -> Span:
        """With the error of a mean of few draws, which is independent of that of the samples."""
        import numpy as np
        from scipy.special import stdtrit

        if span.low is None or span.high is None:
            return span
        told = [self.combined(one) for one in draws]
        spread = float(np.std(told, ddof=1)) / math.sqrt(len(told))
        largest = max(abs(self.value(one)) for weights in draws for one in weights)
        if spread <= _ROUNDING * largest:
            return span
        spread *= float(stdtrit(len(told) - 1, (1 + confidence) / 2))
        error = abs(spread / self.value(0)) if relative else spread
        below, above = span.value - span.low, span.high - span.value
        return Span(
            span.value, span.value - math.hypot(below, error), span.value + math.hypot(above, error)
        )


def resampled(table: Table, seed: int, replicates: int = REPLICATES) -> Values:
    """The values of all coalitions under the same random weights.

    Args:
        table: Units in an order that does not depend on how they were read.
        seed: Of the weights.
        replicates: How often units are drawn.
    """
    import numpy as np

    random = np.random.Generator(np.random.PCG64(seed))
    chunk = max(1, _CELLS // max(len(table.unit), 1))
    parts = [_all(table, np.ones((1, table.units)))]
    for start in range(0, replicates, chunk):
        size = (min(chunk, replicates - start), table.units)
        parts.append(_all(table, random.poisson(1.0, size).astype(float)))
    columns = {one: np.concatenate([part[one] for part in parts]) for one in table.seen}
    return Values(columns, table.units)


def _all(table: Table, weights: NDArray[float64]) -> dict[int, NDArray[float64]]:
    """Values by coalition, one for each row of weights."""
    found = {one: _value(table, seen, weights) for one, seen in table.seen.items()}
    for one, seen in table.against.items():
        found[one] = found[0] + found[one] - _value(table, seen, weights)
    return found


def _value(table: Table, seen: Seen, weights: NDArray[float64]) -> NDArray[float64]:
    import numpy as np

    if table.quantile is not None:
        return _quantile(table, seen.y, weights)
    totals = [
        weights @ np.bincount(table.unit, column.astype(float), table.units)
        for column in (seen.y, seen.d)
    ]
    if table.blend is not None:
        totals = _blended(table.blend, totals, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[float64] = totals[0] if table.counts else totals[0] / totals[1]
    return found


def _blended(
    blend: Blend, totals: list[NDArray[float64]], weights: NDArray[float64]
) -> list[NDArray[float64]]:
    """Totals with declared facts: each unit holds its part of what belongs to no record."""
    y, d = totals
    drawn = weights.mean(axis=1)
    bottom = d if blend.over is None else blend.over * drawn
    return [blend.times * y + blend.each * d + blend.add * drawn, bottom]


def _quantile(table: Table, values: NDArray[int64], weights: NDArray[float64]) -> NDArray[float64]:
    """The smallest value that a share of the weight does not exceed."""
    import numpy as np

    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, table.unit[order]], axis=1)
    wanted = np.ceil((table.quantile or 0.5) * reached[:, -1:] - 1e-9)
    place = np.minimum((reached < np.maximum(wanted, 1)).sum(axis=1), len(values) - 1)
    found: NDArray[float64] = values[order][place].astype(float)
    return found


@cache
def _tail(units: int, confidence: float) -> float:
    """The share of replicates beyond each end of an expanded percentile interval."""
    from scipy.special import ndtr, stdtrit

    plain = (1 - confidence) / 2
    return float(ndtr(math.sqrt(units / (units - 1)) * stdtrit(units - 1, plain)))


def _interval(
    replicates: NDArray[float64], units: int, confidence: float
) -> tuple[float | None, float | None]:
    import numpy as np

    finite = replicates[np.isfinite(replicates)]
    if units < FEWEST or len(finite) < (1 - _UNDEFINED) * len(replicates) or not len(finite):
        return None, None
    tail = _tail(units, confidence)
    low = np.quantile(finite, tail, method="lower")
    high = np.quantile(finite, 1 - tail, method="higher")
    return float(low), float(high)
