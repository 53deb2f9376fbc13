"""What every coalition shows of one metric: the same samples in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy import int64
    from numpy.typing import NDArray

    from gatekeeper.core.metrics.formula import Blend

Key = tuple[str, str, int]
"""Suite, sample and replicate."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one coalition shows of one metric, sample by sample.

    Attributes:
        y: Numerators; the values themselves where a quantile is asked for.
        d: Denominators.
    """

    y: NDArray[int64]
    d: NDArray[int64]


@dataclass(frozen=True, slots=True)
class Table:
    """What all coalitions show on the same samples, in the same order.

    Attributes:
        unit: Number of the unit that each sample belongs to, from 0.
        seen: By coalition.
        against: The baseline in the session of each coalition, where times were measured: what
            all of a session shares is no contribution of anything.
        quantile: Which quantile the metric is; None where it is made of sums.
        counts: Whether it is a sum, and no ratio of two.
        blend: Declared facts that enter it: the same in every coalition.
        keys: What each row is about.
    """

    unit: NDArray[int64]
    seen: Mapping[int, Seen]
    against: Mapping[int, Seen]
    quantile: float | None = None
    counts: bool = False
    blend: Blend | None = None
    keys: Sequence[Key] = ()

    @property
    def units(self) -> int:
        """How many units there are."""
        return int(self.unit.max()) + 1 if len(self.unit) else 0
