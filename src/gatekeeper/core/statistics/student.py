"""An estimate whose error follows Student's t, on a linear or a logarithmic scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.proportions import LARGEST_N

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side

Scale = Literal["linear", "log", "log change"]
"""On which the error is symmetric; a change is the exponential minus one."""
_LARGEST_EXPONENT: Final = 700.0
_LARGEST_DISTANCE: Final = 100.0
"""In standard errors: beyond it every power is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Student(Inference):
    """Bounds by Student's t with `units` - 1 degrees of freedom.

    Power is that of the t test, from the noncentral t distribution: Johnson, Kotz and Balakrishnan
    (1995), "Continuous Univariate Distributions" 2, chapter 31. It takes the standard error for
    known, and to shrink with the root of the number of units.

    Attributes:
        stderr: Standard error of the estimate on `scale`; above zero.
        units: What is independent: clusters, or samples where each stands alone.
    """

    stderr: float
    units: int
    scale: Scale

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Estimate and t times its standard error, down and up."""
        centre, reach = self._at(self.value), _critical(self.units, alpha) * self.stderr
        return self._value(centre - reach), self._value(centre + reach)

    def p(self, limit: float, side: Side) -> float | None:
        """Tail of t beyond the distance from the limit, in standard errors."""
        from scipy.special import stdtr

        distance = (self._at(self.value) - self._at(limit)) / self.stderr
        return float(stdtr(self.units - 1, distance if side == "below" else -distance))

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """The limit moved by the distance that the noncentral t gives."""
        at = self._at(limit)
        if at == -math.inf:
            return None
        reach = _distance(self.units, alpha, power) * self.stderr
        return self._value(at - reach if side == "below" else at + reach)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """As many units as bring the limit to that distance, in samples."""
        distance = abs(self._at(self.value) - self._at(limit)) / self.stderr
        units = _units(distance / math.sqrt(self.units), alpha, power)
        samples = None if units is None else math.ceil(units * self.n / self.units)
        return samples if samples is not None and samples <= LARGEST_N else None

    def _at(self, value: float) -> float:
        if self.scale == "linear":
            return value
        factor = value + (self.scale == "log change")
        return math.log(factor) if factor > 0 else -math.inf

    def _value(self, at: float) -> float:
        if self.scale == "linear":
            return at
        return math.exp(min(at, _LARGEST_EXPONENT)) - (self.scale == "log change")


def _critical(units: int, alpha: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(units - 1, 1 - alpha))


def _distance(units: int, alpha: float, power: float) -> float:
    """Of the truth from the limit, in standard errors, that a t test shows with `power`."""
    from scipy.special import nctdtrinc

    return float(nctdtrinc(units - 1, 1 - power, _critical(units, alpha)))


def _units(distance: float, alpha: float, power: float) -> int | None:
    """The fewest units that show a truth `distance` standard deviations of one unit away."""

    def shown(units: int) -> bool:
        reach = min(distance * math.sqrt(units), _LARGEST_DISTANCE)
        return reach >= _distance(units, alpha, power)

    below, enough = 1, 2
    while not shown(enough):
        if enough > LARGEST_N:
            return None
        below, enough = enough, enough * 2
    while enough - below > 1:
        middle = (below + enough) // 2
        below, enough = (below, middle) if shown(middle) else (middle, enough)
    return enough
