"""Quantiles of durations: order statistics for one release, a paired bootstrap for two."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.estimate import Estimate

if TYPE_CHECKING:
    from numpy import bool_, float64, int64
    from numpy.random import Generator
    from numpy.typing import NDArray

REPLICATES: Final = 2000
_CHUNK: Final = 200
_WINDOW_DEVIATIONS: Final = 8


def smallest_n(p: float, alpha: float) -> int:
    """Samples below which a bound of the `p` quantile does not exist: 59 for p95 at alpha 0.05."""
    return math.ceil(math.log(alpha) / math.log(max(p, 1 - p)))


def quantile(values: NDArray[int64], p: float, alpha: float) -> Estimate:
    """The `p` quantile with bounds that are order statistics, whatever the distribution.

    Hahn and Meeker (1991), "Statistical Intervals", section 5.2: ranks are binomial.
    """
    import numpy as np

    ordered, n = np.sort(values), len(values)
    low, high = _ranks(n, p, alpha)
    return Estimate(
        float(ordered[_rank(n, p)]),
        float(ordered[low]) if low >= 0 else None,
        float(ordered[high]) if high < n else None,
        n,
        "order statistics, exact",
    )


def _rank(n: int, p: float) -> int:
    return max(math.ceil(p * n - 1e-9), 1) - 1


def _ranks(n: int, p: float, alpha: float) -> tuple[int, int]:
    """0-based ranks of the bounds; -1 or `n` where there is none."""
    import numpy as np
    from scipy.special import bdtr

    cumulative = bdtr(np.arange(n, dtype=float), n, p)
    high = int(np.searchsorted(cumulative, 1 - alpha))
    low = int(np.searchsorted(cumulative, alpha, side="right")) - 1
    return low, high


def quantile_change(
    candidate: NDArray[int64], baseline: NDArray[int64], p: float, alpha: float, name: str
) -> Estimate:
    """Candidate's `p` quantile over the baseline's, minus one, on the same samples.

    Percentile interval of a paired Poisson bootstrap of the logarithm (Efron 1981, Biometrika
    68:589-599; Chamandy et al. 2012, "Estimating uncertainty for massive data streams"). The seed
    comes from `name`; pairs are put in order of their values, so the order of rows is immaterial.
    """
    import numpy as np

    order = np.lexsort((baseline, candidate))
    pairs = np.maximum(candidate[order], 1), np.maximum(baseline[order], 1)
    n = len(order)
    values = [float(np.sort(side)[_rank(n, p)]) for side in pairs]
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
    method = f"paired bootstrap of the log ratio, {REPLICATES} replicates"
    low, high = _interval(pairs, p, alpha, seed) if n >= smallest_n(p, alpha) else (None, None)
    return Estimate(values[0] / values[1] - 1, low, high, n, method, values[0], values[1], seed)


def _interval(
    pairs: tuple[NDArray[int64], NDArray[int64]], p: float, alpha: float, seed: int
) -> tuple[float | None, float | None]:
    """Percentiles of the replicates; none where all agree, since measured times never do."""
    import numpy as np

    changes = np.sort(_replicates(*pairs, p, np.random.Generator(np.random.PCG64(seed))))
    low = float(np.quantile(changes, alpha, method="lower"))
    high = float(np.quantile(changes, 1 - alpha, method="higher"))
    return (low, high) if low < high else (None, None)


def _replicates(
    candidate: NDArray[int64], baseline: NDArray[int64], p: float, random: Generator
) -> NDArray[float64]:
    """Relative changes, one a replicate.

    A replicate gives each pair a Poisson(1) weight. Its quantile lies within a few standard
    deviations of the rank of the observed one, so only the pairs near it on either side need a
    weight of their own; of the others, only how many are below matters, which is Poisson too.
    """
    import numpy as np

    sides = (_Side(candidate, p), _Side(baseline, p))
    near = np.flatnonzero(sides[0].near | sides[1].near)
    far = np.ones(len(candidate), dtype=np.bool_)
    far[near] = False
    cells = [
        int(np.count_nonzero(far & (sides[0].below == first) & (sides[1].below == second)))
        for first, second in ((True, True), (True, False), (False, True), (False, False))
    ]
    changes = []
    for _ in range(0, REPLICATES, _CHUNK):
        weights = random.poisson(1.0, (_CHUNK, len(near)))
        counts = random.poisson(cells, (_CHUNK, 4))
        target = np.ceil(p * (weights.sum(axis=1) + counts.sum(axis=1)))
        tops = (
            sides[0].resampled(near, weights, counts[:, 0] + counts[:, 1], target),
            sides[1].resampled(near, weights, counts[:, 0] + counts[:, 2], target),
        )
        changes.append(tops[0] / tops[1] - 1)
    return np.concatenate(changes)


class _Side:
    """One release's durations around the rank of their quantile."""

    def __init__(self, values: NDArray[int64], p: float) -> None:
        import numpy as np

        n = len(values)
        reach = math.ceil(_WINDOW_DEVIATIONS * math.sqrt(n * p * (1 - p))) + 1
        first, last = max(_rank(n, p) - reach, 0), min(_rank(n, p) + reach + 1, n)
        order = np.argsort(values, kind="stable")
        self._window = order[first:last]
        self._values = values[self._window]
        self.near: NDArray[bool_] = np.zeros(n, dtype=np.bool_)
        self.near[self._window] = True
        self.below: NDArray[bool_] = np.zeros(n, dtype=np.bool_)
        self.below[order[:first]] = True

    def resampled(
        self,
        near: NDArray[int64],
        weights: NDArray[int64],
        far_below: NDArray[int64],
        target: NDArray[float64],
    ) -> NDArray[int64]:
        """The quantile under each row of weights of the samples `near`."""
        import numpy as np

        under = far_below + weights[:, self.below[near]].sum(axis=1)
        columns = np.searchsorted(near, self._window)
        reached = under[:, None] + np.cumsum(weights[:, columns], axis=1)
        place = (reached < target[:, None]).sum(axis=1)
        chosen: NDArray[int64] = self._values[np.minimum(place, len(self._values) - 1)]
        return chosen
