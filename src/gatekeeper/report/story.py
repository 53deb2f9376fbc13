"""What a rule found, in sentences: the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.slicing import UNTAGGED
from gatekeeper.core.wording import counted, listed, percent
from gatekeeper.report.markup import short_name
from gatekeeper.report.outcomes import (
    ORDER,
    SETTLED,
    amount,
    decisive,
    distance,
    margin,
    spoken,
    upper,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.verdict import Contribution, RuleResult, SliceResult, Verdict

MOST: Final = 3
"""Samples and slices that are named; reports with tables have all of them."""
_RARE: Final = 0.001
_COUNTED: Final = frozenset({"census", "must_pass", "all_pass", "evidence"})
"""Tests without an estimate that could be some distance from a limit."""


def story(rule: RuleResult, verdict: Verdict) -> list[tuple[str, str]]:
    """What there is to say of a rule that did not pass: labels and texts.

    By how much it is off, how sure that is and on what, who most likely did it, where it shows
    most, and what to do.
    """
    if rule.outcome in SETTLED:
        return [("skipped", _skipped(rule))] if rule.outcome == "skipped" else []
    parts = [
        ("", "" if measured(rule) else rule.reason),
        ("off by", _off(rule)),
        ("how sure", sureness(rule)),
        ("most likely", cause(rule, verdict) if rule.outcome == "fail" else ""),
        ("worst slices", _slices(rule)),
        ("worst samples", _samples(rule) if rule.outcome == "fail" else ""),
        ("to settle it", _settle(rule)),
        ("replicates", _replicates(rule)),
        (
            "look at",
            rule.look_at.replace("show RUN", f"show {verdict.run}")
            if rule.outcome == "fail" or not rule.settle
            else "",
        ),
        ("owner", rule.owner),
    ]
    return [(label, text) for label, text in parts if text]


def sureness(rule: RuleResult) -> str:
    """The bound at its confidence, on what it rests, and the p-value in words."""
    if not measured(rule):
        return ""
    if rule.outcome == "inconclusive":
        return _undecided(rule)
    side, bound = decisive(rule)
    if bound is None:
        return f"no bound is known, {basis(rule)}"
    words = "at most" if side == "≤" else "at least"
    told = f"{words} {amount(bound, rule.unit)} with {confidence(rule)} confidence, {basis(rule)}"
    p = rule.p_fail if rule.outcome == "fail" else rule.p
    return f"{told}; {chance(p)}" if p is not None else told


def confidence(rule: RuleResult) -> str:
    """``95 %``."""
    return f"{(1 - rule.alpha) * 100:g} %"


def chance(p: float) -> str:
    """A p-value in plain words, for a truth that is exactly at the limit."""
    if p < _RARE:
        odds = "fewer than 1 run of 1,000"
    elif p < 0.1:  # noqa: PLR2004 - from here on a share is easier to imagine
        odds = f"about 1 run of {round(1 / p):,}"
    else:
        odds = f"about {round(p * 100)} runs of 100"
    shown = "p < 0.001" if p < _RARE else f"p = {p:.2g}"
    return f"if the truth were at the limit, chance alone would do this in {odds} ({shown})"


def basis(rule: RuleResult) -> str:
    """``on 300 samples``, and how independent those are."""
    unit = "exposure" if rule.test == "census" else "pair" if _paired(rule) else "sample"
    text = f"on {counted(rule.n, unit)}"
    if rule.clusters and rule.clusters != rule.n:
        text += f" in {counted(rule.clusters, 'cluster')}"
    asked = rule.variation.conversations if rule.variation else rule.n  # replicates are no samples
    alone = max(1, round(asked / rule.design_effect))
    return f"{text}, worth {alone:,} independent ones" if alone < rule.n else text


def cause(rule: RuleResult, verdict: Verdict) -> str:
    """Which changed component most likely moved the metric."""
    changed = verdict.inputs.changed
    if rule.suspects:
        first, *others = rule.suspects
        if others:
            return f"{first}, then {listed(others)}, going by what usually moves it"
        only = len(changed) == 1 and changed[0] == first
        return f"{first}, the only component that changed" if only else f"{first}, which changed"
    if changed:
        return f"none of what this metric usually follows changed; changed: {listed(changed)}"
    return ""


def slice_words(one: SliceResult, rule: RuleResult) -> str:
    """A slice and what was found in it."""
    value = short_name(one.value)
    name = f"those without {rule.by}" if one.value == UNTAGGED and rule.by else value
    if one.estimate is None:
        return f"{name}: {spoken(one.outcome)}"
    found = amount(one.estimate, rule.unit)
    size = [f"n {one.n:,}"] if one.n else []  # occurrences count outside of exposures, too
    told = [*size, *([spoken(one.outcome)] if one.outcome != "pass" else [])]
    return f"{name} at {found} ({', '.join(told)})" if told else f"{name} at {found}"


def samples_words(samples: Sequence[Contribution], rule: RuleResult) -> str:
    """Several of them; of what the shares are is said once."""
    return ", ".join(sample_words(one, rule, whole=place == 0) for place, one in enumerate(samples))


def sample_words(one: Contribution, rule: RuleResult, *, whole: bool = True) -> str:
    """A sample, its own value, and its share of what all samples are off by."""
    metric = METRICS.get(rule.metric)
    values: list[str] = []
    if metric is None or metric.unit != "rate":  # that an event happened is no figure
        unit = metric.unit if metric else ""
        both = (one.candidate, one.baseline)
        values = [amount(value, unit) for value in both if value is not None]
    text = f"{short_name(one.sample)}{' at ' if values else ''}{' against '.join(values)}"
    if one.share is None:
        return text
    of = " of the difference" if one.baseline is not None else " of all"
    return f"{text} ({percent(one.share)}{of if whole else ''})"


def worst_slices(rule: RuleResult) -> list[SliceResult]:
    """Slices, those that did worst first."""
    sign = -1 if upper(rule) else 1
    return sorted(
        rule.slices,
        key=lambda one: (ORDER.index(one.outcome), sign * (one.estimate or 0.0), one.value),
    )


def measured(rule: RuleResult) -> bool:
    """Whether it has an estimate that is some distance from a limit."""
    return rule.estimate is not None and rule.limit is not None and rule.test not in _COUNTED


def _paired(rule: RuleResult) -> bool:
    return rule.baseline is not None


def _off(rule: RuleResult) -> str:
    """By how much it fails, and the limit at which these very data would pass."""
    found = margin(rule)
    if found is None or not measured(rule) or rule.outcome != "fail":
        return ""
    text = f"{distance(found, rule.unit)} beyond {limit_words(rule)}"
    bound = rule.high if upper(rule) else rule.low
    if bound is None or (rule.unit == "rate" and bound in {0.0, 1.0}):
        return text
    return f"{text}; this run would pass at a limit of {amount(bound, rule.unit)}"


def limit_words(rule: RuleResult) -> str:
    """``the limit of at most 3.0 %``."""
    side = "at most" if upper(rule) else "at least"
    return f"the limit of {side} {amount(rule.limit, rule.unit)}"


def _undecided(rule: RuleResult) -> str:
    if rule.low is None or rule.high is None:
        return f"not at all: {basis(rule)}, there are no bounds for {limit_words(rule)}"
    low, high = amount(rule.low, rule.unit), amount(rule.high, rule.unit)
    text = f"not enough: {basis(rule)}, the truth may be anything from {low} to {high}, "
    text += f"and {limit_words(rule)} is between"
    values = [
        f"{p:.2g} to show it {words}"
        for words, p in (("met", rule.p), ("broken", rule.p_fail))
        if p is not None
    ]
    if not values:
        return text
    return f"{text} (p-values: {', '.join(values)}; at most {rule.alpha:g} is needed)"


def _settle(rule: RuleResult) -> str:
    """What would settle it, and what the samples that there are can show."""
    if rule.mde is None or not measured(rule) or rule.outcome != "inconclusive":
        return rule.settle
    inside = distance(rule.mde, rule.unit)
    there = f"the {rule.n:,} there are" if rule.n > 1 else "what there is"
    able = f"{there} would pass 8 times of 10 only if the truth were {inside} inside the limit"
    return f"{rule.settle}; {able}" if rule.settle else able


def _replicates(rule: RuleResult) -> str:
    """Whether more replicates or more samples would say more."""
    seen = rule.variation
    if rule.outcome != "inconclusive" or seen is None or seen.between + seen.within <= 0:
        return ""
    each = seen.conversations / seen.samples
    lost = seen.within / each / (seen.between + seen.within / each)
    more = "samples" if lost < 1 / 2 else "replicates"
    share = f"{lost * 100:.0f} % of what makes it unsure is chance within samples"
    return f"{each:.3g} of each sample; {share}, so more {more} would say more"


def _slices(rule: RuleResult) -> str:
    worst = worst_slices(rule)[:MOST]
    if not worst or (rule.outcome != "fail" and worst[0].outcome != "fail"):
        return ""
    more = f", and {len(rule.slices) - MOST} more" if len(rule.slices) > MOST else ""
    name = f"by {rule.by}: " if rule.by else ""
    return f"{name}{', '.join(slice_words(one, rule) for one in worst)}{more}"


def _samples(rule: RuleResult) -> str:
    more = f", and {len(rule.samples) - MOST} more" if len(rule.samples) > MOST else ""
    return samples_words(rule.samples[:MOST], rule) + more


def _skipped(rule: RuleResult) -> str:
    if rule.skip is None:
        return rule.reason
    return f"by {rule.skip.by}: {rule.skip.reason}"
