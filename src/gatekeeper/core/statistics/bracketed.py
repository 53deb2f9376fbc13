"""An estimate of what both sides answered, with bounds for whatever is not known of the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracketed(Inference):
    """Bounds that hold for the estimate, and for the ends of what it may be with what is missing.

    Bounds of the worst case for what is missing: Horowitz and Manski (2000), "Nonparametric
    analysis of randomized experiments with missing covariate and outcome data", Journal of the
    American Statistical Association 95:77-84. They assume nothing about why it is missing.

    Attributes:
        of: The estimate.
        high: The same with what is missing as what raises it most.
        low: As what lowers it most.
    """

    of: Inference
    high: Inference
    low: Inference

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """The outermost of the estimate and of the end on that side; none where either has none."""
        (low, high), (lowest, _), (_, highest) = (
            one.bounds(alpha) for one in (self.of, self.low, self.high)
        )
        return (
            None if low is None or lowest is None else min(low, lowest),
            None if high is None or highest is None else max(high, highest),
        )

    def p(self, limit: float, side: Side) -> float | None:
        """The larger of both, which agrees with the bound."""
        found = [one.p(limit, side) for one in (self.of, self._end(side))]
        known = [p for p in found if p is not None]
        return max(known) if len(known) == len(found) else None

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """What the end on that side has to be, less how far it is from the estimate."""
        end = self._end(side)
        found = end.detectable(limit, side, alpha, power)
        return None if found is None else found - (end.value - self.value)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """With as large a share missing; None where that alone keeps it from being decided."""
        end = self._deciding(limit)
        return None if end is None else end.needed(limit, alpha, power)

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """See `Inference.settling`."""
        end = self._deciding(limit)
        return None if end is None else end.settling(limit, alpha, power)

    def _deciding(self, limit: float) -> Inference | None:
        """The end that is nearer to the limit, unless it is beyond."""
        if self.value < limit:
            return self.high if self.high.value < limit else None
        return self.low if self.low.value > limit else None

    def _end(self, side: Side) -> Inference:
        return self.high if side == "below" else self.low


def bracketed(
    of: Inference | None, high: Inference | None, low: Inference | None
) -> Inference | None:
    """`of` with the ends of what it may be; an end that has no value bounds nothing."""
    if of is None:
        return None
    nothing = Unbounded.of(of, of.method)
    return Bracketed(**of.told(), of=of, high=high or nothing, low=low or nothing)
