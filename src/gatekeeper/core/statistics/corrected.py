"""Shares of true events, from what an imperfect judge or detector calls events.

Rogan and Gladen (1978), American Journal of Epidemiology 107:71-76: where a share t is true,
t * sensitivity + (1 - t) * (1 - specificity) is called. The p-value at a limit is that of the
called share that the limit implies, averaged over what the calibration leaves possible of
sensitivity and specificity. The bounds are those that agree with it: the melded intervals of
Bayer, Fay and Graubard (2023), Statistics in Medicine, arXiv:2205.13494, which cover at least as
often as they say. The averages are over a fixed lattice of points, so nothing is drawn at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics import binomial, judge
from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.clustered_share import Beta
from gatekeeper.core.statistics.clustering import Clusters
from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.roots import crossing
from gatekeeper.core.statistics.shares import share
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from gatekeeper.core.observation import Proportion
    from gatekeeper.core.statistics.inference import Side
    from gatekeeper.model.policy import Calibration

METHOD: Final = "Rogan-Gladen, melded exact bounds"
CONTRADICTED: Final = 0.01
"""At this level the calls rule out that the calibration holds for them."""
_NEAR: Final = 1e-10


def corrected(seen: Proportion, calibration: Calibration) -> Inference:
    """The share of true events among those that a calibrated judge called events.

    Gives no bounds where the judge is not shown to be better than chance, or where its calls are
    fewer or more than any share of true events could make them.
    """
    value = _true(seen.events / seen.n, calibration)
    found = CorrectedShare(
        value=min(max(value, 0.0), 1.0) if math.isfinite(value) else seen.events / seen.n,
        n=seen.samples or seen.n,
        method=METHOD,
        clusters=0 if seen.clusters is None else seen.clusters.n,
        design_effect=1.0 if seen.clusters is None else share(seen).design_effect,
        calls=_calls(seen),
        called=seen.events / seen.n,
        calibration=calibration,
    )
    if not judge.better_than_chance(calibration):
        return Unbounded.of(found, "the calibration does not show a judge better than chance")
    if seen.clusters is not None and seen.clusters.n <= 1:
        return Unbounded.of(found, f"{METHOD}, of a single cluster")
    if min(found.tail(1.0, "above"), found.tail(0.0, "below")) < CONTRADICTED:
        return Unbounded.of(found, "the calls contradict the calibration of the judge")
    return found


@dataclass(frozen=True, slots=True)
class Calls:
    """What the data say about the share that is called an event.

    Attributes:
        low: For lower bounds.
        high: For upper bounds.
        n: Independent trials that would say as much.
    """

    low: Beta
    high: Beta
    n: float


def _calls(seen: Proportion) -> Calls:
    if seen.clusters is None:
        most = seen.events + seen.unknown
        high = Beta(most + 1, seen.n - most)
        return Calls(Beta(seen.events, seen.n - seen.events + 1), high, seen.n)
    sums = Clusters.of(seen.clusters, seen.clusters.totals[0])
    worst = seen.most or seen.clusters
    high = Beta.of(Clusters.of(worst, worst.totals[0]), 1)
    return Calls(Beta.of(sums, 0), high, high.a + high.b - 1)


def _true(called: float, calibration: Calibration) -> float:
    gain = judge.gain(calibration)
    return (called + judge.specificity(calibration) - 1) / gain if gain > 0 else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedShare(Inference):
    """A share of true events.

    Attributes:
        calls: What the data say about the share that was called.
        called: That share.
        calibration: Of the judge.
    """

    calls: Calls
    called: float
    calibration: Calibration

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Where the p-values are `alpha`, between 0 and 1."""
        low, high = 0.0, 1.0
        if self.tail(0.0, "above") < alpha:
            low = crossing(lambda at: self.tail(at, "above") - alpha, 0.0, self.value, _NEAR)
        if self.tail(1.0, "below") < alpha:
            high = crossing(lambda at: self.tail(at, "below") - alpha, 1.0, self.value, _NEAR)
        return min(low, self.value), max(high, self.value)

    def p(self, limit: float, side: Side) -> float | None:
        """The mean over the calibration of the p-values for the called share."""
        return self.tail(limit, side)

    def tail(self, limit: float, side: Side) -> float:
        """Probability that so few (`below`) or so many are called, were the truth at `limit`."""
        beta = self.calls.high if side == "below" else self.calls.low
        return self._tail(beta, limit, side)

    def _tail(self, beta: Beta, limit: float, side: Side) -> float:
        limit = min(max(limit, 0.0), 1.0)
        return beta.mean_beyond(judge.implied(self.calibration, limit, side), side)

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """Exact for the calls, if the judge is as its calibration found it."""
        n = self.calls.n
        end = 0.0 if side == "below" else n

        def spare(events: float) -> float:
            """How far the tail is above alpha with so many events."""
            beta = Beta(events + 1, n - events) if side == "below" else Beta(events, n - events + 1)
            return self._tail(beta, limit, side) - alpha

        if spare(end) > 0:
            return None
        events = math.floor(crossing(spare, end, n - end, 1e-6) + 1e-6)
        bound = binomial.upper if side == "below" else binomial.lower
        if side == "above":
            events += 1
        truth = _true(bound(events, n, power), self.calibration)
        return truth if 0 <= truth <= 1 else None

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """By the normal approximation, with the same calibration."""
        gain = judge.gain(self.calibration)
        called = 1 - judge.specificity(self.calibration) + limit * gain
        doubt = math.sqrt(judge.gain_variance(self.calibration, limit, 1 - limit))
        plan = Plan(
            distance=abs(limit - self.value) * gain,
            at_limit=math.sqrt(called * (1 - called)),
            at_truth=math.sqrt(self.called * (1 - self.called)),
            doubt=doubt,
        )
        n = plan.trials(alpha, power)
        return None if n is None else math.ceil(n * max(self.n / self.calls.n, 1.0))


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides how many trials show a called share to be away from that at the limit.

    Attributes:
        distance: Between both.
        at_limit: Standard deviation of one trial at the limit.
        at_truth: At the truth.
        doubt: Standard deviation of what the limit implies, which more trials do not lessen.
    """

    distance: float
    at_limit: float
    at_truth: float
    doubt: float

    def trials(self, alpha: float, power: float) -> float | None:
        """By the normal approximation, one trial off for whole numbers; None for too many."""
        from scipy.special import ndtri

        allowed, wanted = float(ndtri(1 - alpha)), float(ndtri(power))

        def spare(n: float) -> float:
            """How much distance is left over with `n` trials; negative where they are too few."""
            root = math.sqrt(n)
            reach = allowed * math.hypot(self.at_limit / root, self.doubt)
            return self.distance - 1 / n - reach - wanted * self.at_truth / root

        return None if spare(LARGEST_N) <= 0 else crossing(spare, 1.0, LARGEST_N, _NEAR)
