"""Exact sums of columns, as the database gives them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np

from gatekeeper.core.observation import Sums

Columns = Sequence[Sequence[int] | np.ndarray]


def sums_of(
    *columns: Sequence[int] | np.ndarray,
    clusters: Sequence[int] | np.ndarray = (),
    names: Sequence[str] = (),
    groups: int = 4096,
) -> Sums:
    """Sums over clusters where they are given, and over samples otherwise.

    Totals over groups are made from a hash of each unit's name, which is its place unless `names`
    says otherwise; without `groups` nothing is known of skewness.
    """
    samples = [[int(value) for value in column] for column in columns]
    plain = _by_cluster(samples, clusters) if len(clusters) else samples
    units = len(plain[0])
    tied = all(len(set(column)) <= 1 for column in samples[:2])
    return Sums(
        units,
        tuple(map(sum, plain)),
        tuple(tuple(sum(a * b for a, b in zip(x, y, strict=True)) for y in plain) for x in plain),
        samples=len(samples[0]),
        tied=tied,
        groups=_grouped(plain, names or [str(n) for n in range(units)], groups) if groups else None,
        alone=sums_of(*columns, groups=0) if len(clusters) else None,
    )


def _by_cluster(samples: list[list[int]], clusters: Columns) -> list[list[int]]:
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    totals = [[0] * (int(place.max()) + 1) for _ in samples]
    for total, column in zip(totals, samples, strict=True):
        for at, value in zip(place.tolist(), column, strict=True):
            total[at] += value
    return totals


def _grouped(plain: list[list[int]], names: Sequence[str], groups: int) -> np.ndarray:
    place = [int.from_bytes(sha256(name.encode()).digest()[:4]) % groups for name in names]
    totals = np.zeros((groups, len(plain)), dtype=np.int64)
    np.add.at(totals, place, np.array(plain, dtype=np.int64).T)
    return totals
