"""An inference in another unit, or with its sign turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side

_OTHER: Final[dict[Side, Side]] = {"below": "above", "above": "below"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled(Inference):
    """`factor` times another inference; a negative factor exchanges what is above and below."""

    of: Inference
    factor: float

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """See `Inference.bounds`."""
        low, high = (_times(bound, self.factor) for bound in self.of.bounds(alpha))
        return (low, high) if self.factor > 0 else (high, low)

    def p(self, limit: float, side: Side) -> float | None:
        """See `Inference.p`."""
        return self.of.p(limit / self.factor, self._turned(side))

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """See `Inference.detectable`."""
        found = self.of.detectable(limit / self.factor, self._turned(side), alpha, power)
        return _times(found, self.factor)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """See `Inference.needed`."""
        return self.of.needed(limit / self.factor, alpha, power)

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """See `Inference.settling`."""
        return self.of.settling(limit / self.factor, alpha, power)

    def _turned(self, side: Side) -> Side:
        return side if self.factor > 0 else _OTHER[side]


def scaled(of: Inference, factor: float, own: float) -> Inference:
    """An inference times `factor`; the values of the two sides, where it has them, times `own`."""
    candidate, baseline = _times(of.candidate, own), _times(of.baseline, own)
    told = of.told(value=of.value * factor, candidate=candidate, baseline=baseline)
    return Scaled(**told, of=of, factor=factor)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
