"""An estimate whose error follows Student's t, corrected for skewness where there is any."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.core.statistics.assurance import assured
from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side

Scale = Literal["linear", "log", "log change"]
"""On which the error is symmetric; a change is the exponential minus one."""
_LARGEST_EXPONENT: Final = 700.0
_LARGEST_DISTANCE: Final = 100.0
"""In standard errors: beyond it every power is one."""
WIDEST_SKEWNESS: Final = 0.58
"""Of an estimate; near it a bound at alpha 0.05 is farthest away, about four times as far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Student(Inference):
    """Bounds by Student's t with `units` - 1 degrees of freedom.

    A skewed sum is farther from its mean on one side than t says. The transformation of Hall
    (1992), "On the removal of skewness by transformation", Journal of the Royal Statistical
    Society B 54:221-228, corrects for that; it is applied on both sides in the direction that
    widens, since the sign of a sample's skewness says little of where the heavy tail is.

    Power is that of the t test, from the noncentral t distribution: Johnson, Kotz and Balakrishnan
    (1995), "Continuous Univariate Distributions" 2, chapter 31. It takes the standard error for
    known, and to shrink with the root of the number of units.

    Attributes:
        stderr: Standard error of the estimate on `scale`; above zero.
        units: What is independent: clusters, or samples where each stands alone; as many of one
            size as they are worth.
        skewness: Of the estimate, at least zero; it shrinks with the root of the number of units.
    """

    stderr: float
    units: float
    scale: Scale
    skewness: float = 0.0

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Estimate and t times its standard error, or what skewness makes of it, down and up."""
        centre = self._at(self.value)
        reach = _stretched(_critical(self.units, alpha), self.skewness) * self.stderr
        return self._value(centre - reach), self._value(centre + reach)

    def p(self, limit: float, side: Side) -> float | None:
        """Tail of t beyond the distance from the limit, in standard errors."""
        from scipy.special import stdtr

        distance = (self._at(self.value) - self._at(limit)) / self.stderr
        distance = distance if side == "below" else -distance
        return float(stdtr(self.units - 1, max(distance, _transformed(distance, self.skewness))))

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """The limit moved by the distance that the noncentral t gives, and skewness stretches."""
        at = self._at(limit)
        if at == -math.inf:
            return None
        reach = _distance(self.units, alpha, power, self.skewness) * self.stderr
        return self._value(at - reach if side == "below" else at + reach)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """As many units as bring the limit to that distance, in samples."""
        distance = abs(self._at(self.value) - self._at(limit)) / self.stderr
        root = math.sqrt(self.units)
        units = _units(distance / root, alpha, power, self.skewness * root)
        samples = None if units is None else math.ceil(units * self.n / self.units)
        return samples if samples is not None and samples <= LARGEST_N else None

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Averaged over the variances that are possible, too."""
        planned = self.needed(limit, alpha, power)
        return assured(planned, self.n, alpha, power, self.units - 1)

    def _at(self, value: float) -> float:
        if self.scale == "linear":
            return value
        factor = value + (self.scale == "log change")
        return math.log(factor) if factor > 0 else -math.inf

    def _value(self, at: float) -> float:
        if self.scale == "linear":
            return at
        return math.exp(min(at, _LARGEST_EXPONENT)) - (self.scale == "log change")


def _critical(units: float, alpha: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(units - 1, 1 - alpha))


def _transformed(distance: float, skewness: float) -> float:
    """What follows t where `distance`, in standard errors, is of a skewed sum: Hall (1992).

    ((1 + k T / 3)^3 - 1) / k + k / 6, rising in T, for the skewness k of the sum.
    """
    bent = skewness * distance
    return distance * (1 + bent / 3 + bent * bent / 27) + skewness / 6


def _stretched(critical: float, skewness: float) -> float:
    """The distance that the transformation takes to `critical`, at least as far."""
    short = skewness * (critical + skewness / 6)
    shrunk = -math.expm1(math.log1p(-short) / 3) if short < 1 else 1 + math.cbrt(short - 1)
    return max(critical, 3 * shrunk / skewness) if skewness else critical


def _distance(units: float, alpha: float, power: float, skewness: float) -> float:
    """Of the truth from the limit, in standard errors, that is shown with `power`."""
    from scipy.special import nctdtrinc

    critical = _critical(units, alpha)
    plain = float(nctdtrinc(units - 1, 1 - power, critical))
    return plain + _stretched(critical, skewness) - critical


def _units(distance: float, alpha: float, power: float, skewness: float) -> int | None:
    """The fewest units that show a truth `distance` standard deviations of one unit away.

    `skewness` is that of one unit.
    """

    def shown(units: int) -> bool:
        """Whether so many show it."""
        root = math.sqrt(units)
        reach = min(distance * root, _LARGEST_DISTANCE)
        return reach >= _distance(units, alpha, power, min(skewness / root, WIDEST_SKEWNESS))

    below, enough = 1, 2
    while not shown(enough):
        if enough > LARGEST_N:
            return None
        below, enough = enough, enough * 2
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if shown(middle) else (middle, enough)
    return enough
