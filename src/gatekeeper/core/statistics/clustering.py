"""How much less trials say that come in clusters: design effects and effective sample sizes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.binomial import LARGEST_N
from gatekeeper.core.statistics.roots import crossing

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.observation import Sums

_NEAR: Final = 0.001
_LEAST_ALPHA: Final = 1e-12
_LARGER: Final = 2
_LEAST_FREEDOM: Final = 0.1
_MOST_ALPHA: Final = 0.45
"""Near one half both quantiles of t vanish, and their ratio is but rounding."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Sums over clusters of what the trials in them came to, y, and of their number, m.

    Attributes:
        n: Clusters.
        y: Sum of y.
        m: Sum of m: all trials.
        yy: Sum of y times y; `ym` and `mm` likewise.
        squares: Sum over trials of the square of what each came to.
    """

    n: float
    y: float
    m: float
    yy: float
    ym: float
    mm: float
    squares: float

    @classmethod
    def of(cls, sums: Sums, squares: float) -> Clusters:
        """Those of exact sums over the columns (y, m)."""
        (y, m), ((yy, ym), (_, mm)) = sums.totals, sums.products
        return cls(sums.n, y, m, yy, ym, mm, squares)

    def grown(self, factor: float) -> Clusters:
        """As many more clusters like these."""
        return Clusters(
            self.n * factor,
            self.y * factor,
            self.m * factor,
            self.yy * factor,
            self.ym * factor,
            self.mm * factor,
            self.squares * factor,
        )

    @property
    def largest(self) -> float:
        """Design effect if all trials of a cluster always agreed: Kish (1965), section 8.2."""
        return self.mm / self.m

    @property
    def design_effect(self) -> float:
        """Variance of the mean of all trials over that of as many independent ones, at least 1.

        Kish (1965), "Survey Sampling", section 8.2, with the variance of a ratio of cluster totals
        and its correction G / (G - 1): Cochran (1977), "Sampling Techniques", section 9A.
        """
        if self.n <= 1:
            return self.largest
        alone = self.squares - self.y * self.y / self.m
        if alone <= 0:
            return 1.0
        return max(self.n / (self.n - 1) * self.spread / alone, 1.0)

    @property
    def spread(self) -> float:
        """Sum over clusters of the square of how far y is from what the mean makes of m."""
        mean = self.y / self.m
        return max(self.yy - 2 * mean * self.ym + mean * mean * self.mm, 0.0)

    @property
    def mirrored(self) -> Clusters:
        """Those of the trials that were no events."""
        y, ym = self.m - self.y, self.mm - self.ym
        return Clusters(self.n, y, self.m, self.mm - 2 * self.ym + self.yy, ym, self.mm, y)

    def joined(self, each: int, larger: int = 1) -> Clusters:
        """These and one more, as large as the average trial's, whose trials come to `each`.

        Or `larger` times as large.
        """
        size = self.largest * larger
        return Clusters(
            self.n + 1,
            self.y + each * size,
            self.m + size,
            self.yy + each * each * size * size,
            self.ym + each * size * size,
            self.mm + size * size,
            self.squares + each * each * size,
        )

    def effective(self, each: int, alpha: float) -> float:
        """Independent trials that say as much, for a bound at confidence 1 - `alpha`.

        Korn and Graubard (1998), Survey Methodology 24:193-201: trials over the design effect, and
        the ratio of t quantiles for that it is itself estimated from few clusters. What cannot be
        estimated where hardly anything happened is how much of it would happen together. So the
        design effect is that with one more cluster, in which every trial comes to `each`, the
        worst for the bound, and which is so large that no way of failing together that was tried
        passes wrongly too often at the limit. Without it, up to 82 % of the time.
        """
        from scipy.special import stdtrit

        alpha = min(max(alpha, _LEAST_ALPHA), _MOST_ALPHA)
        worth = max(self.m / self.largest - 1, _LEAST_FREEDOM)
        few, many = stdtrit((worth, max(self.m - 1, worth)), 1 - alpha)
        effect = self.joined(each, _LARGER).design_effect * float(few / many) ** 2
        return self.m / max(min(effect, self.largest), 1.0)


def agreeing(tail: Callable[[float], float]) -> float:
    """The alpha that a p-value computed for it agrees with."""
    return crossing(lambda alpha: tail(alpha) - alpha, 0.0, 1.0)


def multiple(clusters: Clusters, samples: int, weak: Callable[[Clusters], bool]) -> int | None:
    """Samples in as many more clusters like these as are no longer weak; None for too many."""
    low, high = 2 / clusters.n, LARGEST_N / samples
    if high <= low or weak(clusters.grown(high)):
        return None
    while high - low > max(1 / samples, low * _NEAR):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if weak(clusters.grown(middle)) else (low, middle)
    return math.ceil(high * samples)
