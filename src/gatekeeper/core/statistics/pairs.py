"""Paired differences of shares: score bounds, with an effective number of pairs in clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics import tango
from gatekeeper.core.statistics.assurance import assured
from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.clustering import Clusters, agreeing, multiple
from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.roots import crossing
from gatekeeper.core.statistics.tango import Table

if TYPE_CHECKING:
    from gatekeeper.core.observation import PairedProportion, Pairs, Sums
    from gatekeeper.core.statistics.inference import Side

METHOD: Final = "paired difference, Tango's score bounds, continuity corrected"
CLUSTERED: Final = f"{METHOD}, of the effective number of pairs"
_NEAR: Final = 1e-6


def paired_share(seen: PairedProportion) -> PairedShare:
    """Share of events of the candidate less that of the baseline, on the same samples.

    What is unknown counts, for each bound, as what is worse for it.
    """
    n = seen.high.n
    candidate, baseline = seen.candidate.events / n, seen.baseline.events / n
    known = seen.low.candidate_only + seen.high.baseline_only
    clusters = None if seen.clusters is None else Clusters.of(seen.clusters, known)
    return PairedShare(
        value=(seen.candidate.events - seen.baseline.events) / n,
        n=seen.samples or n,
        method=METHOD if clusters is None else CLUSTERED,
        clusters=0 if clusters is None else round(clusters.n),
        design_effect=1.0 if clusters is None else clusters.design_effect,
        candidate=candidate,
        baseline=baseline,
        low=_table(seen.low),
        high=_table(seen.high),
        discordant=known / n,
        sums=clusters,
        most=_clusters(seen.most, seen.high) or clusters,
        least=_clusters(seen.least, seen.low) or clusters,
    )


def _clusters(sums: Sums | None, pairs: Pairs) -> Clusters | None:
    if sums is None:
        return None
    return Clusters.of(sums, pairs.candidate_only + pairs.baseline_only)


def _table(pairs: Pairs) -> Table:
    return Table(pairs.n, pairs.candidate_only, pairs.baseline_only)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedShare(Inference):
    """The difference of two shares of the same samples.

    In clusters, the table is scaled to as many pairs as it is worth: Obuchowski (1998), Statistics
    in Medicine 17:1495-1507; Yang, Sun and Hardin (2012), Computational Statistics and
    Data Analysis 56:1301-1320.

    Attributes:
        low: Pairs, with what is unknown against the candidate's having more events.
        high: Pairs, with what is unknown for it.
        discordant: Share of the pairs that are known to differ.
        sums: Over clusters of the difference of the events, and of the pairs.
        most: Likewise, of the pairs `high`.
        least: Likewise, of the pairs `low`.
    """

    low: Table
    high: Table
    discordant: float
    sums: Clusters | None
    most: Clusters | None
    least: Clusters | None

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Score bounds; none of a single cluster."""
        if self.alone:
            return None, None
        low = tango.bounds(self.scaled("above", alpha), alpha)[0]
        return low, tango.bounds(self.scaled("below", alpha), alpha)[1]

    def p(self, limit: float, side: Side) -> float | None:
        """Of the score test at `limit`."""
        if self.alone:
            return None

        def tail(alpha: float) -> float:
            """The p-value at the limit, with the pairs scaled for confidence 1 - alpha."""
            return tango.p(self.scaled(side, alpha), limit, side)

        return tail(0.0) if self.sums is None else agreeing(tail)

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """By the normal approximation, if as many pairs differ as do here, or as must."""
        if self.alone:
            return None
        n = self.scaled(side, alpha).n
        end = -1.0 if side == "below" else 1.0

        def spare(truth: float) -> float:
            """How far the power at a truth is above the wanted one."""
            return self._power(n, truth, limit, side, alpha) - power

        return None if spare(end) < 0 else crossing(spare, limit, end)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """By the normal approximation, if as many pairs differ as do here."""
        if self.alone or self.value == limit:
            return None
        side: Side = "below" if self.value < limit else "above"

        def spare(n: float) -> float:
            """How far the power of `n` pairs is above the wanted one."""
            return self._power(n, self.value, limit, side, alpha) - power

        if spare(LARGEST_N) < 0:
            return None
        return self.samples_worth(crossing(spare, 1.0, LARGEST_N, _NEAR), side, alpha)

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Averaged over the truths that are possible, if one more pair of two more differed.

        That is the expected share of pairs that differ, whatever it may be (Laplace's rule of
        succession): of few pairs none may differ, and of more some will.
        """
        if self.alone:
            return None
        expected = replace(self, discordant=(self.discordant * self.n + 1) / (self.n + 2))
        return assured(expected.needed(limit, alpha, power), self.n, alpha, power)

    def samples_worth(self, pairs: float, side: Side, alpha: float) -> int | None:
        """Samples, in more clusters like these, that are worth as many independent pairs."""
        enough = math.ceil(pairs)
        if self.sums is None:
            return enough
        return multiple(
            self.sums, self.n, lambda grown: grown.effective(_worst(side), alpha) < enough
        )

    @property
    def alone(self) -> bool:
        """Whether there is but one cluster."""
        return self.sums is not None and self.sums.n <= 1

    def scaled(self, side: Side, alpha: float) -> Table:
        """The table that would show `side`, of as many pairs as it is worth."""
        below = side == "below"
        table, sums = (self.high, self.most) if below else (self.low, self.least)
        if sums is None:
            return table
        return table.scaled(sums.effective(_worst(side), alpha) / sums.m)

    def _power(self, n: float, truth: float, limit: float, side: Side, alpha: float) -> float:
        return power_of_pairs(n, truth, self.discordant, limit, side, alpha)


def power_of_pairs(  # noqa: PLR0913, PLR0917 - a plan has as many numbers
    n: float,
    truth_difference: float,
    discordant_rate: float,
    limit: float,
    side: Side,
    alpha: float,
) -> float:
    """Chance that `n` pairs show a difference to be on `side` of `limit`, if it is as said.

    Normal approximation of the score test: Tango (1998), section 4, with the continuity correction.

    Args:
        n: Pairs, or the effective number of them.
        truth_difference: Share of the candidate less that of the baseline.
        discordant_rate: Share of the pairs that differ; at least the difference is.
        limit: Of the rule.
        side: That is to be shown.
        alpha: Of the rule.
    """
    if side == "above":
        return power_of_pairs(n, -truth_difference, discordant_rate, -limit, "below", alpha)
    rate = max(discordant_rate, abs(truth_difference))
    expected = Table(n, n * (rate + truth_difference) / 2, n * (rate - truth_difference) / 2)
    return tango.power(expected, limit, alpha)


def _worst(side: Side) -> int:
    """What the pairs of one more cluster come to, for the worst of what would show `side`."""
    return 1 if side == "below" else -1
