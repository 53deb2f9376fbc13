"""Which requests may depend on each other, and how much that widens what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.resampling import GROUPS

if TYPE_CHECKING:
    from numpy import float64, int64
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Times

FEWEST_BLOCKS: Final = 8
"""Fewer resample too little."""
_ALPHA: Final = 0.05


def blocks(n: int, count: int) -> NDArray[int64]:
    """Block of each of `n` requests in the order in which they were due, in `count` blocks.

    Requests that queue behind each other are alike; requests a few blocks apart are not. Blocks
    of a length that grows with n are what Carlstein (1986), "The use of subseries values for
    estimating the variance of a general statistic", Annals of Statistics 14:1171-1179, resamples.
    """
    import numpy as np

    return np.arange(n, dtype=np.int64) * max(min(count, n, GROUPS), 1) // max(n, 1)


def groupings(seen: Times) -> list[NDArray[int64]]:
    """The ways in which requests may depend on each other, each as a group number a request.

    Half as many blocks as the root of the requests, so of twice that length: a change at its limit
    in a queue that is busy half of the time then passes wrongly 5 % of the time, and with blocks
    of half that length 7 % (300 and 1,000 requests, two servers).
    """
    n = len(seen.candidate)
    return [blocks(n, max(math.isqrt(n) // 2, FEWEST_BLOCKS)), *_clusters(seen)]


def effect(seen: Times, late: NDArray[float64]) -> float:
    """The largest design effect of `late` over blocks of three lengths and over clusters.

    One length is too short where requests queue for long, or leaves too few blocks where not.
    """
    n = len(late)
    counts = [math.isqrt(n) // shorter for shorter in (1, 2, 4)]
    ways = [blocks(n, count) for count in counts if count >= FEWEST_BLOCKS // 2]
    return max((design_effect(late, group) for group in (*ways, *_clusters(seen))), default=1.0)


def _clusters(seen: Times) -> list[NDArray[int64]]:
    import numpy as np

    if seen.clusters is None:
        return []
    _, numbers = np.unique(seen.clusters, return_inverse=True)
    return [numbers.astype(np.int64) % GROUPS]


def design_effect(values: NDArray[float64], group: NDArray[int64]) -> float:
    """Variance of the sum of `values` over that if they were independent, at least one.

    Between groups: Kish (1965), "Survey sampling", chapter 8; with the correction for few
    groups that multiplies by the squared ratio of quantiles of t: Korn and Graubard (1998),
    Survey Methodology 24:193-201.
    """
    import numpy as np
    from scipy.special import stdtrit

    count, n = int(group.max()) + 1, len(values)
    centred = values - values.mean()
    alone = float(centred @ centred)
    if count < 2 or alone == 0:  # noqa: PLR2004 - no spread
        return 1.0
    totals = np.bincount(group, weights=centred, minlength=count)
    between = float(totals @ totals) * count / (count - 1)
    few = float(stdtrit(count - 1, 1 - _ALPHA) / stdtrit(max(n - 1, 1), 1 - _ALPHA))
    return max(between / alone * few * few, 1.0)
