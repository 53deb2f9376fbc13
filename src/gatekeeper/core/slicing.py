"""A rule that has to hold in slices: topics, tenants, routes.

A rule over every slice passes only where each slice alone shows it: that errs with at most the
probability of one of them (an intersection-union test: Berger 1982, Technometrics 24:295-300). That
one of many slices seems to break it is likely by chance, so failing is corrected by Holm's method.
A rule on the worst slice speaks of the one that decides, with bounds that hold for all of them at
once (Bonferroni), because it was chosen after the fact. That a slice looks better than others, as
one of two samples may, shows nothing of it: where any could be the worst one, the rule is open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core import wording
from gatekeeper.core.decide import decide
from gatekeeper.core.observation import Missing
from gatekeeper.core.results import missing, with_outcome
from gatekeeper.core.statistics.multiplicity import holm
from gatekeeper.model.verdict import SliceResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleResult

UNTAGGED: Final = "(none)"
"""How samples without the tag are called."""
_MOST: Final = 3
_BAD: Final = {"fail": 0, "error": 1, "inconclusive": 2, "pass": 3}


def decide_slices(rule: Rule, metric: Metric, seen: Mapping[str, Observation]) -> RuleResult:
    """The outcome of a rule that goes by slices.

    Args:
        rule: What has to hold in each.
        metric: What it is about.
        seen: What was observed in each slice, by the value of the tag or the column.
    """
    if not seen:
        why = Missing(
            "no_slices", f"no sample has {rule.by!r}", f"a run whose samples have {rule.by!r}"
        )
        return missing(rule, why, look_at="the policy, and the tags of the eval sets")
    if rule.slices == "worst":
        return _worst(rule, metric, seen)
    found = {value or UNTAGGED: decide(rule, metric, one) for value, one in sorted(seen.items())}
    return _every(rule, found)


def look_through(
    rule: Rule, metric: Metric, seen: Mapping[str, Observation]
) -> tuple[SliceResult, ...]:
    """What a rule that is not met finds in parts of its samples, the worst first; decides nothing.

    P-values of failing are corrected for how many parts there are, as those of every slice.
    """
    found = {value or UNTAGGED: decide(rule, metric, one) for value, one in seen.items()}
    return _every(rule, found).slices


def _worst(rule: Rule, metric: Metric, seen: Mapping[str, Observation]) -> RuleResult:
    strict = rule.model_copy(update={"alpha": rule.alpha / len(seen)})
    found = {
        value or UNTAGGED: _of_all(rule, decide(strict, metric, one), len(seen))
        for value, one in sorted(seen.items())
    }
    return _told(rule, found, _decides(found), {})


def _of_all(rule: Rule, one: RuleResult, slices: int) -> RuleResult:
    """A result by alpha over the number of slices, told by the rule's own: p-values grow as much.

    So they can be compared with those of other rules, and corrected for how many those are.
    """
    p, p_fail = (
        None if p is None else float(f"{min(p * slices, 1.0):.6g}") for p in (one.p, one.p_fail)
    )
    return one.model_copy(update={"p": p, "p_fail": p_fail, "alpha": rule.alpha})


def _every(rule: Rule, found: Mapping[str, RuleResult]) -> RuleResult:
    corrected = dict(zip(found, holm([one.p_fail for one in found.values()]), strict=True))
    settled = {value: _corrected(rule, one, corrected[value]) for value, one in found.items()}
    return _told(rule, settled, _decides(settled), corrected)


def _corrected(rule: Rule, one: RuleResult, p_fail: float | None) -> RuleResult:
    """A failure that does not survive the correction is open."""
    if one.outcome != "fail" or p_fail is None or p_fail <= rule.alpha:
        return one
    reason = f"{one.reason}; by chance one of as many slices would look so"
    return with_outcome(rule, one, "inconclusive", "not_after_correction", reason)


def _decides(found: Mapping[str, RuleResult]) -> str:
    """The slice that the outcome of all comes from: the worst outcome, then the worst margin."""
    return min(found, key=lambda value: (_BAD.get(found[value].outcome, 4), *_order(found[value])))


def _order(one: RuleResult) -> tuple[float, int]:
    return (float("-inf") if one.margin is None else one.margin, -one.n)


def _told(
    rule: Rule, found: Mapping[str, RuleResult], value: str, corrected: Mapping[str, float | None]
) -> RuleResult:
    """The result of one slice, told as that of all."""
    one = found[value]
    return one.model_copy(
        update={
            "reason": f"{_counted(rule, found)}; {value}: {one.reason}",
            "look_at": f"{rule.by} {value}: {one.look_at}" if one.look_at else "",
            "by": rule.by or "",
            "slices": tuple(
                _slice(name, other, corrected.get(name, other.p_fail))
                for name, other in _worst_first(found)
            ),
            "p_fail": corrected.get(value, one.p_fail),
        }
    )


def _counted(rule: Rule, found: Mapping[str, RuleResult]) -> str:
    """``22 of 24 slices of topic pass, audio and lamps do not``."""
    bad = [value for value, one in _worst_first(found) if one.outcome != "pass"]
    told = f"{len(found) - len(bad)} of {wording.counted(len(found), 'slice')} of {rule.by} pass"
    if not bad:
        return told
    more = [f"{len(bad) - _MOST} more"] if len(bad) > _MOST else []
    return f"{told}, {wording.listed([*bad[:_MOST], *more])} not"


def _worst_first(found: Mapping[str, RuleResult]) -> Sequence[tuple[str, RuleResult]]:
    return sorted(
        found.items(), key=lambda item: (_BAD.get(item[1].outcome, 4), *_order(item[1]), item[0])
    )


def _slice(value: str, one: RuleResult, p_fail: float | None) -> SliceResult:
    return SliceResult(
        value=value,
        outcome=one.outcome,
        estimate=one.estimate,
        low=one.low,
        high=one.high,
        n=one.n,
        p=one.p,
        p_fail=p_fail,
    )
