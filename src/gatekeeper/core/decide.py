"""From what was measured to the outcome of a rule: pure, and never a pass by omission.

A rule passes when the bound that matters is on the right side of its limit, fails when the other
bound is on the wrong side, and is inconclusive between the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core import measure, wording
from gatekeeper.core.observation import Census, Declared, Missing, Proportion
from gatekeeper.core.results import missing, result
from gatekeeper.core.statistics.shares import CLUSTERED, EXACT, share

if TYPE_CHECKING:
    from gatekeeper.core.measure import Found
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleOutcome, RuleResult

FEWEST: Final = 2
"""One observation shows nothing, whatever its bounds."""
_UNDEFINED: Final = Missing(
    "undefined",
    "a total that the metric is made of is zero, so no ratio of them can be bounded",
    "a run in which something was counted above and below the line of the metric",
)


def decide(rule: Rule, metric: Metric, seen: Observation) -> RuleResult:
    """The outcome of one rule on one metric."""
    if isinstance(seen, Missing):
        return missing(rule, seen)
    if rule.test == "census" and isinstance(seen, Proportion):
        seen = Census(seen.n - seen.unknown, seen.events, seen.unknown, seen.clusters)
    if isinstance(seen, Census):
        return _census(rule, metric, seen)
    if measure.size(seen) == 0:
        return missing(rule, _nothing(metric))
    found = measure.look(rule, metric, seen)
    if found is None:
        return missing(rule, _UNDEFINED)
    return _tested(rule, metric, seen, found)


def _nothing(metric: Metric) -> Missing:
    suites = wording.listed(metric.suites) or "any suite"
    reason = f"not a single sample of {suites} was run"
    return Missing("no_samples", reason, f"a run with samples of {suites}")


def _tested(rule: Rule, metric: Metric, seen: measure.Measured, found: Found) -> RuleResult:
    outcome, code = _outcome(rule, found, 0 if isinstance(seen, Declared) else FEWEST)
    unit = measure.unit(rule, metric)
    settle, needed = "", None
    if outcome == "inconclusive":
        code, settle, needed = _open(code, rule, metric, seen, found)
        if code == "too_few" and found.left_out.pairs:
            code, settle, needed = _with_gaps(rule, metric, seen, found) or (code, settle, needed)
    return result(
        rule,
        outcome,
        code,
        _reason(rule, found, unit, outcome, code),
        settle=settle,
        look_at="" if outcome == "pass" else metric.look_at,
        estimate=found.value,
        low=found.low,
        high=found.high,
        margin=margin(rule, found.value),
        n=found.n,
        unit=unit,
        method=found.method,
        candidate=found.candidate,
        baseline=found.baseline,
        n_needed=needed,
        seed=found.seed,
        p=found.p,
        p_fail=found.p_fail,
        mde=found.mde,
        clusters=found.clusters,
        design_effect=found.design_effect,
        left_out=found.left_out.pairs,
    )


def _with_gaps(
    rule: Rule, metric: Metric, seen: measure.Measured, found: Found
) -> tuple[str, str, None] | None:
    """What to say where only the pairs that are left out keep a rule from being settled."""
    alone = measure.look(rule, metric, measure.without_gaps(seen))
    if alone is None or _outcome(rule, alone, FEWEST)[0] == "inconclusive":
        return None
    pairs = wording.counted(found.left_out.pairs, "pair")
    return "left_out", f"a run in which the {pairs} left out are measured on both sides", None


def _reason(rule: Rule, found: Found, unit: str, outcome: RuleOutcome, code: str) -> str:
    if code != "below_minimum_effect":
        return wording.reason(rule, found, unit, outcome)
    least = wording.number(rule.min_effect, unit).lstrip("+")
    broken = wording.reason(rule, found, unit, "fail")
    return f"{broken}; a failure has to be {least} or more beyond that"


def margin(rule: Rule, value: float) -> float | None:
    """How far a value is on the good side of the limit of a rule."""
    if rule.limit is None:
        return None
    distance = rule.limit - value if measure.good_side(rule) == "below" else value - rule.limit
    return float(f"{distance:.10g}") + 0.0


def _open(
    code: str, rule: Rule, metric: Metric, seen: measure.Measured, found: Found
) -> tuple[str, str, int | None]:
    """Code, what would settle an inconclusive rule, and the samples that would."""
    if isinstance(seen, Proportion) and seen.unknown:
        settle = f"the same run without the errors that leave {seen.unknown:,} samples unknown"
        return "unknown", settle, None
    if code != "too_few":
        return code, _SETTLED_BY[code], None
    if found.low is None and found.high is None and (why := _without_bounds(seen, found)):
        return why, _SETTLED_BY[why], None
    if measure.short(rule, metric, seen, found):
        return "short_run", wording.longer(found), found.needed
    return "too_few", wording.settle(found), found.needed


def _without_bounds(seen: measure.Measured, found: Found) -> str:
    """Why the data bound nothing, where it is not for want of samples."""
    if found.clusters == 1:
        return "one_cluster"
    return "tied" if measure.tied(seen) else ""


_SETTLED_BY: Final = {
    "below_minimum_effect": "a smaller `min_effect`, or a release that is better",
    "one_cluster": "samples of more than one cluster: those of one may all fail together",
    "tied": "measured values: these are all the same, which costs and times never are",
}


def _outcome(rule: Rule, found: Found, fewest: int) -> tuple[RuleOutcome, str]:
    """Pass or fail only where the data show it; otherwise why not."""
    limit, low, high = rule.limit, found.low, found.high
    if limit is None or low is None or high is None or found.n < fewest:
        return "inconclusive", "too_few"
    below = measure.good_side(rule) == "below"
    if (below and high <= limit) or (not below and low >= limit):
        return "pass", "shown"
    if (below and low > limit) or (not below and high < limit):
        small = rule.min_effect is not None and abs(found.value - limit) < rule.min_effect
        return ("inconclusive", "below_minimum_effect") if small else ("fail", "limit_broken")
    return "inconclusive", "too_few"


# -- census ---------------------------------------------------------------------------------------


def _census(rule: Rule, metric: Metric, seen: Census) -> RuleResult:
    low, high = _rate(seen, rule.alpha)
    outcome, code, reason, settle = _counted(rule, seen, high)
    return result(
        rule,
        outcome,
        code,
        reason,
        settle=settle,
        look_at=metric.look_at if outcome == "fail" else "",
        estimate=float(seen.occurrences),
        margin=-float(seen.occurrences),
        low=low,
        high=high,
        n=seen.exposures,
        unit=metric.unit,
        method=f"census; bounds of the rate: {CLUSTERED if seen.clusters else EXACT}",
        clusters=seen.clusters.n if seen.clusters else 0,
        n_needed=rule.exposures if code == "too_few" else None,
    )


def _rate(seen: Census, alpha: float) -> tuple[float, float]:
    """Bounds of the rate: exposures in one cluster, or to one sample again and again, say less."""
    exposures = max(seen.exposures, seen.occurrences)
    if not exposures:
        return 0.0, 1.0
    clusters = seen.clusters if seen.exposures else None
    low, high = share(Proportion(exposures, seen.occurrences, clusters=clusters)).bounds(alpha)
    return low or 0.0, 1.0 if high is None else high


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
    excluded = f"excludes a rate above {wording.percent(high)}" if high < 1 else "excludes no rate"
    return "pass", "shown", f"0 in {exposures}, which {excluded}", ""
