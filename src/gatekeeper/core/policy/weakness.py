"""What makes a policy weak whatever is run: each finding with a code and what to write instead.

A policy that demands less than the one before it is found by comparison; a first one has nothing to
be compared with, and whoever reads it sees what is there, not what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.formula import absent
from gatekeeper.core.policy.dates import not_yet, overdue
from gatekeeper.core.policy.diff import WHOLE
from gatekeeper.core.statistics.binomial import upper
from gatekeeper.core.wording import listed, percent
from gatekeeper.model.policy import GatePolicy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.policy.power import Outlook
    from gatekeeper.model.facts import Facts
    from gatekeeper.model.policy import AnyPolicy, Rule

Code = Literal[
    "alpha-wide",
    "all-skippable",
    "section-unguarded",
    "security-lenient",
    "rules-unpinned",
    "no-review",
    "review-far",
    "short-form",
    "exposures-few",
    "limit-idle",
    "not-effective",
    "overdue",
    "no-such-sample",
    "no-evidence",
    "no-facts",
    "power",
]
_CODES: Final[Mapping[str, Code]] = {"must_pass": "no-such-sample", "evidence": "no-evidence"}
_FIXES: Final = {
    "must_pass": "the id of a sample, or a tag, that the sets have",
    "evidence": "leave it out until it can be attached",
}
WIDEST: Final = 0.1
"""The largest `alpha` that is called none too wide."""
LONGEST: Final = timedelta(days=366)
"""The longest that a policy should go without anybody looking at it."""
_SECURITY: Final = frozenset({"security", "safety"})
_GUARDED: Final = {
    "security (or safety)": _SECURITY,
    "quality": frozenset({"quality"}),
    "reliability": frozenset({"reliability"}),
    "cost": frozenset({"cost"}),
}
"""Where something should block, by what is told first."""
_COMMON: Final = 0.05
"""A rate that nobody calls rare: exposures that cannot exclude it show nothing."""
_HARDLY: Final = 0.1
"""How near to the end of the scale of a rate a limit says next to nothing."""
_HALF, _TWICE = 0.5, 1.0
"""Changes of a rate, and of anything else, that would be called an outage."""


@dataclass(frozen=True, slots=True)
class Weakness:
    """One thing that makes a policy weak.

    Attributes:
        code: Stable, for programs.
        rule: Its name; `WHOLE` where it is the policy's.
        fix: What to write instead, or to do.
    """

    code: Code
    rule: str
    text: str
    fix: str


def weaknesses(
    policy: AnyPolicy, rules: Sequence[Rule], metrics: Mapping[str, Metric], today: date
) -> Iterator[Weakness]:
    """Everything that makes a policy weak, of the whole first and then rule by rule.

    Args:
        policy: As it is written.
        rules: That it makes.
        metrics: That they may name.
        today: For when it is reviewed.
    """
    blocking = [rule for rule in rules if rule.severity == "block"]
    yield from _form(policy, len(rules), today)
    yield from _sections(blocking)
    if blocking and all(rule.skippable for rule in blocking):
        text = "every rule that blocks may be skipped, and so may the gate"
        yield Weakness(
            "all-skippable", WHOLE, text, "`skippable: true` only where a rule may give way"
        )
    for rule in blocking:
        yield from _rule(rule, metrics.get(rule.metric))


def doubtful(found: Sequence[Outlook]) -> Iterator[Weakness]:
    """What some eval sets cannot show, in the same form."""
    for outlook in found:
        fix = _FIXES.get(outlook.rule.test, "more samples, or a limit that so many can show")
        for doubt in outlook.doubts:
            code = _CODES.get(outlook.rule.test, "power")
            yield Weakness(code, doubt.rule, doubt.text, doubt.fix or fix)


def undeclared(
    rules: Sequence[Rule], metrics: Mapping[str, Metric], facts: Facts | None
) -> Iterator[Weakness]:
    """Rules that rest on facts which the policy's own file does not declare."""
    for rule in rules:
        metric = metrics.get(rule.metric)
        if metric is not None and (lacking := absent(metric.formulas, facts)) is not None:
            text = f"it will be an error: {lacking.reason}"
            fix = f"{lacking.settle} that the policy names, or give others with --facts"
            yield Weakness("no-facts", rule.name, text, fix)


def of_its_dates(policy: AnyPolicy, today: date) -> Iterator[Weakness]:
    """Whether a policy decides on a day, and whether somebody should have looked at it."""
    if early := not_yet(policy, today):
        yield Weakness("not-effective", WHOLE, early.reason, early.settle)
    for text in overdue(policy, today):
        yield Weakness("overdue", WHOLE, text, "a review, and then a later `review_by`")


def _form(policy: AnyPolicy, made: int, today: date) -> Iterator[Weakness]:
    if not isinstance(policy, GatePolicy):
        text = "it says neither who answers for it, nor when it is reviewed, nor how many rules"
        yield Weakness("short-form", WHOLE, f"{text} it has", "the long form: `kind: GatePolicy`")
        return
    if policy.expect_rules is None:
        text = "a line that is lost makes a weaker gate, and nobody is told"
        yield Weakness("rules-unpinned", WHOLE, text, f"`expect_rules: {made}`")
    review, fix = policy.metadata.review_by, "`review_by` under `metadata`, within a year"
    if review is None:
        yield Weakness("no-review", WHOLE, "nobody is asked to look at it again", fix)
    elif date.fromisoformat(review) > today + LONGEST:
        text = f"nobody is asked to look at it again before {review}"
        yield Weakness("review-far", WHOLE, text, fix)


def _sections(blocking: Sequence[Rule]) -> Iterator[Weakness]:
    there = {rule.section for rule in blocking}
    bare = [name for name, sections in _GUARDED.items() if there.isdisjoint(sections)]
    if bare:
        fix = "a rule with `severity: block` in each; docs/metrics.md lists what can be measured"
        yield Weakness("section-unguarded", WHOLE, f"nothing blocks in {listed(bare)}", fix)


def _rule(rule: Rule, metric: Metric | None) -> Iterator[Weakness]:
    if rule.limit is not None and rule.alpha > WIDEST:
        text = f"a release that is exactly at its limit passes in {percent(rule.alpha)} of runs"
        yield Weakness("alpha-wide", rule.name, text, "`alpha: 0.05`")
    if rule.section in _SECURITY:
        for key in ("on_missing", "on_inconclusive"):
            if getattr(rule, key) == "warn":
                what = "could not be measured" if key == "on_missing" else "was not shown"
                text = f"a release passes where its security {what}"
                yield Weakness("security-lenient", rule.name, text, f"`{key}: block`")
    if rule.test == "census":
        yield from _exposures(rule)
    elif metric is not None and rule.limit is not None:
        yield from _idle(rule, metric, rule.limit)


def _exposures(rule: Rule) -> Iterator[Weakness]:
    """Whether a clean sample of the size that is asked for shows anything."""
    excluded, wanted = upper(0, rule.exposures, rule.alpha), rule.detect or _COMMON
    if excluded > wanted:
        text = f"none in {rule.exposures:,} exposures leaves a rate of {percent(excluded)} possible"
        yield Weakness("exposures-few", rule.name, text, f"`exposures: {_enough(rule, wanted):,}`")


def _enough(rule: Rule, wanted: float) -> int:
    """Exposures without an event that exclude a rate."""
    from math import ceil, log

    return ceil(log(rule.alpha) / log(1 - wanted))


def _idle(rule: Rule, metric: Metric, limit: float) -> Iterator[Weakness]:
    rate = metric.kind == "proportion"
    if rule.test in RELATIVE:
        idle = rule.test != "min_increase" and limit >= (_HALF if rate else _TWICE)
        told = "more than half of all samples" if rate else "twice as much as before"
        text = f"it lets {told} go the wrong way" if rate else f"it lets {told} pass"
    else:
        idle = rate and (limit <= _HARDLY if rule.test == "min" else limit >= 1 - _HARDLY)
        text = f"hardly any release could be on the wrong side of {percent(limit)}"
    if idle:
        fix = "the worst value that would still be served; `detect` says what it is meant to stop"
        yield Weakness("limit-idle", rule.name, text, fix)
