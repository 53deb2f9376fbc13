"""Values made of declared facts: no sample stands behind them, so nothing of them is chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.observation import Declared
    from gatekeeper.core.statistics.inference import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Inference):
    """A value with the ends of what its facts allow.

    Attributes:
        low: The lower end, whatever the confidence.
        high: The upper end.
    """

    low: float
    high: float

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:  # noqa: ARG002 - certain
        """What the facts allow."""
        return self.low, self.high

    def p(self, limit: float, side: Side) -> float | None:
        """Zero where the facts put the value on `side` of the limit, one elsewhere."""
        shown = self.high <= limit if side == "below" else self.low >= limit
        return 0.0 if shown else 1.0

    def detectable(
        self,
        limit: float,
        side: Side,
        alpha: float,  # noqa: ARG002 - certain
        power: float = POWER,  # noqa: ARG002 - certain
    ) -> float | None:
        """The limit less what the facts leave open."""
        if side == "below":
            return limit - (self.high - self.value)
        return limit + (self.value - self.low)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:  # noqa: ARG002
        """None: samples change no fact."""
        return None


def declared(seen: Declared) -> Fact:
    """The value that facts make, with the bounds that they declare."""
    return Fact(
        value=seen.value,
        n=0,
        method="declared facts",
        baseline=seen.baseline,
        candidate=None if seen.baseline is None else seen.value,
        low=seen.low,
        high=seen.high,
    )
