"""From what was measured to the outcome of a rule: pure, and never a pass by omission.

A rule passes when the bound that matters is on the right side of its limit, fails when the other
bound is on the wrong side, and is inconclusive between the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core import measure, wording
from gatekeeper.core.metrics.catalogue import COMPOSITES, EVIDENCE
from gatekeeper.core.observation import Census, Missing, Proportion
from gatekeeper.core.statistics.proportions import clopper_pearson
from gatekeeper.model.verdict import RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation
    from gatekeeper.core.statistics.estimate import Estimate
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import Outcome, RuleOutcome

WORST_FIRST: Final[tuple[Outcome, ...]] = ("fail", "error", "inconclusive", "pass")
FEWEST: Final = 2
"""One observation shows nothing, whatever its bounds."""
_UNDEFINED: Final = Missing(
    "undefined",
    "a total that the metric divides by is zero, so it has no value",
    "a run in which at least one request is resolved and priced",
)


def worst(outcomes: Iterable[RuleOutcome]) -> Outcome:
    """The worst of several outcomes; none at all, or none that applies, is an error."""
    found = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in found), "error")


def overall(results: Sequence[RuleResult]) -> Outcome:
    """The outcome of a verdict: the worst of the rules that may block."""
    return worst(result.outcome for result in results if result.severity == "block")


def decide(rule: Rule, metric: Metric, seen: Observation) -> RuleResult:
    """The outcome of one rule on one metric."""
    if isinstance(seen, Missing):
        return missing(rule, seen)
    if rule.test == "census" and isinstance(seen, Proportion):
        seen = Census(seen.n - seen.unknown, seen.events, seen.unknown)
    if isinstance(seen, Census):
        return _census(rule, metric, seen)
    if measure.size(seen) == 0:
        return missing(rule, _nothing(metric))
    estimate = measure.estimate(rule, metric, seen)
    if estimate is None:
        return missing(rule, _UNDEFINED)
    return _tested(rule, metric, seen, estimate)


def missing(rule: Rule, why: Missing, *, look_at: str = "") -> RuleResult:
    """A rule that could not be evaluated."""
    return result(rule, "error", why.code, why.reason, settle=why.settle, look_at=look_at)


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


def result(rule: Rule, outcome: RuleOutcome, code: str, reason: str, **rest: Any) -> RuleResult:
    """A result with what every result of `rule` has."""
    return RuleResult(
        rule=rule.name,
        section=rule.section,
        metric=rule.metric,
        test=rule.test,
        limit=rule.limit,
        alpha=rule.alpha,
        severity=rule.severity,
        outcome=outcome,
        code=code,
        reason=reason,
        **rest,
    )


def _nothing(metric: Metric) -> Missing:
    suites = wording.listed(metric.suites) or "any suite"
    reason = f"not a single sample of {suites} was run"
    return Missing("no_samples", reason, f"a run with samples of {suites}")


def _tested(rule: Rule, metric: Metric, seen: measure.Measured, found: Estimate) -> RuleResult:
    outcome = _outcome(rule, found)
    unit = measure.unit(rule, metric)
    code, settle, needed = ("", "", None)
    if outcome == "inconclusive":
        code, settle, needed = _open(rule, metric, seen, found)
    return result(
        rule,
        outcome,
        {"pass": "shown", "fail": "limit_broken"}.get(outcome, code),
        wording.reason(rule, found, unit, outcome),
        settle=settle,
        look_at="" if outcome == "pass" else metric.look_at,
        estimate=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        unit=unit,
        method=found.method,
        candidate=found.candidate,
        baseline=found.baseline,
        n_needed=needed,
        seed=found.seed,
    )


def _open(
    rule: Rule, metric: Metric, seen: measure.Measured, found: Estimate
) -> tuple[str, str, int | None]:
    """Code, what would settle an inconclusive rule, and the samples that would."""
    if isinstance(seen, Proportion) and seen.unknown:
        settle = f"the same run without the errors that leave {seen.unknown:,} samples unknown"
        return "unknown", settle, None
    needed = measure.needed(rule, metric, seen, found)
    return "too_few", wording.settle(needed, found), needed


def _outcome(rule: Rule, found: Estimate) -> RuleOutcome:
    limit, low, high = rule.limit, found.low, found.high
    if limit is None or low is None or high is None or found.n < FEWEST:
        return "inconclusive"
    if rule.test.startswith("max"):
        return "pass" if high <= limit else "fail" if low > limit else "inconclusive"
    return "pass" if low >= limit else "fail" if high < limit else "inconclusive"


# -- census ---------------------------------------------------------------------------------------


def _census(rule: Rule, metric: Metric, seen: Census) -> RuleResult:
    exposures = max(seen.exposures, seen.occurrences)
    low, high = 0.0, 1.0
    if exposures:
        low, high = clopper_pearson(min(seen.occurrences, exposures), exposures, rule.alpha)
    outcome, code, reason, settle = _counted(rule, seen, high)
    return result(
        rule,
        outcome,
        code,
        reason,
        settle=settle,
        look_at=metric.look_at if outcome == "fail" else "",
        estimate=float(seen.occurrences),
        low=low,
        high=high,
        n=seen.exposures,
        unit=metric.unit,
        method="census; bounds of the rate: Clopper-Pearson, exact",
        n_needed=rule.exposures if code == "too_few" else None,
    )


def _counted(rule: Rule, seen: Census, high: float) -> tuple[RuleOutcome, str, str, str]:
    """Outcome, code, reason, and what would settle it."""
    exposures = f"{seen.exposures:,} exposures"
    if seen.occurrences:
        what = f"{seen.occurrences:,} in {exposures}; none is allowed"
        return "fail", "occurred", what, ""
    if seen.unknown:
        what = f"0 in {exposures}, but {seen.unknown:,} more ended in an error and show nothing"
        return "inconclusive", "unknown", what, "the same run without those errors"
    if seen.exposures < rule.exposures:
        what = f"0 in {exposures}, which are too few"
        settle = f"{rule.exposures:,} exposures without one"
        return "inconclusive", "too_few", what, settle
    what = f"0 in {exposures}, which excludes a rate above {wording.percent(high)}"
    return "pass", "shown", what, ""
