"""Whole policies: a release against itself, ten rules at once, and slices of which one is bad."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import ALPHA, Table, percent, random
from scipy.special import ndtr
from scipy.stats import binom

from gatekeeper.adapters import yaml
from gatekeeper.core.correction import corrected
from gatekeeper.core.decide import decide
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import (
    Census,
    PairedProportion,
    Pairs,
    Proportion,
    Sums,
    Times,
)
from gatekeeper.core.results import overall
from gatekeeper.core.slicing import decide_slices
from gatekeeper.model.policy import GatePolicy, Rule
from gatekeeper.ops.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from gatekeeper.core.observation import Observation
    from gatekeeper.model.policy import Multiplicity
    from gatekeeper.model.verdict import RuleResult

ROOT = Path(__file__).resolve().parents[2]
DIFFER = (0.0, 0.02, 0.05)
"""Share of the answers that two evaluations of the same release decide differently."""
CORRECTIONS: tuple[Multiplicity, ...] = ("none", "holm", "benjamini_hochberg")
_RESOLVED = 0.93
_SLICINGS = ("every", "worst")
_LIMIT, _N, _RULES, _SLICED = 0.18, 300, 10, 5
_MAXIMUM = Rule(
    name="quality.follow_up_ratio_max",
    section="quality",
    metric="follow_up_ratio",
    test="max",
    limit=_LIMIT,
)


def tables(*, quick: bool) -> tuple[Table, ...]:
    """The gate of the example against itself, corrections, slices, and corrections of slices."""
    draws = 3 if quick else 1000
    some = 2 * draws // 5
    return (_twins(draws), _corrections(4 * draws), _slices(2 * draws), _sliced_rules(some))


# -- a release against itself ---------------------------------------------------------------------


def _twins(draws: int) -> Table:
    rules = _of_example()
    found = {share: _blocked(rules, share, draws) for share in DIFFER}
    names = [_short(rule.name) for rule in rules]
    rows = [
        (name, *(_told(found[share], name, draws) for share in DIFFER))
        for name in [*names, "the whole policy"]
    ]
    wrong = {name: max(found[share][name, "fail"] for share in DIFFER) / draws for name in names}
    allowed = ALPHA + 3 * (ALPHA * (1 - ALPHA) / draws) ** 0.5
    broken = [f"twins: {name} fails {percent(p)}" for name, p in wrong.items() if p > allowed]
    columns = (
        "fails, inconclusive",
        *(f"{percent(share, 0)} of the answers differ" for share in DIFFER),
    )
    return Table("twins", columns, tuple(rows), tuple(broken))


def _told(found: Counter[tuple[str, str]], name: str, draws: int) -> str:
    fail, open_ = (found[name, outcome] / draws for outcome in ("fail", "inconclusive"))
    return f"{percent(fail)}, {percent(open_)}"


def _short(name: str) -> str:
    return name.rsplit(".", maxsplit=1)[-1]


def _of_example() -> tuple[Rule, ...]:
    read = yaml.read(ROOT / "gates/support-desk.yaml", GatePolicy, root=ROOT)
    return Policy(read.value).rules


def _blocked(rules: Sequence[Rule], differ: float, draws: int) -> Counter[tuple[str, str]]:
    generator = random(f"twins {differ}")
    found: Counter[tuple[str, str]] = Counter()
    for _ in range(draws):
        seen = _twin(differ, generator)
        results = [decide(rule, METRICS[rule.metric], seen[rule.name]) for rule in rules]
        found.update(
            (rule.name.split(".")[-1], one.outcome)
            for rule, one in zip(rules, results, strict=True)
        )  # type: ignore[misc]
        found["the whole policy", overall(results)] += 1
    return found


def _twin(differ: float, generator: Generator) -> Mapping[str, Observation]:
    """What a good release shows beside itself, in samples as the example has them."""
    n = 300
    resolved, anew = generator.random((2, n)) < _RESOLVED
    # Two evaluations of a sample that go by chance differ in 2 p (1 - p) of all cases.
    by_chance = generator.random(n) < differ / (2 * _RESOLVED * (1 - _RESOLVED))
    other = np.where(by_chance, anew, resolved)
    usd = np.round(1e6 * generator.lognormal(0, 0.5, n)).astype(np.int64)
    usd_other = np.round(usd * generator.lognormal(0, differ, n)).astype(np.int64)
    gained, lost = int((resolved & ~other).sum()), int((other & ~resolved).sum())
    pairs = Pairs(n, gained, lost)
    slow = 20_000 * generator.lognormal(0, 0.3, 200)
    times = [np.round(slow * generator.lognormal(0, 0.1, 200)).astype(np.int64) for _ in "ab"]
    attempts = 1 + (generator.random(1850) < 0.01)
    return {
        "security.policy_violation_rate_max": Proportion(750, 0),
        "security.forbidden_tool_call": Census(750, 0),
        "quality.resolved_rate_min": Proportion(n, int(resolved.sum())),
        "quality.follow_up_ratio_max": Proportion(n, int(generator.binomial(n, 0.1))),
        "quality.false_refusal_rate_max": Proportion(n, int(generator.binomial(n, 0.003))),
        "quality.structured_output_conformance_min": Proportion(n, n),
        "quality.resolved_rate_max_decrease": PairedProportion(
            Proportion(n, int(resolved.sum())), Proportion(n, int(other.sum())), pairs, pairs
        ),
        "reliability.p95_latency_max_increase": Times(*times),
        "reliability.retry_amplification_max": _sums([attempts, np.ones_like(attempts)]),
        "cost.usd_per_resolved_request_max_increase": _sums(
            [usd, resolved.astype(np.int64), usd_other, other.astype(np.int64)]
        ),
    }


def _sums(columns: Sequence[NDArray[np.int64]]) -> Sums:
    rows = [[int(value) for value in column] for column in columns]
    products = tuple(tuple(sum(map(int.__mul__, x, y)) for y in rows) for x in rows)
    groups = np.array(rows, dtype=np.int64).T
    return Sums(len(rows[0]), tuple(map(sum, rows)), products, groups=groups)


# -- many rules -----------------------------------------------------------------------------------


def _corrections(draws: int) -> Table:
    rows, broken = [], []
    for alike in (0.0, 0.5, 0.9):
        failing = {method: _any_fails(alike, method, draws) for method in CORRECTIONS}
        passing = _all_pass(alike, draws)
        rows.append(
            (f"{alike:g}", *(percent(failing[one]) for one in CORRECTIONS), percent(passing))
        )
        allowed = ALPHA + 3 * (ALPHA * (1 - ALPHA) / draws) ** 0.5
        if max(failing["holm"], failing["benjamini_hochberg"], passing) > allowed:
            broken.append(f"ten rules, correlation {alike}: {rows[-1]}")
    columns = (
        "correlation of the rules",
        "all ten at their limits: any fails, uncorrected",
        "holm: any fails",
        "benjamini_hochberg: any fails",
        "one at its limit, nine good: the policy passes",
    )
    return Table("ten rules", columns, tuple(rows), tuple(broken))


def _any_fails(alike: float, method: Multiplicity, draws: int) -> float:
    events = _events([_LIMIT] * _RULES, alike, draws, random(f"ten rules {alike}"))
    return float(np.mean(["fail" in _outcomes(row, method) for row in events]))


def _all_pass(alike: float, draws: int) -> float:
    shares = [_LIMIT, *[0.12] * (_RULES - 1)]
    events = _events(shares, alike, draws, random(f"one bad {alike}"))
    return float(np.mean([_outcomes(row, "none") == {"pass"} for row in events]))


def _events(
    shares: Sequence[float], alike: float, draws: int, generator: Generator
) -> NDArray[np.int64]:
    """Events of rules on the same samples, as correlated as is said; one row a draw."""
    common = generator.standard_normal((draws, 1)) * alike**0.5
    z = common + generator.standard_normal((draws, len(shares))) * (1 - alike) ** 0.5
    found: NDArray[np.int64] = binom.ppf(ndtr(z), _N, np.array(shares)).astype(np.int64)
    return found


def _outcomes(events: NDArray[np.int64], method: Multiplicity) -> set[str]:
    found = [_decided(int(count)) for count in events]
    return {one.outcome for one in corrected([_MAXIMUM] * len(found), found, method)}


@cache
def _decided(events: int) -> RuleResult:
    return decide(_MAXIMUM, METRICS[_MAXIMUM.metric], Proportion(_N, events))


# -- slices ---------------------------------------------------------------------------------------


def _slices(draws: int) -> Table:
    rows, broken = [], []
    for n in (8, 20, 50, 200):
        hidden = [_hidden(n, slicing) for slicing in _SLICINGS]
        fails = [_fails(n, slicing, draws) for slicing in _SLICINGS]
        rows.append((f"{n}", *map(percent, (*hidden, *fails))))
        allowed = ALPHA + 3 * (ALPHA * (1 - ALPHA) / draws) ** 0.5
        if max(hidden) > ALPHA or max(fails) > allowed:
            broken.append(f"slices of {n}: {rows[-1]}")
    columns = (
        "samples of a slice",
        "one at the limit, seven good: `every` passes",
        "`worst` passes",
        "all eight at the limit: `every` fails",
        "`worst` fails",
    )
    return Table("slices", columns, tuple(rows), tuple(broken))


def _sliced_rules(draws: int) -> Table:
    """Five rules of four slices each: how often any of the twenty is found to be broken."""
    rows, broken = [], []
    allowed = ALPHA + 3 * (ALPHA * (1 - ALPHA) / draws) ** 0.5
    for slicing in _SLICINGS:
        found = [_any_slice_fails(slicing, draws, at_limit) for at_limit in (_SLICED, 1)]
        rows.append(
            (
                slicing,
                *(percent(found[0][one]) for one in CORRECTIONS),
                *(percent(found[1][one]) for one in CORRECTIONS[1:]),
            )
        )
        worst = max(found[0]["holm"], found[0]["benjamini_hochberg"], found[1]["holm"])
        if worst > allowed:
            broken.append(f"rules by slices, {slicing}: {rows[-1]}")
    columns = (
        "rules on slices, of 50 samples each",
        "all twenty at the limit: any rule fails, uncorrected",
        "holm: any fails",
        "benjamini_hochberg: any fails",
        "one rule at its limit, four far beyond: it fails by holm",
        "by benjamini_hochberg",
    )
    return Table("rules by slices", columns, tuple(rows), tuple(broken))


def _any_slice_fails(slicing: str, draws: int, at_limit: int) -> dict[str, float]:
    """Share of the draws in which any of the rules at their limits fails, by correction."""
    rule = _MAXIMUM.model_copy(update={"by": "topic", "slices": slicing})
    generator = random(f"rules by slices {slicing} {at_limit}")
    failing: Counter[str] = Counter()
    for _ in range(draws):
        results = [
            decide_slices(
                rule,
                METRICS[rule.metric],
                {str(i): Proportion(50, int(k)) for i, k in enumerate(events)},
            )
            for events in generator.binomial(50, _shares_of(at_limit))
        ]
        for method in CORRECTIONS:
            told = corrected([rule] * _SLICED, results, method)[:at_limit]
            failing[method] += any(one.outcome == "fail" for one in told)
    return {method: failing[method] / draws for method in CORRECTIONS}


def _shares_of(at_limit: int) -> NDArray[np.float64]:
    """The truth of each slice of each rule: at the limit, or far beyond it."""
    shares = np.full((_SLICED, 4), _LIMIT)
    shares[at_limit:] = 0.6
    return shares


def _hidden(n: int, slicing: str) -> float:
    """Chance that a slice at the limit is missed among seven that are shown to be good; exact."""
    good: dict[str, Observation] = {f"good {i}": Proportion(500, 50) for i in range(7)}
    return sum(
        float(binom.pmf(events, n, _LIMIT))
        for events in range(n + 1)
        if _sliced(good | {"bad": Proportion(n, events)}, slicing) == "pass"
    )


def _fails(n: int, slicing: str, draws: int) -> float:
    events = random(f"slices of {n}").binomial(n, _LIMIT, (draws, 8))
    seen = [{str(i): Proportion(n, int(one)) for i, one in enumerate(row)} for row in events]
    return float(np.mean([_sliced(one, slicing) == "fail" for one in seen]))


def _sliced(seen: Mapping[str, Observation], slicing: str) -> str:
    rule = _MAXIMUM.model_copy(update={"by": "topic", "slices": slicing})
    return decide_slices(rule, METRICS[rule.metric], seen).outcome
