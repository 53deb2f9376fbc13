"""What some eval sets can show of some rules, before anything is run.

A rule that the sets cannot decide is a gate that holds everything back; one that lets through what
it was meant to stop is none at all. Both are known from the number of samples alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import EVIDENCE, SEEN
from gatekeeper.core.statistics.binomial import critical, fewest, nearest, power_of_share, upper
from gatekeeper.core.statistics.inference import POWER
from gatekeeper.core.statistics.pairs import power_of_pairs
from gatekeeper.core.wording import counted, listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.statistics.inference import Side
    from gatekeeper.model.policy import Rule

DISCORDANT: Final = 0.2
"""Share of pairs that are taken to come out otherwise, where nothing has been run yet."""


@dataclass(frozen=True, slots=True)
class PlannedSet:
    """What is known of an eval set before it is run.

    Attributes:
        size: Samples, once for each replicate.
        ids: Of its samples.
        tags: How many samples have each value of a tag, by tag.
        scored: How many samples a scorer of the set has something to say of, replicates counted, by
            the name of its scores; None where no sample was looked at.
    """

    name: str
    suite: str
    size: int
    ids: frozenset[str] = frozenset()
    tags: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    scored: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a rule is worth little on these sets; `fix` where more samples would not help."""

    rule: str
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the sets can show of one rule.

    Attributes:
        n: Samples that it reads, or exposures of a census; in the smallest slice, where it goes by
            slices.
        passes_from: The truth from which on it passes in 80 % of runs; None where that is not known
            before a run, or no truth would.
    """

    rule: Rule
    n: int
    passes_from: float | None
    doubts: tuple[Doubt, ...]
    at_most: bool = False
    """Whether `n` is but an upper end: which samples are exposures only a run can tell."""


def outlooks(
    rules: Sequence[Rule],
    metrics: Mapping[str, Metric],
    sets: Sequence[PlannedSet],
    columns: frozenset[str] = frozenset(),
) -> tuple[Outlook, ...]:
    """What the sets can show of each rule.

    Args:
        rules: Of a policy.
        metrics: By name, its own included.
        sets: That would be run.
        columns: Of requests, by which rules can go as well as by tags.
    """
    return tuple(_outlook(rule, metrics.get(rule.metric), sets, columns) for rule in rules)


def doubts(found: Sequence[Outlook]) -> tuple[str, ...]:
    """Every doubt as a warning, the rule's name first."""
    return tuple(f"{doubt.rule}: {doubt.text}" for one in found for doubt in one.doubts)


def _outlook(
    rule: Rule, metric: Metric | None, sets: Sequence[PlannedSet], columns: frozenset[str]
) -> Outlook:
    if rule.test == "must_pass":
        return Outlook(rule, 0, None, tuple(_strangers(rule, sets)))
    if rule.test == "evidence" and rule.metric != SEEN:
        text = f"it will be an error: {EVIDENCE[rule.metric]} cannot be attached yet"
        return Outlook(rule, 0, None, (Doubt(rule.name, text),))
    if metric is None or metric.kind == "declared":
        return Outlook(rule, 0, None, ())
    read = [one for one in sets if not metric.suites or one.suite in metric.suites]
    n, found = _sized(rule, read, columns)
    if not n:
        what = f"no sample of {listed(metric.suites) or 'any suite'} is in these sets"
        found.append(Doubt(rule.name, f"{what}, so that it will be an error"))
        return Outlook(rule, 0, None, tuple(found))
    if rule.test == "census":
        return _counted(rule, metric, read, n, found)
    found += [Doubt(rule.name, text) for text in _weak(rule, metric, n)]
    return Outlook(rule, n, _passes_from(rule, metric, n), tuple(found))


def _strangers(rule: Rule, sets: Sequence[PlannedSet]) -> Iterator[Doubt]:
    """Samples that must pass, and that none of the sets has."""
    for wanted in rule.samples:
        tag, equals, value = wanted.partition("=")
        known = any(
            value in one.tags.get(tag, {}) if equals else wanted in one.ids or wanted in one.tags
            for one in sets
        )
        if not known:
            yield Doubt(rule.name, f"no sample of these sets is called or tagged {wanted!r}")


def _sized(
    rule: Rule, read: Sequence[PlannedSet], columns: frozenset[str]
) -> tuple[int, list[Doubt]]:
    """Samples that a rule rests on, and what is odd about its slices."""
    total = sum(one.size for one in read)
    if rule.by is None or not total:
        return total, []
    counts: dict[str, int] = {}
    for one in read:
        for value, count in one.tags.get(rule.by, {}).items():
            counts[value] = counts.get(value, 0) + count
    if counts:
        return min(counts.values()), []
    if rule.by in columns:
        return total, []
    text = f"no sample has a tag {rule.by!r}, by which it goes, so that it will be an error"
    there = sorted({tag for one in read for tag in one.tags})
    fix = f"a tag that they have ({listed(there)})" if there else "tags in the eval set's samples"
    return total, [Doubt(rule.name, text, f"{fix}, or a column of requests")]


def _counted(
    rule: Rule, metric: Metric, read: Sequence[PlannedSet], n: int, found: list[Doubt]
) -> Outlook:
    """What the sets can show of a census: it rests on exposures, which not all samples are."""
    exposures = _exposures(metric, read)
    known = exposures is not None and rule.by is None
    n = exposures if exposures is not None and known else n
    if n < rule.exposures:
        there = f"there are {'' if known else 'at most '}{n:,}" if n else "there is none"
        text = f"it cannot pass: it asks for {rule.exposures:,} exposures, and {there}"
        found.append(Doubt(rule.name, text))
    return Outlook(rule, n, None, tuple(found), at_most=not known)


def _exposures(metric: Metric, read: Sequence[PlannedSet]) -> int | None:
    """Of these sets, errors apart; None where only a run can tell."""
    if metric.exposed:
        return sum(one.size for one in read if one.suite in metric.exposed)
    if metric.watched:
        seen = [one.scored for one in read]
        return sum(one.get(metric.watched, 0) for one in seen if one) if None not in seen else None
    return sum(one.size for one in read) if metric.kind == "proportion" else None


def _weak(rule: Rule, metric: Metric, n: int) -> Iterator[str]:
    """Why so many samples are too few, or the limit is too wide."""
    if metric.kind == "proportion" and rule.test in RELATIVE:
        yield from _pairs(rule, n)
    elif metric.kind == "proportion" and rule.calibration is None:
        yield from _share(rule, n)
    elif metric.kind == "quantile" and metric.quantile is not None:
        yield from _quantile(metric.quantile, rule, n)


def _share(rule: Rule, n: int) -> Iterator[str]:
    limit, side = rule.limit or 0.0, _good(rule)
    beyond = limit if side == "below" else 1 - limit
    if critical(n, beyond, rule.alpha) < 0:
        word = "an event" if side == "below" else "a miss"
        clean = fewest(0.0, beyond, rule.alpha, POWER)
        more = f"; {clean:,} would" if clean else ""
        yield (
            f"it cannot pass: {counted(n, 'sample')} without {word} only"
            f" exclude{'s' if n == 1 else ''} {percent(upper(0, n, rule.alpha))}{more}"
        )
    elif rule.detect is not None:
        passing = power_of_share(n, rule.detect, limit, side, rule.alpha)
        if rule.on_inconclusive == "warn":
            passing = 1 - power_of_share(n, rule.detect, limit, _other(side), rule.alpha)
        yield from _missed(passing, percent(rule.detect), n, "samples")


def _pairs(rule: Rule, n: int) -> Iterator[str]:
    """A paired difference of rates, as if a fifth of the pairs came out otherwise."""
    if rule.detect is None:
        return
    sign = -1 if rule.test == "min_increase" else 1
    truth, limit = sign * rule.detect, sign * (rule.limit or 0.0)
    changed = max(DISCORDANT, abs(truth))
    passing = power_of_pairs(n, truth, changed, limit, "below", rule.alpha)
    if rule.on_inconclusive == "warn":
        passing = 1 - power_of_pairs(n, truth, changed, limit, "above", rule.alpha)
    words = {"max_decrease": "drop", "max_increase": "rise", "min_increase": "rise"}
    told = f"a real {words[rule.test]} of {rule.detect * 100:g} points"
    yield from _missed(passing, told, n, f"pairs, if {changed * 100:.0f} % of them change")


def _missed(passing: float, truth: str, n: int, units: str) -> Iterator[str]:
    """Whether what the rule is meant to stop would pass too often."""
    if passing > 1 - POWER:
        most = "most" if passing > 1 / 2 else "many"
        yield (
            f"it is meant to stop {truth}, and lets that pass in {most} runs: about"
            f" {passing * 100:.0f} % of them, with {n:,} {units}"
        )


def _quantile(p: float, rule: Rule, n: int) -> Iterator[str]:
    from gatekeeper.core.statistics.durations import fewest as fewest_times

    least = fewest_times(p, rule.alpha)
    if n < least:
        yield (
            f"it cannot be decided: {counted(n, 'sample')} give no bound of the"
            f" {p * 100:g}th percentile; {least:,} would"
        )


def _passes_from(rule: Rule, metric: Metric, n: int) -> float | None:
    if metric.kind != "proportion" or rule.test not in {"min", "max"} or rule.calibration:
        return None
    return nearest(n, rule.limit or 0.0, _good(rule), rule.alpha, POWER)


def _other(side: Side) -> Side:
    return "above" if side == "below" else "below"


def _good(rule: Rule) -> Side:
    return "below" if rule.test.startswith("max") else "above"
