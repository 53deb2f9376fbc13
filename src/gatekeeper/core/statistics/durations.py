"""Quantiles of durations of one release, by order statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.assurance import assured
from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.clustered_share import Beta
from gatekeeper.core.statistics.clustering import Clusters
from gatekeeper.core.statistics.dependence import FEWEST, effect
from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.memory import memory
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy import int64
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Times
    from gatekeeper.core.statistics.inference import Side


_LONG: Final = 120
"""Requests that show that they are independent, where they are, well enough to count as half."""


def fewest(p: float, alpha: float) -> int:
    """Samples below which a bound of the `p` quantile does not exist: 59 for p95 at alpha 0.05."""
    return math.ceil(math.log(alpha) / math.log(max(p, 1 - p)))


def enough(p: float, alpha: float) -> int:
    """Requests that bound the `p` quantile where none waits: as many as show that none does."""
    return max(2 * fewest(p, alpha), _LONG)


def rank(n: int, p: float) -> int:
    """0-based rank of the `p` quantile among `n` values: the smallest that p of them are up to."""
    return max(math.ceil(p * n - 1e-9), 1) - 1


def quantile(values: NDArray[int64], p: float) -> int:
    """The `p` quantile of some durations."""
    import numpy as np

    place = rank(len(values), p)
    return int(np.partition(values, place)[place])


def quantile_of(seen: Times, p: float) -> Inference | None:
    """The `p` quantile of the candidate's durations; None where there are none.

    Where all durations are the same there are no bounds, since measured times never are; nor where
    the run remembers for more than a tenth of its length, as one whose queue fills up does.
    """
    import numpy as np

    n = len(seen.candidate)
    if n == 0:
        return None
    ordered = np.sort(seen.candidate)
    value = float(ordered[rank(n, p)])
    if ordered[0] == ordered[-1]:
        least = fewest(p, 0.05) if n == 1 else None
        return Unbounded(value=value, n=n, method="order statistics: all tied", fewest=least)
    late = (seen.candidate > value).astype(np.float64)
    remembered = max(memory(late), memory(seen.candidate.astype(np.float64)))
    if n < FEWEST * remembered:
        return Unbounded(
            value=value,
            n=n,
            method="order statistics: too short a run",
            clusters=clusters(seen),
            design_effect=remembered,
            fewest=math.ceil(max(fewest(p, 0.05), FEWEST) * remembered),
        )
    return OrderStatistics(
        value=value,
        n=n,
        method="order statistics, of as many as count as independent",
        clusters=clusters(seen),
        design_effect=max(remembered, effect(seen, late)),
        ordered=ordered,
        quantile=p,
        units=_units(seen),
    )


def _units(seen: Times) -> NDArray[int64] | None:
    """Number of the cluster of each duration, from the shortest on."""
    import numpy as np

    if seen.clusters is None:
        return None
    _, numbers = np.unique(seen.clusters, return_inverse=True)
    return numbers.astype(np.int64)[np.argsort(seen.candidate, kind="stable")]


def clusters(seen: Times) -> int:
    """Clusters that the set names; 0 where it names none."""
    import numpy as np

    return 0 if seen.clusters is None else len(np.unique(seen.clusters))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatistics(Inference):
    """Bounds that are order statistics, whatever the distribution.

    How many values lie below a quantile is binomial: Hahn and Meeker (1991), "Statistical
    Intervals", section 5.2. Where durations depend on each other the binomial is that of as many
    independent ones as they are worth, n over how many in a row say as much as one (`memory`), as
    Korn and Graubard (1998) do for shares. Where the set names clusters, what is later than a limit
    is also a share of samples in clusters, with its bounds (`clustered_share`), and the wider
    counts: a design effect of few clusters, of which few are late, is too uncertain. Power and
    sample sizes take the shape of the distribution as seen, stretched.

    Attributes:
        ordered: Durations, rising.
        quantile: Which quantile, between 0 and 1.
        units: Number of the cluster of each, where the set names one.
    """

    ordered: NDArray[int64] = field(compare=False, repr=False)
    quantile: float
    units: NDArray[int64] | None = field(default=None, compare=False, repr=False)

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """The tightest ranks that cover; none of a single cluster."""
        if self.clusters == 1:
            return None, None
        high = _first(self.n + 1, lambda count: self._below(count) <= alpha)
        low = _first(self.n + 1, lambda count: self._above(count) > alpha) - 1
        return (
            float(self.ordered[low]) if low >= 0 else None,
            float(self.ordered[high - 1]) if 0 < high <= self.n else None,
        )

    def p(self, limit: float, side: Side) -> float | None:
        """Binomial tail of how many durations lie on `side` of the limit."""
        if self.clusters == 1:
            return None
        if side == "below":
            return self._below(int(self.ordered.searchsorted(limit, side="right")))
        return self._above(int(self.ordered.searchsorted(limit, side="left")))

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """The limit, stretched by how far the durations lie apart that share of them."""
        from scipy.special import betaincinv

        if side == "below":
            count = _first(self.n + 1, lambda count: self._below(count) <= alpha)
            if count > self.n:
                return None
            share = float(betaincinv(*self._reached(count), power))
        else:
            count = _first(self.n + 1, lambda count: self._above(count) > alpha) - 1
            if count < 0:
                return None
            share = float(betaincinv(*self._passed(count), 1 - power))
        other = float(self.ordered[rank(self.n, share)])
        return limit * self.value / other if other > 0 else None

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Sample size of a share by the normal approximation; at least `fewest`."""
        from scipy.special import ndtri

        under = int(self.ordered.searchsorted(limit, side="right"))
        share, target = under / self.n, self.quantile
        if share == target or limit == self.value:
            return None
        spread = float(ndtri(1 - alpha)) * math.sqrt(target * (1 - target))
        spread += float(ndtri(power)) * math.sqrt(share * (1 - share))
        independent = max((spread / (share - target)) ** 2, fewest(target, alpha))
        samples = independent * self.design_effect
        return math.ceil(samples) if samples <= LARGEST_N else None

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Averaged over the truths that are possible."""
        found = assured(self.needed(limit, alpha, power), self.n, alpha, power)
        least = math.ceil(fewest(self.quantile, alpha) * self.design_effect)
        return None if found is None else max(found, least)

    def _below(self, count: int) -> float:
        """Chance of at least `count` durations up to the quantile."""
        from scipy.special import betainc

        if count <= 0:
            return 1.0
        alone = float(betainc(*self._reached(count), self.quantile))
        if self.units is None:
            return alone
        return max(alone, Beta.of(_late(self.units, count), 1).above(1 - self.quantile))

    def _above(self, count: int) -> float:
        """Chance of at most `count` durations up to the quantile."""
        from scipy.special import betaincc

        if count >= self.n:
            return 1.0
        alone = float(betaincc(*self._passed(count), self.quantile))
        if self.units is None:
            return alone
        return max(alone, Beta.of(_late(self.units, count), 0).below(1 - self.quantile))

    def _reached(self, count: int) -> tuple[float, float]:
        """Beta distribution of the share up to a time that `count` durations are up to.

        With one more that is later, and no less than one: of requests that count as one, none that
        was late says nothing of the next.
        """
        return count / self.design_effect, (self.n - count) / self.design_effect + 1

    def _passed(self, count: int) -> tuple[float, float]:
        """The same with one more that is not later."""
        return count / self.design_effect + 1, (self.n - count) / self.design_effect


def _late(units: NDArray[int64], count: int) -> Clusters:
    """Sums over clusters of the durations behind the first `count`, and of all."""
    import numpy as np

    size = int(units.max()) + 1
    y, m = (np.bincount(some, minlength=size) for some in (units[count:], units))
    late = float(y.sum())
    return Clusters(size, late, len(units), float(y @ y), float(y @ m), float(m @ m), late)


def _first(end: int, holds: Callable[[int], bool]) -> int:
    """The first number below `end` from which on `holds`; `end` where it never does."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
