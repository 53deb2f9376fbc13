"""Changes of a quantile of latencies, of releases that wait in one queue or each in its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.latencies import PLAIN, UNIT, plain, table
from benchmarks.validity.waiting import sojourns

from gatekeeper.core.observation import Times
from gatekeeper.core.statistics.bootstrap import Draws, resampled
from gatekeeper.core.statistics.duration_changes import quantile_change
from gatekeeper.core.statistics.resampling import weights
from gatekeeper.core.statistics.student import Student

if TYPE_CHECKING:
    from benchmarks.validity.study import Table
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.statistics.inference import Inference

OWN = {
    f"each in its own queue: {kind}, {100 * busy:.0f} % busy": (kind, busy)
    for kind, busy in (
        ("M/M/1", 0.3),
        ("M/M/1", 0.5),
        ("heavy tails", 0.3),
        ("bursts", 0.3),
    )
}
BOTH = {f"both in one queue: M/M/1, {100 * busy:.0f} % busy": busy for busy in (0.5, 0.95)}
SIZES = (200, 1000, 2000)
FEW = (100, 300, 1000)
DRAWS = 120
PLAIN_REPLICATES = 200
PLAN = Student(value=0.0, n=2, method="", stderr=1.0, units=2, scale="log change")


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit of a release that is compared with itself."""
    kinds = dict.fromkeys(PLAIN, FEW) | dict.fromkeys((*OWN, *BOTH), SIZES)
    if quick:
        kinds = {kind: sizes[:1] for kind, sizes in kinds.items()}
    return (table("quantile changes", kinds, _latencies, _asked, 10 if quick else DRAWS),)


def _asked(times: NDArray[np.int64], _kind: str, p: float) -> tuple[Inference, Inference, float]:
    alone = resampled(PLAN, (Draws(np.sort(_pairs(times, p)), len(times[0]) - 1),), "")
    return alone, quantile_change(Times(*times), p), 0.0


def _pairs(times: NDArray[np.int64], p: float) -> NDArray[np.float64]:
    """Changes of a bootstrap that draws pairs one by one."""
    n = times.shape[1]
    drawn = weights(n)[:, :PLAIN_REPLICATES]
    target = np.ceil(p * drawn.sum(axis=0, dtype=np.int64))
    tops = []
    for side in times:
        order = np.argsort(side)
        reached = np.cumsum(drawn[order], axis=0, dtype=np.int32)
        tops.append(side[order][np.minimum((reached < target).sum(axis=0), n - 1)])
    return tops[0] / tops[1] - 1


def _latencies(kind: str, draws: int, n: int, numbers: Generator) -> NDArray[np.int64]:
    """Of two releases for the same requests, shape (draws, 2, n)."""
    if kind in OWN:
        found = sojourns(*OWN[kind], 2 * draws, n, numbers).reshape(draws, 2, n)
    elif kind in BOTH:
        turns = sojourns("M/M/1", BOTH[kind], draws, 2 * n, numbers).reshape(draws, n, 2)
        found = np.swapaxes(numbers.permuted(turns, axis=2), 1, 2)
    else:
        found = plain(kind, draws, n, numbers)
    return (UNIT * found).astype(np.int64)
