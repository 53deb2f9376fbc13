"""Whole gates: conversations drawn at the limits of rules, observed and decided.

The other studies ask the functions that decide. This one begins with the conversations of a run, in
clusters and replicates. Of some draws the tables of the run are made too, and the SQL that finds
out which conversations are independent of each other has to give the same observations.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from benchmarks.validity import observed
from benchmarks.validity.study import ALPHA, SIGMAS, Table, percent, random
from benchmarks.validity.tables_of_runs import measured
from scipy.special import ndtri

from gatekeeper.core.measure import RELATIVE, good_side, infer
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Census, Missing
from gatekeeper.model.policy import GatePolicy
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Observation
    from gatekeeper.core.statistics.inference import Side
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import Rule

ALIKE = 0.7
"""Chance that a conversation goes as its cluster, or its sample, does; so too for the baseline."""
SIGMA = 0.8
SHAPES = (
    "that stand alone",
    "in 20 clusters of 5",
    "half of them in clusters of 5",
    "with 4 replicates",
    "in 10 clusters of 5, with 2 replicates",
)
AT_ONCE = 20
"""Draws that share one run."""
DRAWS, WORST = 1000, 5
"""In each cell; and cells that are drawn again."""
_SUITES: tuple[tuple[Suite, float, float], ...] = (("quality", 0.1, 0.3), ("load", 0.05, 0.1))
"""How often a conversation of each falls back to another tier, and is asked again."""
_MEAN = math.exp(SIGMA**2 / 2)
_RESOLVED, _BEFORE = 0.8, 0.85
_TOKEN = 1e-3
RULES: dict[str, tuple[str, str, float]] = {
    "resolved_rate": ("resolved_rate", "min", _RESOLVED),
    "resolved_rate, change": ("resolved_rate", "max_decrease", _BEFORE - _RESOLVED),
    "correctness, two scorers": ("correctness", "min", 0.81),
    "groundedness": ("groundedness", "min", 0.8),
    "groundedness, change": ("groundedness", "max_decrease", 0.05),
    "usd_per_resolved_request": ("usd_per_resolved_request", "max", _TOKEN * _MEAN / _RESOLVED),
    "usd_per_resolved_request, change": (
        "usd_per_resolved_request",
        "max_increase",
        1.1 * _BEFORE / _RESOLVED - 1,
    ),
    "fallback_rate, two suites": ("fallback_rate", "max", 0.075),
    "retry_amplification, two suites and turns": ("retry_amplification", "max", 34 / 30),
    "p50_latency": ("p50_latency", "max", 1000.0),
    "p95_latency": ("p95_latency", "max", 1000 * math.exp(SIGMA * float(ndtri(0.95)))),
    "p50_latency, change": ("p50_latency", "max_increase", 0.1),
}
"""Metric, test and the limit that is exactly the truth."""
OTHERS = (Census, Missing)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes and wrong failures of whole gates, rule by rule."""
    draws, shapes = (10, SHAPES[1:2]) if quick else (DRAWS, SHAPES)
    found = {shape: rates(shape, draws) for shape in shapes}
    columns = ("wrong passes, wrong failures: samples", *shapes)
    rows = tuple((rule, *(found[shape][rule].told for shape in shapes)) for rule in RULES)
    worst = sorted(
        ((found[shape][rule].most, rule, shape) for shape in shapes for rule in RULES), reverse=True
    )
    again = [_again(rule, shape, found[shape][rule], draws) for _, rule, shape in worst[:WORST]]
    broken = [name for name, _, one in again if one.most > ALPHA + SIGMAS * one.error]
    broken += [line for shape in shapes for line in differing(shape, 2 if quick else AT_ONCE)]
    heads = ("cell", f"in {draws:,} draws", f"in {10 * draws:,} others")
    return (
        Table("whole gates", columns, rows, tuple(broken)),
        Table("worst cells", heads, tuple((name, first, one.told) for name, first, one in again)),
    )


@dataclass(frozen=True)
class Wrong:
    """How often a rule whose limit is the truth is decided nevertheless."""

    draws: int
    passes: float
    fails: float

    @property
    def most(self) -> float:
        """The more frequent of both."""
        return max(self.passes, self.fails)

    @property
    def error(self) -> float:
        """Monte-Carlo standard error of a rate of alpha."""
        return math.sqrt(ALPHA * (1 - ALPHA) / self.draws)

    @property
    def told(self) -> str:
        """Both."""
        return f"{percent(self.passes)}, {percent(self.fails)}"


def rates(
    shape: str, draws: int, names: Sequence[str] = tuple(RULES), series: str = ""
) -> dict[str, Wrong]:
    """Of some rules, over draws of samples of one shape; another series is of other draws."""
    found: Counter[tuple[str, str]] = Counter()
    for begin in range(0, draws, AT_ONCE):
        found += outcomes(shape, range(begin, min(begin + AT_ONCE, draws)), names, series)
    return {
        name: Wrong(draws, found[name, "pass"] / draws, found[name, "fail"] / draws)
        for name in names
    }


def outcomes(
    shape: str, draws: range, names: Sequence[str], series: str = ""
) -> Counter[tuple[str, str]]:
    """How often each of some rules was shown to be met, or to be broken, in some draws."""
    told = conversations(shape, draws, random(f"whole gates {series} {shape} {draws.start}"))
    found: Counter[tuple[str, str]] = Counter()
    for trials in observed.draws(told).values():
        for name in names:
            found[name, _outcome(LIMITS[name], observed.observed(LIMITS[name], trials))] += 1
    return found


def _outcome(rule: Rule, seen: Observation) -> str:
    found = infer(rule, METRICS[rule.metric], seen) if not isinstance(seen, OTHERS) else None
    if found is None or rule.limit is None:
        raise TypeError(f"{rule.name} is not observed")
    bad: Side = "above" if good_side(rule) == "below" else "below"
    for outcome, side in (("pass", good_side(rule)), ("fail", bad)):
        p = found.p(rule.limit, side)
        if p is not None and p <= ALPHA:
            return outcome
    return "inconclusive"


def differing(shape: str, draws: int) -> list[str]:
    """Rules for which the tables of a run give another observation than is drawn here."""
    told = conversations(shape, range(draws), random(f"tables {shape}"))
    trials, run = observed.draws(told), measured(told)
    found = []
    for name, rule in LIMITS.items():
        metric, paired = METRICS[rule.metric], rule.test in RELATIVE
        seen = run.slices(metric, "tenant", paired=paired)
        same = (
            observed.alike(one, observed.observed(rule, trials[int(draw)]))
            for draw, one in seen.items()
        )
        if len(seen) != draws or not all(same):
            found.append(f"{name}, samples {shape}: the tables say otherwise")
    return found


def _again(rule: str, shape: str, first: Wrong, draws: int) -> tuple[str, str, Wrong]:
    """The worst of many cells is worst by chance too: ten times the draws, all of them others."""
    found = rates(shape, 10 * draws, (rule,), "again")
    return f"{rule}, samples {shape}", first.told, found[rule]


def conversations(shape: str, draws: range, generator: Generator) -> dict[str, NDArray[Any]]:
    """Both releases on 100 conversations of two turns, and on 100 requests under load."""
    found: list[dict[str, NDArray[Any]]] = []
    for suite, fell_back, retried in _SUITES:
        sample, replicate, cluster = _places(shape)
        candidate = _shared(sample, cluster, len(draws), generator)
        again = generator.random(candidate.shape) < ALIKE
        baseline = np.where(again, candidate, generator.random(candidate.shape))
        for new, u in ((True, candidate), (False, baseline)):
            size = u.shape[1:]
            one = _drawn(suite, u, (fell_back, retried), new=new)
            one |= {
                "draw": np.array(draws)[:, None],
                "sample": sample,
                "replicate": replicate,
                "cluster": cluster,
                "suite": np.array(suite),
                "candidate": np.array(new),
            }
            found.append({name: np.broadcast_to(x, size).ravel() for name, x in one.items()})
    return {name: np.concatenate([one[name] for one in found]) for name in found[0]}


def _drawn(
    suite: Suite, u: NDArray[np.float64], often: tuple[float, float], *, new: bool
) -> dict[str, NDArray[Any]]:
    """What came of conversations, from eight numbers between 0 and 1 for each."""
    heavy = np.exp(SIGMA * ndtri(np.clip(u[:2], 1e-9, 1 - 1e-9))) / (1 if new else 1.1)
    return {
        "usd": heavy[0],
        "seconds": heavy[1],
        "resolved": u[2] < (_RESOLVED if new else _BEFORE),
        "grounded": np.round(u[3] ** (1 / 4 if new else 3 / 17), 6),
        "facts": u[4] < 0.9,
        "number": u[5] < 0.9,
        "fell_back": u[6] < often[0],
        "attempts": 1 + (u[7] < often[1]),
        "turns": np.array(2 if suite == "quality" else 1),
    }


def _shared(
    sample: NDArray[np.int64], cluster: NDArray[np.str_], draws: int, generator: Generator
) -> NDArray[np.float64]:
    """Numbers between 0 and 1, eight a conversation in each draw, many of a unit the same."""
    names = np.where(cluster == "", sample.astype(str), cluster)
    unit = np.unique(names, return_inverse=True)[1]
    of_unit = generator.random((8, draws, int(unit.max()) + 1))[:, :, unit]
    alike, alone = generator.random((2, 8, draws, len(unit)))
    return np.where(alike < ALIKE, of_unit, alone)


def _places(shape: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.str_]]:
    """Sample, replicate and cluster of 100 conversations."""
    i, none = np.arange(100), np.zeros(100, np.int64)
    fives = np.array([f"c{number // 5}" for number in range(100)])
    match SHAPES.index(shape):
        case 0:
            return i, none, np.full(100, "")
        case 1:
            return i, none, fives
        case 2:
            return i, none, np.where(i < 50, fives, "")
        case 3:
            return i // 4, i % 4, np.full(100, "")
        case _:
            return i // 2, i % 2, fives[i // 2]


def _policy() -> GatePolicy:
    rules = tuple(
        {"name": f"rule_{number}", "metric": metric, test: limit}
        for number, (metric, test, limit) in enumerate(RULES.values())
    )
    return GatePolicy.model_validate(
        {
            "apiVersion": "gatekeeper/v1",
            "kind": "GatePolicy",
            "metadata": {"name": "limits", "owner": "study", "effective": "2026-11-01"},
            "sections": {"quality": {"rules": rules}},
        }
    )


LIMITS = dict(zip(RULES, Policy(_policy()).rules, strict=True))
