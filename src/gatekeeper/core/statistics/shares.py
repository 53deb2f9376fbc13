"""Shares: exact where trials are independent, with an effective number where they are not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics import binomial
from gatekeeper.core.statistics.clustering import Clusters, agreeing, grown
from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.observation import Proportion
    from gatekeeper.core.statistics.inference import Side

EXACT: Final = "Clopper-Pearson, exact"
CLUSTERED: Final = "Korn-Graubard, exact bounds of the effective number of samples"


def share(seen: Proportion) -> Inference:
    """The share of events; what is unknown may have been an event or not, whichever is worse."""
    value, n = seen.events / seen.n, seen.samples or seen.n
    if seen.clusters is None:
        return Share(value=value, n=n, method=EXACT, trials=seen)
    clusters = Clusters.of(seen.clusters, seen.clusters.totals[0])
    return ClusteredShare(
        value=value,
        n=n,
        method=CLUSTERED,
        clusters=seen.clusters.n,
        design_effect=clusters.design_effect,
        trials=seen,
        sums=clusters,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Inference):
    """A share of independent trials: bounds of Clopper and Pearson (1934), p of the exact test."""

    trials: Proportion

    @property
    def most(self) -> int:
        """Events, if all that is unknown was one."""
        return self.trials.events + self.trials.unknown

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Exact bounds."""
        n = self.trials.n
        low = binomial.lower(self.trials.events, n, alpha)
        return low, binomial.upper(self.most, n, alpha)

    def p(self, limit: float, side: Side) -> float | None:
        """The binomial tail at `limit`."""
        if side == "below":
            return binomial.at_most(self.most, self.trials.n, limit)
        return binomial.at_least(self.trials.events, self.trials.n, limit)

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """Exact, with everything known."""
        return binomial.nearest(self.trials.n, limit, side, alpha, power)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Exact, with everything known."""
        return binomial.fewest(self.value, limit, alpha, power)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteredShare(Inference):
    """A share of trials in clusters: exact bounds of as many trials as they are worth."""

    trials: Proportion
    sums: Clusters

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Bounds at the effective number of trials; none of a single cluster."""
        if self.clusters <= 1:
            return None, None
        low, high = self.sums.effective(0, alpha), self.sums.effective(1, alpha)
        return (
            binomial.lower(self.value * low, low, alpha),
            binomial.upper(self._most * high, high, alpha),
        )

    def p(self, limit: float, side: Side) -> float | None:
        """The confidence at which the bound is `limit`: the number depends on it, through t."""
        if self.clusters <= 1:
            return None

        def tail(alpha: float) -> float:
            n = self.sums.effective(int(side == "below"), alpha)
            if side == "below":
                return binomial.at_most(self._most * n, n, limit)
            return binomial.at_least(self.value * n, n, limit)

        return agreeing(tail)

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """Exact for the effective number, which another truth would change a little."""
        if self.clusters <= 1:
            return None
        n = math.floor(self.sums.effective(int(side == "below"), alpha))
        return binomial.nearest(n, limit, side, alpha, power)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """The samples of as many more clusters like these as make the effective number suffice."""
        enough = binomial.fewest(self.value, limit, alpha, power)
        if self.clusters <= 1 or enough is None:
            return None
        return grown(self.sums, self.n, int(self.value < limit), alpha, enough)

    @property
    def _most(self) -> float:
        return (self.trials.events + self.trials.unknown) / self.trials.n
