"""Whether the size that a rule is told to need has the power that is promised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.draws import events, sizes, sums
from benchmarks.validity.judged import calibrated
from benchmarks.validity.study import ALPHA, Table, percent, random
from scipy.stats import binom

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion
from gatekeeper.core.statistics.corrected import corrected
from gatekeeper.core.statistics.pairs import paired_share
from gatekeeper.core.statistics.shares import share

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.statistics.inference import Inference, Side

FACTORS = (0.5, 1.0, 2.0)
JUDGE = (0.9, 0.98)
LEAST = 75
"""Power in percent that the printed size has at least, where 80 is what it is printed for."""


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Power at half, at all and at double of the printed size; and at the detectable truth."""
    draws = 60 if quick else 1000
    rows = [
        *(_exact(*each) for each in ((0.0, 0.005), (0.01, 0.03), (0.12, 0.18), (0.85, 0.78))),
        *(_clustered(*each, draws) for each in (("fail each alone", 0.1), _ALIKE)),
        *(_paired(*each, draws) for each in ((0.0, 0.02), (0.0, 0.05), (0.1, 0.05))),
        *(_judged(*each, draws // 4) for each in ((0.1, 0.18), (0.3, 0.2))),
    ]
    columns = (
        "rule, and the truth",
        "size that is printed",
        *(f"power at {factor:g} of it" for factor in FACTORS),
    )
    weak = [row[0] for row in rows if float(row[3].rstrip(" %")) < (0 if quick else LEAST)]
    return (Table("planned sizes", columns, tuple(rows), tuple(f"weak: {name}" for name in weak)),)


_ALIKE = ("are alike (ICC 0.3)", 0.1)


def _row(name: str, needed: int | None, power: Callable[[int], float]) -> tuple[str, ...]:
    if needed is None:
        return name, "none would", *("" for _ in FACTORS)
    return name, f"{needed:,}", *(percent(power(round(needed * each)), 0) for each in FACTORS)


def _exact(truth: float, limit: float) -> tuple[str, ...]:
    seen, side = share(Proportion(10_000, round(truth * 10_000))), _side(truth, limit)

    def power(n: int) -> float:
        if side == "above":
            return _shown(n, 1 - truth, 1 - limit)
        return _shown(n, truth, limit)

    return _row(f"share, limit {limit}, truth {truth}", seen.needed(limit, ALPHA), power)


def _shown(n: int, truth: float, limit: float) -> float:
    """By enumeration, without the code that plans."""
    events = np.arange(n + 1)
    passing = binom.cdf(events, n, limit) <= ALPHA
    return float(binom.pmf(events, n, truth)[passing].sum())


def _clustered(together: str, truth: float, draws: int) -> tuple[str, ...]:
    """From a pilot of 40 clusters of 10; then simulated with as many clusters as are needed."""
    limit, m = 0.18, sizes(40, "10")
    pilots = [_in_clusters(y, m) for y in events(together, truth, m, 25, random(together))]
    alike = [one for one in pilots if abs(one.value - truth) < 0.01]
    needed = int(np.median([one.needed(limit, ALPHA) or 0 for one in alike]))

    def power(n: int) -> float:
        m = sizes(max(n // 10, 2), "10")
        drawn = events(together, truth, m, draws, random(f"{together} {n}"))
        return _passing((_in_clusters(y, m) for y in drawn), limit, "below")

    return _row(f"clusters of 10 that {together}, limit {limit}, truth {truth}", needed, power)


def _in_clusters(y, m):  # noqa: ANN001, ANN202 - arrays of whole numbers
    return share(Proportion(int(m.sum()), int(y.sum()), clusters=sums(y, m)))


def _paired(truth: float, limit: float, draws: int) -> tuple[str, ...]:
    rate, side = 0.1 + abs(truth), _side(truth, limit)
    shares = [(rate + truth) / 2, (rate - truth) / 2, 1 - rate]
    pilot = [round(1000 * each) for each in shares]

    def power(n: int) -> float:
        drawn = random(f"pairs {truth} {n}").multinomial(n, shares, draws)
        return _passing((_pairs(n, int(b), int(c)) for b, c, _ in drawn), limit, side)

    needed = _pairs(1000, *pilot[:2]).needed(limit, ALPHA)
    return _row(f"pairs, limit {limit}, truth {truth}", needed, power)


def _pairs(n: int, b: int, c: int) -> Inference:
    pairs = Pairs(n, b, c)
    return paired_share(PairedProportion(Proportion(n, b), Proportion(n, c), high=pairs, low=pairs))


def _judged(truth: float, limit: float, draws: int) -> tuple[str, ...]:
    labels, called = 500, truth * JUDGE[0] + (1 - truth) * (1 - JUDGE[1])
    side, judge = _side(truth, limit), calibrated(500, (1.0, 1.0), random("judge"))
    judge = judge.model_copy(
        update={
            "true_events": round(labels * JUDGE[0]),
            "missed_events": labels - round(labels * JUDGE[0]),
            "true_others": round(labels * JUDGE[1]),
            "false_events": labels - round(labels * JUDGE[1]),
        }
    )
    needed = corrected(Proportion(10_000, round(10_000 * called)), judge).needed(limit, ALPHA)

    def power(n: int) -> float:
        drawn = random(f"judged {truth} {n}").binomial(n, called, draws)
        found = {int(k): corrected(Proportion(n, int(k)), judge) for k in set(drawn)}
        return _passing((found[int(k)] for k in drawn), limit, side)

    return _row(f"judged share, limit {limit}, truth {truth}", needed, power)


def _passing(found, limit: float, side: Side) -> float:  # noqa: ANN001 - inferences
    return float(np.mean([(p := one.p(limit, side)) is not None and p <= ALPHA for one in found]))


def _side(truth: float, limit: float) -> Side:
    return "below" if truth < limit else "above"
