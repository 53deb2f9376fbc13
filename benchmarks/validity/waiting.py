"""Latencies of a queue in its steady state: how long requests wait behind each other."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import random

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

BUSY = (0.3, 0.5, 0.7, 0.85, 0.95)
QUEUES = ("M/M/1", "heavy tails", "bursts")
"""Exponential service; lognormal, whose variance is 8.5 times the squared mean; requests that
come six times as fast, then as slow, for 20 at a time, with exponential service."""
_TAIL = 1.5
_BURST = 20
_GAPS = (0.3, 1.7)
_CHUNK = 50
_MANY = 4_000_000


def sojourns(kind: str, busy: float, draws: int, n: int, numbers: Generator) -> NDArray[np.float64]:
    """Times from arrival to answer, shape (draws, n); one request arrives in a unit of time."""
    parts = [
        _sojourns(kind, busy, min(_CHUNK, draws - first), n, numbers)
        for first in range(0, draws, _CHUNK)
    ]
    return np.concatenate(parts)


@lru_cache
def truth(kind: str, busy: float, p: float) -> float:
    """The quantile of the steady state: by formula, of independent draws, or of a long run."""
    if kind == "M/M/1":
        return -math.log(1 - p) / (1 / busy - 1)
    numbers = random(f"truth {kind} {busy}")
    if kind == "bursts":
        found = sojourns(kind, busy, 200, _MANY // 200, numbers).ravel()
    else:
        found = _waits(kind, busy, _MANY, numbers) + busy * _services(kind, (_MANY,), numbers)
    return float(np.quantile(found, p))


def _sojourns(
    kind: str, busy: float, draws: int, n: int, numbers: Generator
) -> NDArray[np.float64]:
    """Lindley's recursion, W' = max(W + S - A, 0), as a walk above its lowest point."""
    warm = int(80 / (1 - busy) ** 2) if kind == "bursts" else 0
    shape = (draws, n + warm)
    service = busy * _services(kind, shape, numbers)
    steps = service[:, :-1] - _gaps(kind, shape, numbers)[:, 1:]
    start = _waits(kind, busy, draws, numbers)[:, None]
    walk = np.concatenate([start, start + np.cumsum(steps, axis=1)], axis=1)
    waits = walk - np.minimum(np.minimum.accumulate(walk, axis=1), 0)
    return (waits + service)[:, warm:]


def _services(kind: str, shape: tuple[int, ...], numbers: Generator) -> NDArray[np.float64]:
    """Of mean one."""
    if kind == "heavy tails":
        return numbers.lognormal(-(_TAIL**2) / 2, _TAIL, shape)
    return numbers.exponential(1, shape)


def _gaps(kind: str, shape: tuple[int, int], numbers: Generator) -> NDArray[np.float64]:
    """Of mean one."""
    gaps = numbers.exponential(1, shape)
    if kind != "bursts":
        return gaps
    turns = np.cumsum(numbers.random(shape) < 1 / _BURST, axis=1)
    return gaps * np.take(_GAPS, (turns + numbers.integers(0, 2, (shape[0], 1))) % 2)


def _waits(kind: str, busy: float, draws: int, numbers: Generator) -> NDArray[np.float64]:
    """Waits in the steady state, a geometric number of residual services: Pollaczek, Khinchine."""
    many = numbers.geometric(1 - busy, draws) - 1
    size = int(many.sum())
    if kind == "heavy tails":
        residual = numbers.random(size) * numbers.lognormal(_TAIL**2 / 2, _TAIL, size)
    else:
        residual = numbers.exponential(1, size)
    owner = np.repeat(np.arange(draws), many)
    return busy * np.bincount(owner, weights=residual, minlength=draws)
