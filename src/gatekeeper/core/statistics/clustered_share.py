"""Shares of trials in clusters: a bound for any way in which clusters may fail together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.statistics import binomial
from gatekeeper.core.statistics.assurance import assured
from gatekeeper.core.statistics.clustering import multiple
from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.roots import crossing

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.clustering import Clusters
    from gatekeeper.core.statistics.inference import Side

_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Beta:
    """A beta distribution: what the data say about a share, for one of its bounds."""

    a: float
    b: float

    @classmethod
    def of(cls, clusters: Clusters, each: int) -> Beta:
        """The distribution of `clusters` for the upper bound (`each` 1) or the lower (0).

        Gaffke (2005), Mathematical Methods of Statistics 14:451-467: whatever the distribution of
        a variable between 0 and 1, its mean is bounded by quantiles of the mean under weights of
        Dirichlet's distribution, of what was seen and of one more that is the worst. That is
        Clopper and Pearson's bound where all seen are 0 or 1. It is not proven for all other cases,
        but no counterexample is known: Learned-Miller and Thomas (2019), arXiv:1905.06208. Here
        clusters are what was seen;
        the weighed mean has a beta distribution with the same mean and variance; where sizes
        differ, clusters count as Kish's (1965) effective number, and the worst is as large as the
        average trial's. So trials never count as more than independent ones, nor as fewer than
        clusters whose trials all agree.
        """
        more = clusters.joined(each)
        mean = more.y / more.m
        number = clusters.m / clusters.largest
        variance = more.spread / more.m**2 * (number + 1) / (number + 2)
        alone = mean * (1 - mean)
        trust = min(alone / variance - 1, clusters.m + 1) if variance > 0 else clusters.m + 1
        return cls(mean * trust, (1 - mean) * trust)

    def quantile(self, probability: float) -> float:
        """The share below which the truth is with this probability."""
        from scipy.special import betaincinv

        if min(self.a, self.b) < _SMALLEST:
            return float(self.a > self.b)
        return float(betaincinv(self.a, self.b, probability))

    def below(self, share: float) -> float:
        """Probability of a truth below `share`."""
        from scipy.special import betainc

        if min(self.a, self.b) < _SMALLEST:
            return float(share >= 1 if self.a > self.b else share >= 0)
        return float(betainc(self.a, self.b, min(max(share, 0.0), 1.0)))

    def above(self, share: float) -> float:
        """Probability of a truth above `share`."""
        return Beta(self.b, self.a).below(1 - share)

    def mean_beyond(self, shares: NDArray[float64], side: Side) -> float:
        """Mean probability of a truth that is not on `side` of each of some shares."""
        from scipy.special import betainc, betaincc

        if min(self.a, self.b) < _SMALLEST:
            return 1.0
        tail = betaincc if side == "below" else betainc
        return float(tail(self.a, self.b, shares).mean())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredShare(Inference):
    """A share of trials in clusters.

    Attributes:
        sums: Over clusters, of events and trials.
        most: Likewise, if everything unknown was an event.
    """

    sums: Clusters
    most: Clusters

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Quantiles of the two distributions; none of a single cluster."""
        if self.clusters <= 1:
            return None, None
        return self._low.quantile(alpha), self._high.quantile(1 - alpha)

    def p(self, limit: float, side: Side) -> float | None:
        """Probability of a truth on the other side."""
        if self.clusters <= 1:
            return None
        return self._high.above(limit) if side == "below" else self._low.below(limit)

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """With clusters that are as alike inside as these."""
        if self.clusters <= 1:
            return None
        if side == "above":
            found = _detectable(self.sums.mirrored, 1 - limit, alpha, power)
            return None if found is None else 1 - found
        return _detectable(self.sums, limit, alpha, power)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Samples in more clusters like these."""
        if self.clusters <= 1 or self.value == limit:
            return None
        sums, value = self.sums, self.value
        if value > limit:
            sums, value, limit = sums.mirrored, 1 - value, 1 - limit

        return multiple(sums, self.n, lambda grown: _power(grown, value, limit, alpha) < power)

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Averaged over the truths that are possible."""
        if self.clusters <= 1:
            return None
        return assured(self.needed(limit, alpha, power), self.n, alpha, power)

    @property
    def _low(self) -> Beta:
        return Beta.of(self.sums, 0)

    @property
    def _high(self) -> Beta:
        return Beta.of(self.most, 1)


def _most(sums: Clusters, limit: float, alpha: float) -> float:
    """Most events that show a share below `limit`, in clusters like these; below 0 if none do."""
    seen = Beta.of(sums, 1)
    trust, more = seen.a + seen.b, sums.joined(1)

    def above(mean: float) -> float:
        """How far the tail beyond the limit is above alpha, of a Beta with that mean."""
        return Beta(mean * trust, (1 - mean) * trust).above(limit) - alpha

    if limit >= 1:
        return sums.m
    return crossing(above, limit, _SMALLEST) * more.m - (more.m - sums.m)


def _detectable(sums: Clusters, limit: float, alpha: float, power: float) -> float | None:
    found = _worth(sums, limit, alpha)
    return None if found is None else binomial.upper(*found, power)


def _power(sums: Clusters, truth: float, limit: float, alpha: float) -> float:
    """Chance to show a share below `limit`."""
    found = _worth(sums, limit, alpha)
    return 0.0 if found is None else binomial.at_most(*found, truth)


def _worth(sums: Clusters, limit: float, alpha: float) -> tuple[float, float] | None:
    """Most events that show it, and trials: as many independent ones as the clusters are worth.

    Half an event less, since events come whole; None where not even none would show it.
    """
    events = _most(sums, limit, alpha)
    scale = 1 / sums.design_effect
    return (max(events * scale - 0.5, 0.0), sums.m * scale) if events >= 0 else None
