"""A value of whose error the data say nothing: no rule on it passes or fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.statistics.inference import POWER, Inference

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbounded(Inference):
    """An estimate without bounds; its method says why.

    Attributes:
        fewest: Samples from which on there are bounds; None where more would not help.
    """

    fewest: int | None = None

    @classmethod
    def of(cls, found: Inference, why: str) -> Unbounded:
        """The value of `found`, and nothing more."""
        return cls(**found.told(method=why, seed=None))

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:  # noqa: ARG002 - none
        """None."""
        return None, None

    def p(self, limit: float, side: Side) -> float | None:  # noqa: ARG002 - none
        """None."""
        return None

    def detectable(
        self,
        limit: float,  # noqa: ARG002 - none
        side: Side,  # noqa: ARG002 - none
        alpha: float,  # noqa: ARG002 - none
        power: float = POWER,  # noqa: ARG002 - none
    ) -> float | None:
        """None."""
        return None

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:  # noqa: ARG002
        """The fewest that have bounds at all, since no spread is known to plan with."""
        return self.fewest
