"""Latencies that do not wait for each other, and the table that studies of latencies print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import Rates, Table, percent, random, tails
from scipy.special import ndtri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.validity.study import Tails
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Inference

    Draw = Callable[[str, int, int, Generator], NDArray[np.int64]]
    """Latencies of a kind: so many draws of so many requests."""
    Ask = Callable[[NDArray[np.int64], str, float], tuple[Inference, Inference, float]]
    """Of one draw and a quantile: taken as independent, ours, and the truth."""

UNIT = 1e5
"""Microseconds in the unit that latencies are drawn in."""
PLAIN = ("independent", "alike in time (0.7)")
QUANTILES = (0.5, 0.95)
_SPREAD = 0.5
_NOISE = 0.1
_SLOW = 0.4


def table(
    name: str, kinds: Mapping[str, tuple[int, ...]], draw: Draw, ask: Ask, draws: int
) -> Table:
    """Wrong passes at the limit: of requests taken as independent, and ours.

    Args:
        name: Of its place.
        kinds: Kinds of requests, each with how many there are.
        draw: Makes them.
        ask: Both methods.
        draws: Of each kind and size.
    """
    rows, broken = [], []
    for kind, sizes in kinds.items():
        told = []
        for n in sizes:
            found = _rates(kind, draw(kind, draws, n, random(f"{kind} {n}")), ask)
            told += [f"{percent(alone.passes, 0)}, {percent(ours.passes)}" for alone, ours in found]
            for p, (_, ours) in zip(QUANTILES, found, strict=True):
                broken.extend(ours.broken(f"{name}, {kind}, {n:,}, p{100 * p:g}"))
        rows.append((kind, " / ".join(f"{n:,}" for n in sizes), *told))
    runs = ("short", "longer", "long")[: (len(rows[0]) - 2) // len(QUANTILES)]
    columns = [f"p{100 * p:g}, {run}" for run in runs for p in QUANTILES]
    return Table(name, ("as independent, ours", "requests", *columns), tuple(rows), tuple(broken))


def _rates(kind: str, drawn: NDArray[np.int64], ask: Ask) -> list[tuple[Rates, Rates]]:
    """For each quantile: how often both methods are wrong."""
    found = []
    for p in QUANTILES:
        asked = [ask(each, kind, p) for each in drawn]
        found.append(tuple(Rates.of(_tails(asked, which)) for which in (0, 1)))
    return found  # type: ignore[return-value]


def _tails(asked: list[tuple[Inference, Inference, float]], which: int) -> Tails:
    return tails(
        (one[which].p(one[2], "below"), one[which].p(one[2], "above"))  # type: ignore[union-attr]
        for one in asked
    )


def plain(kind: str, draws: int, n: int, numbers: Generator) -> NDArray[np.float64]:
    """Latencies of two releases for the same requests, shape (draws, 2, n)."""
    hard = _SPREAD * numbers.normal(size=(draws, 1, n))
    if kind == PLAIN[0]:
        return np.exp(hard + _NOISE * numbers.normal(size=(draws, 2, n)))
    return np.exp(hard + _SLOW * _series(draws, n, numbers))


def plain_truth(kind: str, p: float) -> float:
    """The quantile of one release."""
    spread = math.hypot(_SPREAD, _NOISE if kind == PLAIN[0] else _SLOW)
    return math.exp(spread * float(ndtri(p)))


def _series(draws: int, n: int, numbers: Generator, alike: float = 0.7) -> NDArray[np.float64]:
    """Normal numbers that follow each other with that correlation."""
    found = numbers.normal(size=(draws, 2, n))
    for place in range(1, n):
        found[..., place] *= math.sqrt(1 - alike**2)
        found[..., place] += alike * found[..., place - 1]
    return found
