"""Quantiles of latencies of one release, whose requests wait behind each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.latencies import PLAIN, UNIT, plain, plain_truth, table
from benchmarks.validity.study import ALPHA, Table, percent, random
from benchmarks.validity.waiting import BUSY, QUEUES, sojourns, truth

from gatekeeper.core.observation import Times
from gatekeeper.core.statistics.durations import OrderStatistics, quantile_of, rank

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Inference

KINDS = {f"{kind}, {100 * busy:.0f} % busy": (kind, busy) for kind in QUEUES for busy in BUSY}
SIZES = (500, 2000, 20_000)
FEW = (100, 300, 1000)
FARTHER = 1.5
DRAWS = 120


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit, and how often a run is long enough to tell anything."""
    kinds = dict.fromkeys(PLAIN, FEW) | dict.fromkeys(KINDS, SIZES)
    if quick:
        kinds = {kind: sizes[:1] for kind, sizes in kinds.items()}
    draws = 10 if quick else DRAWS
    return table("quantiles", kinds, _latencies, _asked, draws), _long_enough(quick=quick)


def _asked(times: NDArray[np.int64], kind: str, p: float) -> tuple[Inference, Inference, float]:
    ordered, n = np.sort(times), len(times)
    value = float(ordered[rank(n, p)])
    alone = OrderStatistics(value=value, n=n, method="", ordered=ordered, quantile=p)
    return alone, quantile_of(Times(times), p), _truth(kind, p)


def _long_enough(*, quick: bool) -> Table:
    """How often a p95 has bounds, and is shown to be well within a limit, or well beyond it."""
    sizes, draws = (SIZES[:1], 5) if quick else (SIZES, DRAWS // 2)
    columns = ("bounds, passes, fails", *(f"{n:,} requests" for n in sizes))
    rows = [(kind, *(_told(kind, n, draws) for n in sizes)) for kind in KINDS]
    return Table("long enough", columns, tuple(rows))


def _told(kind: str, n: int, draws: int) -> str:
    limit, told = _truth(kind, 0.95), []
    for times in _latencies(kind, draws, n, random(f"shown {kind} {n}")):
        low, high = quantile_of(Times(times), 0.95).bounds(ALPHA)
        known = low is not None and high is not None
        told.append((known, known and high <= FARTHER * limit, known and low > limit / FARTHER))
    return ", ".join(percent(share, 0) for share in np.mean(told, axis=0).tolist())


def _truth(kind: str, p: float) -> float:
    return UNIT * (plain_truth(kind, p) if kind in PLAIN else truth(*KINDS[kind], p))


def _latencies(kind: str, draws: int, n: int, numbers: Generator) -> NDArray[np.int64]:
    """Of one release, shape (draws, n)."""
    if kind in PLAIN:
        found = plain(kind, draws, n, numbers)[:, 0]
    else:
        found = sojourns(*KINDS[kind], draws, n, numbers)
    return (UNIT * found).astype(np.int64)
