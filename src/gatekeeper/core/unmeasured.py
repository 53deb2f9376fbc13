"""Rules whose outcome no measured value decides, and those that nothing can be measured for.

What is absent is an error; only a relative rule of a first release does not apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core import wording
from gatekeeper.core.metrics.catalogue import COMPOSITES, EVIDENCE
from gatekeeper.core.observation import Missing
from gatekeeper.core.results import counts, missing, result, worst
from gatekeeper.model.verdict import Contribution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.observation import Critical
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleResult, Skip

MOST_NAMED: Final = 10
"""Samples that a reason names."""


def not_applicable(rule: Rule) -> RuleResult:
    """A relative rule of the first release of an empty ledger."""
    reason = "the environment has no release yet, so there is nothing to compare with"
    return result(rule, "not_applicable", "first_release", reason)


def evidence(rule: Rule) -> RuleResult:
    """A rule that demands a statement about the release which cannot be attached yet."""
    reason = f"absent: {EVIDENCE[rule.metric]}; this version can read none"
    return result(rule, "error", "evidence_absent", reason)


def composite(rule: Rule, results: Sequence[RuleResult]) -> RuleResult:
    """A rule that demands that all other rules of some sections pass."""
    sections = COMPOSITES[rule.metric][1]
    others = [
        other
        for other in results
        if other.section in sections
        and other.metric not in COMPOSITES
        and other.outcome != "not_applicable"
        and counts(other)
    ]
    names = wording.listed(sections)
    if not others:
        reason = f"no rule of {names} was decided, so nothing was shown"
        settle = f"add rules of {names} to the policy"
        return result(rule, "error", "no_rules", reason, settle=settle, look_at="the policy")
    bad = [other.rule for other in others if other.outcome != "pass"]
    outcome = worst(other.outcome for other in others)
    if not bad:
        return result(
            rule, outcome, "shown", f"all {len(others)} rules of {names} pass", n=len(others)
        )
    reason = f"{len(bad)} of {len(others)} rules of {names} did not pass"
    look_at = wording.listed(bad)
    return result(rule, outcome, "others_did_not_pass", reason, n=len(others), look_at=look_at)


def skipped(rule: Rule, skip: Skip) -> RuleResult:
    """A rule that somebody took out of this decision, as the policy lets them."""
    return result(rule, "skipped", "skipped", f"skipped by {skip.by}: {skip.reason}", skip=skip)


def critical(rule: Rule, found: Sequence[Critical]) -> RuleResult:
    """A rule that demands that some samples pass, every one in every replicate."""
    absent = [one.wanted for one in found if not one.samples]
    if absent:
        reason = f"no sample of the run is called or tagged {wording.listed(absent)}"
        why = Missing("no_such_sample", reason, "a run whose sets have them")
        return missing(rule, why, look_at="the policy, and the ids and tags of the eval sets")
    failed = sorted({sample for one in found for sample in one.failed})
    trials = sum(one.trials for one in found)
    if not failed:
        reason = f"all critical samples passed, in all of {trials:,} conversations"
        return result(rule, "pass", "shown", reason, n=trials)
    some = wording.listed(failed[:MOST_NAMED] + (["others"] if len(failed) > MOST_NAMED else []))
    return result(
        rule,
        "fail",
        "critical_failed",
        f"{wording.counted(len(failed), 'critical sample')} failed at least once: {some}",
        n=trials,
        estimate=float(len(failed)),
        unit="count",
        method="census of the samples that the policy names",
        look_at="those samples: `gatekeeper runs show RUN --failures`",
        samples=tuple(Contribution(sample=name, suite="") for name in failed[:MOST_NAMED]),
    )
