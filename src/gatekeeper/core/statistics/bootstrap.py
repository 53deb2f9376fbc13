"""What replicates of an estimate say: bias-corrected and accelerated percentiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.core.statistics.inference import POWER, Inference
from gatekeeper.core.statistics.resampling import SEED

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Side
    from gatekeeper.core.statistics.student import Student


@dataclass(frozen=True, slots=True)
class Draws:
    """Replicates of one resampling.

    Bounds are the percentiles of Efron (1987), "Better bootstrap confidence intervals", Journal
    of the American Statistical Association 82:171-185; Efron and Tibshirani (1993), "An
    introduction to the bootstrap", equation 14.10. With no bias and no acceleration these are the
    plain percentiles. Quantiles of t in the place of normal ones make up for few groups: the
    expanded percentile interval of Hesterberg (2015), "What teachers should know about the
    bootstrap", American Statistician 69:371-386.

    Attributes:
        ordered: Replicates, rising.
        degrees: Of freedom: groups less one.
        bias: z0, the normal quantile of the share of replicates below the estimate.
        acceleration: How fast the standard error changes with the truth, per standard error.
    """

    ordered: NDArray[float64]
    degrees: int
    bias: float = 0.0
    acceleration: float = 0.0

    def quantile(self, level: float, *, up: bool) -> float | None:
        """The bound that lies above the truth with probability `level`, rounded away from it."""
        from scipy.special import ndtr, stdtrit

        reach = self.bias + float(stdtrit(self.degrees, level))
        shrink = 1 - self.acceleration * reach
        if shrink <= 0:
            return None
        place = float(ndtr(self.bias + reach / shrink)) * (len(self.ordered) + 1)
        rank = math.ceil(place) if up else math.floor(place)
        if not 1 <= rank <= len(self.ordered):
            return None
        bound = float(self.ordered[rank - 1])
        return bound if math.isfinite(bound) else None

    def tail(self, limit: float, side: Side) -> float:
        """The alpha at which the bound on that side is at `limit`."""
        from scipy.special import ndtri, stdtr

        if side == "below":
            rank = int(self.ordered.searchsorted(limit, side="right"))
        else:
            rank = int(self.ordered.searchsorted(limit, side="left")) + 1
        reach = float(ndtri(min(rank / (len(self.ordered) + 1), 1.0))) - self.bias
        stretch = 1 + self.acceleration * reach
        within = stretch > 0 and math.isfinite(reach)
        z = reach / stretch - self.bias if within else math.copysign(math.inf, reach)
        return float(stdtr(self.degrees, -z if side == "below" else z))


def resampled(
    plan: Student, draws: tuple[Draws, ...], method: str, *, least: float = 0.0
) -> Bootstrap:
    """The estimate of `plan` with the bounds of `draws`."""
    told = plan.told(method=method, seed=SEED)
    return Bootstrap(**told, draws=draws, plan=plan, least=least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap(Inference):
    """Bounds that hold under every resampling that was made.

    Attributes:
        draws: One for each way in which samples may depend on each other; the widest counts.
        plan: The estimate with a standard error, which sample sizes are planned with.
        least: The smallest alpha for which there are bounds.
    """

    draws: tuple[Draws, ...] = field(compare=False, repr=False)
    plan: Student
    least: float = 0.0

    def bounds(self, alpha: float) -> tuple[float | None, float | None]:
        """The outermost percentiles."""
        if alpha < self.least:
            return None, None
        lows = [drawn.quantile(alpha, up=False) for drawn in self.draws]
        highs = [drawn.quantile(1 - alpha, up=True) for drawn in self.draws]
        low = min((low for low in lows if low is not None), default=None)
        high = max((high for high in highs if high is not None), default=None)
        return None if None in lows else low, None if None in highs else high

    def p(self, limit: float, side: Side) -> float | None:
        """The largest alpha at which a bound is at the limit."""
        return max(self.least, *(drawn.tail(limit, side) for drawn in self.draws))

    def detectable(
        self, limit: float, side: Side, alpha: float, power: float = POWER
    ) -> float | None:
        """As the standard error of the plan says."""
        return None if alpha < self.least else self.plan.detectable(limit, side, alpha, power)

    def needed(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """As the standard error of the plan says; at least as many as give bounds."""
        planned = self.plan.needed(limit, alpha, power)
        return self._enough(planned, alpha)

    def settling(self, limit: float, alpha: float, power: float = POWER) -> int | None:
        """As the standard error of the plan says; at least as many as give bounds."""
        return self._enough(self.plan.settling(limit, alpha, power), alpha)

    def _enough(self, samples: int | None, alpha: float) -> int | None:
        if self.least <= 0 or samples is None:
            return samples
        return max(samples, math.ceil(self.n * math.log(alpha) / math.log(self.least)))
