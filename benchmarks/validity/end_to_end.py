"""Whole gates: samples drawn at the limits of rules, written as tables, sealed, read and decided.

The other studies ask the functions that decide. This one asks what a user gets, with the SQL that
finds out which samples are independent of each other.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import ALPHA, SIGMAS, Table, percent, random
from benchmarks.validity.tables_of_runs import Conversation, results_of
from scipy.special import ndtri

from gatekeeper.model.policy import GatePolicy
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.model.evalset import Suite

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


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes and wrong failures of whole gates, rule by rule."""
    draws, shapes = (10, SHAPES[1:2]) if quick else (120, SHAPES)
    found = {shape: rates(shape, draws) for shape in shapes}
    rows, broken = [], []
    for rule in RULES:
        told = [found[shape][rule] for shape in shapes]
        rows.append((rule, *(f"{percent(one.passes)}, {percent(one.fails)}" for one in told)))
        broken += [
            f"{rule}, samples {shape}: {percent(one.passes)} pass, {percent(one.fails)} fail"
            for shape, one in zip(shapes, told, strict=True)
            if max(one.passes, one.fails) > ALPHA + SIGMAS * math.sqrt(ALPHA * (1 - ALPHA) / draws)
        ]
    columns = ("wrong passes, wrong failures: samples", *shapes)
    return (Table("whole gates", columns, tuple(rows), tuple(broken)),)


@dataclass(frozen=True)
class Wrong:
    """How often a rule whose limit is the truth is decided nevertheless."""

    passes: float
    fails: float


def rates(shape: str, draws: int) -> dict[str, Wrong]:
    """Of every rule, over draws of samples of one shape."""
    generator = random(f"whole gates {shape}")
    rules = Policy(_policy()).rules
    names = dict(zip((rule.name for rule in rules), RULES, strict=True))
    found: dict[str, Counter[str]] = {name: Counter() for name in RULES}
    for begin in range(0, draws, AT_ONCE):
        together = range(min(AT_ONCE, draws - begin))
        told = (one for draw in together for one in conversations(shape, draw, generator))
        for rule, result in results_of(told, rules):
            found[names[rule.name]][result.outcome] += 1
    return {
        name: Wrong(counts["pass"] / counts.total(), counts["fail"] / counts.total())
        for name, counts in found.items()
    }


def conversations(shape: str, draw: int, generator: Generator) -> Iterator[Conversation]:
    """Both releases on 100 conversations of two turns, and on 100 requests under load."""
    for suite, fell_back, retried in _SUITES:
        places = _places(shape)
        units = [cluster or str(sample) for sample, _, cluster in places]
        candidate = np.array([_shared(units, generator) for _ in range(8)])
        again = generator.random(candidate.shape) < ALIKE
        baseline = np.where(again, candidate, generator.random(candidate.shape))
        for release, drawn in (("candidate", candidate), ("baseline", baseline)):
            for place, u in zip(places, drawn.T, strict=True):
                one = _conversation(suite, place, release, (fell_back, retried), u)
                yield replace(one, draw=draw)


def _conversation(
    suite: Suite,
    place: tuple[int, int, str | None],
    release: str,
    often: tuple[float, float],
    u: NDArray[np.float64],
) -> Conversation:
    sample, replicate, cluster = place
    new = release == "candidate"
    heavy = np.exp(SIGMA * ndtri(np.clip(u[:2], 1e-9, 1 - 1e-9))) / (1 if new else 1.1)
    return Conversation(
        suite=suite,
        sample=sample,
        release=release,
        replicate=replicate,
        cluster=cluster,
        usd=float(heavy[0]),
        seconds=float(heavy[1]),
        due=float(sample),
        resolved=bool(u[2] < (_RESOLVED if new else _BEFORE)),
        grounded=round(float(u[3] ** (1 / 4 if new else 3 / 17)), 6),
        correct=(bool(u[4] < 0.9), bool(u[5] < 0.9)),
        fell_back=bool(u[6] < often[0]),
        attempts=1 + int(u[7] < often[1]),
        turns=2 if suite == "quality" else 1,
    )


def _shared(units: list[str], generator: Generator) -> NDArray[np.float64]:
    """Numbers between 0 and 1, one a conversation, many of a unit the same."""
    of_unit = {unit: generator.random() for unit in dict.fromkeys(units)}
    alone = generator.random(len(units))
    alike = generator.random(len(units)) < ALIKE
    return np.where(alike, [of_unit[unit] for unit in units], alone)


def _places(shape: str) -> list[tuple[int, int, str | None]]:
    """Sample, replicate and cluster of 100 conversations."""
    match SHAPES.index(shape):
        case 0:
            return [(i, 0, None) for i in range(100)]
        case 1:
            return [(i, 0, f"c{i // 5}") for i in range(100)]
        case 2:
            return [(i, 0, f"c{i // 5}" if i < 50 else None) for i in range(100)]
        case 3:
            return [(i, j, None) for i in range(25) for j in range(4)]
        case _:
            return [(i, j, f"c{i // 5}") for i in range(50) for j in range(2)]


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
