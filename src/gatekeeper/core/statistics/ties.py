"""Units that all agree: how many that were not seen may differ, and by how much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side

FACTOR: Final = 10
"""The most that a unit which differs is taken to exceed the others by, as a multiple of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied(Inference):
    """Units that all agree: a share of them that was not seen may differ, by a declared amount.

    That share is at most the exact bound of none in `units` (Clopper and Pearson 1934), which is
    1 - alpha^(1 / units); the bounds are what the estimate would be if so many differed.

    Attributes:
        units: What is independent, all alike.
        rise: How far the estimate would rise if all units differed upward, in its unit.
        fall: How far it would fall if all differed downward.
    """

    units: int
    rise: float
    fall: float

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Estimate and the share that may differ times what it would do."""
        share = _share(self.units, alpha)
        return self.value - share * self.fall, self.value + share * self.rise

    def p(self, limit: float, side: Side) -> float | None:
        """The alpha at which the bound is at the limit: (1 - share)^units."""
        share = self._share_at(limit, side)
        return 1.0 if share <= 0 else max(1 - share, 0.0) ** self.units

    def detectable(
        self,
        limit: float,
        side: Side,
        alpha: float,
        power: float = POWER,  # noqa: ARG002 - units that always agree have all of it
    ) -> float | None:
        """The limit less what the units that may differ would do, if all agree again."""
        share = _share(self.units, alpha)
        return limit - share * self.rise if side == "below" else limit + share * self.fall

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:  # noqa: ARG002
        """As many as bring the bound to the limit, if all agree again."""
        share = self._share_at(limit, "below" if self.value < limit else "above")
        if share <= 0:
            return None
        units = math.ceil(math.log(alpha) / math.log1p(-share)) if share < 1 else 2
        samples = math.ceil(max(units, 2) * self.n / self.units)
        return samples if samples <= LARGEST_N else None

    def _share_at(self, limit: float, side: Side) -> float:
        """The share that has to differ to bring the estimate to the limit."""
        room, distance = self.rise, limit - self.value
        if side == "above":
            room, distance = self.fall, -distance
        return distance / room if room > 0 else math.copysign(math.inf, distance)


def _share(units: int, alpha: float) -> float:
    return float(-math.expm1(math.log(alpha) / units))
