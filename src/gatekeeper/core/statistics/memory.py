"""How long a series remembers: requests that wait behind each other say less than they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

_WINDOW: Final = 5
"""Autocorrelation times after which what is left of the sum is noise."""
_DEVIATIONS: Final = 2.3263478740408408
"""Of a normal distribution, up to its 99th percentile."""
_LEAST_SEEN: Final = 0.05
_LONGEST: Final = 1 << 16
"""Values whose autocorrelations are found one by one; more are averaged first."""


def memory(values: NDArray[float64]) -> float:
    """Values in a row that say as much as one: at least one, at most all of them.

    The integrated autocorrelation time, 1 + 2 (r1 + r2 + ...), summed over five times as many lags
    as it is long: Madras and Sokal (1988), "The pivot algorithm", Journal of Statistical Physics
    50:109-186, appendix C. Not the estimate but its upper 99 % bound by their variance,
    2 (2 M + 1) / n for M lags of n values, since a run that looks idle looks forgetful too. What
    the mean of a short run takes from each autocorrelation is given back.
    """
    import numpy as np

    n, centred = len(values), values - values.mean()
    alone = float(centred @ centred)
    if not alone:
        return 1.0
    size = -(-n // _LONGEST)
    means = centred[: n // size * size].reshape(-1, size).mean(axis=1)
    inside = size * size * float(means @ means) / alone
    times = 2 * np.cumsum(_autocorrelations(means)) - 1
    lags = np.arange(len(times))
    window = int(np.argmax(lags >= _WINDOW * np.maximum(times, 1.0)))
    share = (2 * window + 1) / len(times)
    found = float(times[window]) / max(1 - share, _LEAST_SEEN)
    return min(max(inside * found * (1 + _DEVIATIONS * math.sqrt(2 * share)), 1.0), float(n))


def _autocorrelations(centred: NDArray[float64]) -> NDArray[float64]:
    """Of every lag, by a Fourier transform of twice the length."""
    import numpy as np

    n = len(centred)
    size = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    sums = np.fft.irfft(spectrum * spectrum.conj(), size)[:n]
    found: NDArray[float64] = sums / sums[0]
    return found
