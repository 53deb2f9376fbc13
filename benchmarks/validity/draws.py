"""Data in clusters, as they are drawn at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.core.observation import Sums

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

TOGETHER = {
    "fail each alone": 0.0,
    "are a little alike (ICC 0.1)": 0.1,
    "are alike (ICC 0.3)": 0.3,
    "fail all or none (ICC 1)": 1.0,
    "sometimes fail whole": None,
}
"""How clusters fail together: the correlation inside, or half of all events in failing clusters."""
SHAPES = ("5", "10", "30", "1 to 29", "1 to 60")


def sizes(count: int, shape: str) -> NDArray[np.int64]:
    """Samples in each cluster."""
    if shape == "1 to 29":
        return 1 + np.arange(count) * 7 % 29
    if shape == "1 to 60":
        return np.maximum(1, np.round(60 * 0.9 ** (np.arange(count) % 40))).astype(np.int64)
    return np.full(count, int(shape))


def shares(
    together: str, share: float, shape: tuple[int, int], random: Generator
) -> NDArray[np.float64]:
    """The share of events in each cluster: beta, all or none, or some that fail whole."""
    alike = TOGETHER[together]
    if alike is None:
        rest = share / 2 / (1 - share / 2)
        return np.where(random.random(shape) < share / 2, 1.0, rest)
    if alike == 0:
        return np.full(shape, share)
    if alike == 1:
        return (random.random(shape) < share).astype(float)
    size = 1 / alike - 1
    return np.nan_to_num(random.beta(share * size, (1 - share) * size, shape))


def events(
    together: str, share: float, m: NDArray[np.int64], draws: int, random: Generator
) -> NDArray[np.int64]:
    """Events in each cluster, one row a draw."""
    found: NDArray[np.int64] = random.binomial(m, shares(together, share, (draws, len(m)), random))
    return found


def sums(y: NDArray[np.int64], m: NDArray[np.int64]) -> Sums:
    """What an observation holds of clusters."""
    yy, ym, mm = int(y @ y), int(y @ m), int(m @ m)
    return Sums(len(m), (int(y.sum()), int(m.sum())), ((yy, ym), (ym, mm)))
