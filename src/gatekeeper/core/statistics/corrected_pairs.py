"""Paired differences of true events, from what an imperfect judge calls events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics import judge, tango
from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.clustering import agreeing
from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.pairs import paired_share
from gatekeeper.core.statistics.roots import crossing
from gatekeeper.core.statistics.tango import Table
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from gatekeeper.core.observation import PairedProportion
    from gatekeeper.core.statistics.inference import Side
    from gatekeeper.core.statistics.pairs import PairedShare
    from gatekeeper.model.policy import Calibration

METHOD: Final = "Rogan-Gladen difference, melded with Tango's score bounds"
_GAINS: Final = 29
"""Values of the gain that are averaged over."""
_NEAR: Final = 1e-10


def corrected_difference(seen: PairedProportion, calibration: Calibration) -> Inference:
    """Share of true events of the candidate less the baseline's, by the same judge.

    What is called wrongly without regard to the release cancels: the called difference over the
    gain, which is sensitivity + specificity - 1. The p-value at a limit is that of the called
    difference which it implies, averaged over what the calibration leaves possible of the gain.
    It assumes that the judge errs equally often on both.
    """
    called = paired_share(seen)
    gain = judge.gain(calibration)
    if not judge.better_than_chance(calibration):
        return Unbounded.of(called, "the calibration does not show a judge better than chance")
    told = called.told(
        value=min(max(called.value / gain, -1.0), 1.0),
        method=METHOD,
        candidate=_true(called.candidate, calibration),
        baseline=_true(called.baseline, calibration),
        seed=None,
    )
    return CorrectedDifference(**told, called=called, calibration=calibration)


def _true(called: float | None, calibration: Calibration) -> float | None:
    if called is None:
        return None
    share = (called + judge.specificity(calibration) - 1) / judge.gain(calibration)
    return min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedDifference(Inference):
    """A difference of true events.

    Attributes:
        called: The difference of what the judge called events.
        calibration: Of the judge.
    """

    called: PairedShare
    calibration: Calibration

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Where the p-values are `alpha`, between -1 and 1; none of a single cluster."""
        if self.called.alone:
            return None, None

        def short(side: Side, at: float) -> float:
            """How far the tail at a bound is above alpha."""
            return self._tail(self.called.scaled(side, alpha), at, side) - alpha

        def end(side: Side, far: float) -> float:
            """Where p is alpha; the estimate where it is less everywhere, since none is beyond."""
            if short(side, far) >= 0:
                return far
            return crossing(lambda at: short(side, at), far, self.value, _NEAR)

        return end("above", -1.0), end("below", 1.0)

    def p(self, limit: float, side: Side) -> float | None:
        """The mean over the calibration of the p-values for the called difference."""
        if self.called.alone:
            return None

        def tail(alpha: float) -> float:
            """The tail at the limit, with the calibration read at confidence 1 - alpha."""
            return self._tail(self.called.scaled(side, alpha), limit, side)

        return tail(0.0) if self.called.sums is None else agreeing(tail)

    def _tail(self, table: Table, limit: float, side: Side) -> float:
        """A small gain brings an implied difference near zero: the worse where `limit` is kept."""
        nearer = (limit > 0) == (side == "below")
        gains = judge.gains(self.calibration, "below" if nearer else "above")
        step = len(gains) // _GAINS
        middle = gains[step // 2 :: step]
        return math.fsum(tango.p(table, limit * float(gain), side) for gain in middle) / len(middle)

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """By the normal approximation, if as many calls differ as do here, or as must."""
        if self.called.alone:
            return None
        n = self.called.scaled(side, alpha).n
        end = -1.0 if side == "below" else 1.0

        def spare(truth: float) -> float:
            """How far the power at a truth is above the wanted one."""
            return self._power(n, truth, limit, side, alpha) - power

        return None if spare(end) < 0 else crossing(spare, limit, end, _NEAR)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """By the normal approximation, with the same calibration."""
        if self.called.alone or self.value == limit:
            return None
        side: Side = "below" if self.value < limit else "above"

        def spare(n: float) -> float:
            """How far the power of `n` pairs is above the wanted one."""
            return self._power(n, self.value, limit, side, alpha) - power

        if spare(LARGEST_N) < 0:
            return None
        return self.called.samples_worth(crossing(spare, 1.0, LARGEST_N, _NEAR), side, alpha)

    def _power(self, n: float, truth: float, limit: float, side: Side, alpha: float) -> float:
        gain = judge.gain(self.calibration)
        sign = 1 if side == "below" else -1
        difference = sign * truth * gain
        rate = max(self.called.discordant, abs(difference))
        table = Table(n, n * (rate + difference) / 2, n * (rate - difference) / 2)
        doubt = judge.gain_variance(self.calibration, limit, limit)
        return tango.power(table, sign * limit * gain, alpha, doubt)
