"""Differences of paired shares, where pairs come in clusters that fail together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.draws import SHAPES, TOGETHER, sizes, sums
from benchmarks.validity.study import Table, joined, percent, survey, tails

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion
from gatekeeper.core.statistics.pairs import PairedShare, paired_share

if TYPE_CHECKING:
    from benchmarks.validity.study import Cell, Tails
    from numpy.random import Generator
    from numpy.typing import NDArray

TRUTHS = ((0.0, 0.02), (0.05, 0.02), (0.05, 0.08), (0.05, 0.3))
"""Share of pairs in which only the baseline has the event, and the difference: the limit."""
COUNTS = (10, 20, 50, 200)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit, with clusters ignored and as they are."""
    draws = 30 if quick else 300
    rows, broken = [], []
    for together in TOGETHER:
        alone, ours = (
            survey(_cells(together, clustered=clustered, quick=quick), draws)
            for clustered in (False, True)
        )
        shown = (alone.worst.passes, ours.worst.passes, ours.mean)
        covers = (ours.worst.cover90, ours.worst.cover95)
        rows.append((together, *map(percent, (*shown, *covers)), ours.where))
        broken.append(ours.worst.broken(f"pairs in clusters, {together}: {ours.where}"))
    columns = (
        "pairs in clusters that",
        "clusters ignored: wrong passes, at most",
        "ours, at most",
        "ours, on average",
        "ours: 90 % interval covers there",
        "95 % interval",
        "where ours is worst",
    )
    return (Table("clustered pairs", columns, tuple(rows), joined(broken)),)


def _cells(together: str, *, clustered: bool, quick: bool) -> dict[str, Cell]:
    counts, shapes = (COUNTS[:2], SHAPES[1:2]) if quick else (COUNTS, SHAPES[1:])
    return {
        f"{count} clusters of {shape}, limit {limit}, rate {rate}": _Cell(
            together, count, shape, (rate, limit), clustered
        )
        for count, shape, (rate, limit) in product(counts, shapes, TRUTHS)
    }


@dataclass(frozen=True)
class _Cell:
    """Data of one kind; the truth is the share of the baseline alone, and the difference."""

    together: str
    count: int
    shape: str
    truth: tuple[float, float]
    clustered: bool

    def __call__(self, draws: int, random: Generator) -> Tails:
        m = sizes(self.count, self.shape)
        rate, limit = self.truth
        shares = _shares(self.together, rate, limit, (draws, len(m)), random)
        gained = random.binomial(m, shares[0])
        rest = np.clip(shares[1] / np.maximum(1 - shares[0], 1e-12), 0, 1)
        lost = random.binomial(m - gained, rest)
        found = [self._inferred(b, c, m) for b, c in zip(gained, lost, strict=True)]
        return tails((one.p(limit, "below"), one.p(limit, "above")) for one in found)

    def _inferred(
        self, gained: NDArray[np.int64], lost: NDArray[np.int64], m: NDArray[np.int64]
    ) -> PairedShare:
        n, b, c = int(m.sum()), int(gained.sum()), int(lost.sum())
        pairs, sides = Pairs(n, b, c), (Proportion(n, b), Proportion(n, c))
        clusters = sums(gained - lost, m) if self.clustered else None
        return paired_share(PairedProportion(*sides, high=pairs, low=pairs, clusters=clusters))


def _shares(
    together: str, rate: float, limit: float, shape: tuple[int, int], random: Generator
) -> NDArray[np.float64]:
    """In each cluster, shares of pairs in which only the candidate, or the baseline, has it."""
    alike, truth = TOGETHER[together], np.array([rate + limit, rate, 1 - 2 * rate - limit])
    if alike is None:
        whole, rest = random.random(shape) < limit / 2, 1 - limit / 2
        gained = np.where(whole, 1.0, (rate + limit / 2) / rest)
        return np.stack([gained, np.where(whole, 0.0, rate / rest)])
    if alike == 0:
        return np.broadcast_to(truth[:2, None, None], (2, *shape))
    if alike == 1:
        drawn = random.random(shape)
        gained = drawn < rate + limit
        return np.stack([gained, (drawn < 2 * rate + limit) & ~gained]).astype(float)
    drawn = random.standard_gamma(np.maximum(truth * (1 / alike - 1), 1e-9), (*shape, 3))
    return np.moveaxis(drawn / drawn.sum(axis=-1, keepdims=True), -1, 0)[:2]
