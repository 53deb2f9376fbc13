"""The result of a rule: how it is made, whether it counts, and what several of them come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.model.verdict import RuleResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatekeeper.core.observation import Missing
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import Outcome, RuleOutcome

WORST_FIRST: Final[tuple[Outcome, ...]] = ("fail", "error", "inconclusive", "pass")


def worst(outcomes: Iterable[RuleOutcome]) -> Outcome:
    """The worst of several outcomes; none at all, or none that applies, is an error."""
    found = set(outcomes)
    return next((outcome for outcome in WORST_FIRST if outcome in found), "error")


def overall(results: Sequence[RuleResult]) -> Outcome:
    """The outcome of a verdict: the worst of the rules that count; none at all is an error."""
    return worst(result.outcome for result in results if counts(result))


def counts(result: RuleResult) -> bool:
    """Whether a rule has a say: not where it only warns, was skipped, or its policy lets it by."""
    if result.severity != "block":
        return False
    return result.blocks or result.outcome in {"pass", "not_applicable"}


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
        owner=rule.owner,
        blocks=_blocks(rule, outcome),
        outcome=outcome,
        code=code,
        reason=reason,
        **rest,
    )


def with_outcome(
    rule: Rule, before: RuleResult, outcome: RuleOutcome, code: str, reason: str
) -> RuleResult:
    """A result with another outcome, and what follows from it."""
    changed = {"outcome": outcome, "code": code, "reason": reason, "blocks": _blocks(rule, outcome)}
    return before.model_copy(update=changed)


def missing(rule: Rule, why: Missing, *, look_at: str = "") -> RuleResult:
    """A rule that could not be evaluated."""
    return result(rule, "error", why.code, why.reason, settle=why.settle, look_at=look_at)


def _blocks(rule: Rule, outcome: RuleOutcome) -> bool:
    """Whether an outcome holds the release back."""
    held = {"fail"}
    held |= {"error"} if rule.on_missing == "block" else set()
    held |= {"inconclusive"} if rule.on_inconclusive == "block" else set()
    return rule.severity == "block" and outcome in held
