"""Whether the size that an inconclusive pilot of 20 samples asks for then settles the rule.

A pilot is drawn from a known truth. Where it does not settle the rule by itself, the samples that
it asks for are drawn from the same truth, and are asked in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.heavy import sums
from benchmarks.validity.study import ALPHA, Table, percent, random

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion
from gatekeeper.core.statistics.inference import POWER
from gatekeeper.core.statistics.pairs import paired_share
from gatekeeper.core.statistics.ratios import ratio_change, ratio_of
from gatekeeper.core.statistics.shares import share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator

    from gatekeeper.core.statistics.inference import Inference

    Draw = Callable[[Generator, int, float], Inference]

PILOT = 20
MOST = 20_000
"""Samples that are drawn where more are asked for."""
USD, SIGMA, ALIKE, DIFFER = 1e6, 0.5, 0.3, 0.1


@dataclass(frozen=True)
class Planned:
    """A rule, its limit, and truths: some, and an interval any of which may be the truth."""

    draw: Draw
    limit: float
    truths: tuple[float, ...]
    anywhere: tuple[float, float]


def _change(generator: Generator, n: int, truth: float) -> Inference:
    hard = generator.lognormal(0, SIGMA, n)
    usd = USD * hard * generator.lognormal(0, ALIKE, (2, n))
    one = np.full(n, int(USD))
    return _known(
        ratio_change(sums(np.stack([usd[0] * (1 + truth), one, usd[1], one]).astype(int)))
    )


def _cost(generator: Generator, n: int, truth: float) -> Inference:
    usd = USD * truth * generator.lognormal(-(SIGMA**2) / 2, SIGMA, n)
    return _known(ratio_of(sums(np.stack([usd, np.full(n, USD)]).astype(int))))


def _share(generator: Generator, n: int, truth: float) -> Inference:
    return share(Proportion(n, int(generator.binomial(n, truth))))


def _pairs(generator: Generator, n: int, truth: float) -> Inference:
    differ = max(DIFFER, abs(truth))
    b, c, _ = generator.multinomial(n, [(differ + truth) / 2, (differ - truth) / 2, 1 - differ])
    pairs = Pairs(n, int(b), int(c))
    return paired_share(PairedProportion(Proportion(n, b), Proportion(n, c), high=pairs, low=pairs))


RULES = {
    "cost, at most 1": Planned(_cost, 1.0, (0.75, 0.9, 1.3), (0.4, 1.6)),
    "change of a cost, at most +10 %": Planned(_change, 0.1, (0.0, 0.05, 0.3), (-0.35, 0.55)),
    "share, at most 18 %": Planned(_share, 0.18, (0.05, 0.12, 0.3), (0.0, 0.5)),
    "change of a share, at most +5 points": Planned(_pairs, 0.05, (0.0, 0.02, 0.15), (-0.2, 0.3)),
}


def tables(*, quick: bool) -> tuple[Table, ...]:
    """How often sizes settle: planned for the estimate, and for what the pilot leaves possible."""
    pilots = 8 if quick else 1000
    rows, broken = [], []
    for name, rule in RULES.items():
        for low, high in (*((truth, truth) for truth in rule.truths), rule.anywhere):
            found = np.array(list(_pilots(rule, (low, high), pilots, random(f"{name} {low}"))))
            truth = f"{low:g}" if low == high else f"anywhere from {low:g} to {high:g}"
            settled = found[:, [1, 3]].mean(axis=0)
            sizes = np.median(found[:, [0, 2]], axis=0)
            told = [f"{sizes[i]:,.0f}, {percent(settled[i])}" for i in (0, 1)]
            rows.append((f"{name}; truth {truth}", percent(len(found) / pilots), *told))
            error = 3 * (POWER * (1 - POWER) / len(found)) ** 0.5
            if low != high and settled[1] < POWER - error:
                broken.append(f"pilots of {name}: {percent(settled[1])} settle")
    columns = (
        f"rule, after {PILOT} samples",
        "inconclusive by then",
        "asked if the truth is the estimate (median), settle it",
        "asked by us (median), settle it",
    )
    return (Table("pilots", columns, tuple(rows), tuple(broken)),)


def _pilots(
    rule: Planned, truths: tuple[float, float], pilots: int, generator: Generator
) -> Iterator[tuple[float, bool, float, bool]]:
    """Of each inconclusive pilot both sizes, and whether as many samples settle the rule."""
    for _ in range(pilots):
        truth = float(generator.uniform(*truths))
        found = rule.draw(generator, PILOT, truth)
        if _settled(found, rule.limit):
            continue
        told: list[float] = []
        for size in (found.needed(rule.limit, ALPHA), found.settling(rule.limit, ALPHA)):
            n = min(size or MOST, MOST)
            told += [size or np.inf, _settled(rule.draw(generator, n, truth), rule.limit)]
        yield told[0], bool(told[1]), told[2], bool(told[3])


def _settled(found: Inference, limit: float) -> bool:
    low, high = found.bounds(ALPHA)
    return (high is not None and high <= limit) or (low is not None and low > limit)


def _known(found: Inference | None) -> Inference:
    if found is None:
        raise ValueError("costs are above zero")
    return found
