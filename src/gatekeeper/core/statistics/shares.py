"""Shares: exact where trials are independent, with an effective number where they are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics import binomial
from gatekeeper.core.statistics.assurance import assured_share
from gatekeeper.core.statistics.clustered_share import ClusteredShare
from gatekeeper.core.statistics.clustering import Clusters
from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.observation import Proportion
    from gatekeeper.core.statistics.inference import Side

EXACT: Final = "Clopper-Pearson, exact"
CLUSTERED: Final = "Gaffke's bounds, clusters resampled with one more of the worst kind"


def share(seen: Proportion) -> Inference:
    """The share of events; what is unknown may have been an event or not, whichever is worse."""
    value, n = seen.events / seen.n, seen.samples or seen.n
    if seen.clusters is None:
        return Share(value=value, n=n, method=EXACT, trials=seen)
    clusters = Clusters.of(seen.clusters, seen.clusters.totals[0])
    most = seen.most or seen.clusters
    return ClusteredShare(
        value=value,
        n=n,
        method=CLUSTERED,
        clusters=seen.clusters.n,
        design_effect=clusters.design_effect,
        sums=clusters,
        most=Clusters.of(most, most.totals[0]),
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

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Exact, averaged over the truths that are possible: Jeffreys' beta distribution."""
        return assured_share(self.trials.events, self.trials.n, limit, alpha, power)
