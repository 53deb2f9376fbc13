"""What every method of inference returns: an estimate that can be asked about any limit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

Side = Literal["below", "above"]
POWER: Final = 0.8
"""Chance with which a planned sample size settles a rule, and an effect counts as detectable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference(ABC):
    """A value, and what the data say about where the truth lies.

    Bounds and p-values of one method agree: the upper bound at confidence 1 - alpha is the limit
    at which the p-value for "below" is alpha.

    Attributes:
        value: The estimate.
        n: Samples, or pairs of samples, that it rests on.
        method: Name of the method, with its assumption where it makes one.
        clusters: Groups of samples that are independent of each other; 0 where each stands alone.
        design_effect: Variance of the estimate over that of as many independent samples.
        candidate: The candidate's own value, in a comparison.
        baseline: The baseline's.
        seed: Of the resampling, where there was any.
    """

    value: float
    n: int
    method: str
    clusters: int = 0
    design_effect: float = 1.0
    candidate: float | None = None
    baseline: float | None = None
    seed: int | None = None

    def told(self, **changed: Any) -> dict[str, Any]:
        """What every method tells, with changes, as arguments for another one."""
        return {one.name: getattr(self, one.name) for one in fields(Inference)} | changed

    @abstractmethod
    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """Lower and upper bound, each one-sided at confidence 1 - `alpha`; None where none is."""

    @abstractmethod
    def p(self, limit: float, side: Side) -> float | None:
        """How probable data as extreme would be, were the truth not on `side` of `limit`."""

    @abstractmethod
    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """The truth nearest to `limit` that as many samples would show to be on `side` of it.

        None where no truth could be shown with that power.
        """

    @abstractmethod
    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Samples that show with `power` on which side of `limit` the truth is, if it is `value`.

        None where no sensible number would.
        """

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """Samples of which a new run settles it with a chance of `power`.

        That is `needed`, averaged over the truths that these samples leave possible; the same
        where a method cannot tell how probable they are.
        """
        return self.needed(limit, alpha, power)
