"""Weights of a bootstrap: the same on every platform, and for the same sample in every rule."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

SEED: Final = 20250501
"""Of all weights. A sample's group has the same weights in every rule, so that rules agree."""
REPLICATES: Final = 10_000
GROUPS: Final = 4096
"""The most that are resampled by themselves; units beyond are resampled in groups."""
_VALUES: Final = 1 << 16


def weights(groups: int) -> NDArray[uint8]:
    """How often each group is drawn in each replicate, shape (groups, `REPLICATES`)."""
    return _weights(1 << (groups - 1).bit_length())[:groups]


@lru_cache(maxsize=4)
def _weights(groups: int) -> NDArray[uint8]:
    """Counts that are independent and Poisson(1).

    Chamandy, Muralidharan, Najmi and Naidu (2012), "Estimating
    uncertainty for massive data streams", Google. An empty group changes nothing, and a
    ratio does not feel how many were drawn in all. Sixteen raw bits of PCG64, whose stream no
    version of NumPy changes, make one count.
    """
    import numpy as np

    raw = np.random.PCG64(SEED).random_raw(groups * REPLICATES // 4)
    drawn = raw.astype("<u8", copy=False).view("<u2")
    counts: NDArray[uint8] = np.take(_inverse(), drawn).reshape(groups, REPLICATES)
    counts.flags.writeable = False
    return counts


def _inverse() -> NDArray[uint8]:
    """The Poisson(1) count of each of the 65,536 equally likely draws."""
    import numpy as np
    from scipy.special import pdtr

    ends = np.rint(pdtr(np.arange(8), 1.0) * _VALUES)
    return np.searchsorted(ends, np.arange(_VALUES), side="right").astype(np.uint8)
