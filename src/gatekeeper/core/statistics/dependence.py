"""Which requests may depend on each other, and how much that widens what they say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.resampling import GROUPS

if TYPE_CHECKING:
    from numpy import float64, int64
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Times

_ALPHA: Final = 0.05


def blocks(n: int) -> NDArray[int64]:
    """Block of each of `n` requests in the order in which they were due.

    Requests that queue behind each other are alike; requests a few blocks apart are not. Blocks
    of a length that grows with n are what Carlstein (1986), "The use of subseries values for
    estimating the variance of a general statistic", Annals of Statistics 14:1171-1179, resamples.
    """
    import numpy as np

    count = min(max(n // block_length(n), 1), GROUPS)
    return np.arange(n, dtype=np.int64) * count // n


def block_length(n: int) -> int:
    """Requests a block: the root of `n`, rounded up."""
    return math.isqrt(max(n - 1, 0)) + 1


def groupings(seen: Times) -> list[NDArray[int64]]:
    """The ways in which requests may depend on each other, each as a group number a request."""
    import numpy as np

    found = [blocks(len(seen.candidate))]
    if seen.clusters is not None:
        _, numbers = np.unique(seen.clusters, return_inverse=True)
        found.append(numbers.astype(np.int64) % GROUPS)
    return found


def design_effect(values: NDArray[float64], group: NDArray[int64]) -> float:
    """Variance of the sum of `values` over that if they were independent, at least one.

    Between groups: Kish (1965), "Survey sampling", section 8.2; with the correction for few
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
