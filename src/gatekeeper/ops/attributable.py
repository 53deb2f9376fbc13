"""Which rules of a policy are asked about, and what of a run each of them reads."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gatekeeper.core.attribution.case import CRITICAL, Case
from gatekeeper.core.attribution.samples import unmeasurable
from gatekeeper.core.policy.rules import MUST_PASS
from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import UndecidedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import RuleResult, Verdict
    from gatekeeper.ops.policy import Policy

    WhereCritical = Callable[[Sequence[str]], tuple[Suite, ...]]
    """Suites of the critical samples that failed, or of all of them where none did."""

LOAD: Final = "load"
_OPEN: Final = frozenset({"fail", "inconclusive", "error"})


def cases(
    policy: Policy,
    verdict: Verdict,
    names: Sequence[str],
    where_critical: WhereCritical,
    *,
    every: bool,
) -> tuple[Case, ...]:
    """The rules that are asked about: by default those that did not pass.

    Raises:
        UsageError: A name is no rule of the policy that reads what requests did.
        UndecidedError: No rule is left.
    """
    results = {result.rule: result for result in verdict.rules}
    metrics = {**policy.metrics, MUST_PASS: CRITICAL}
    rules = [rule for rule in policy.rules if rule.metric in metrics]
    _refuse_unknown(rules, names)
    wanted = [
        _case(rule, metrics, policy, results.get(rule.name), where_critical)
        for rule in rules
        if _wanted(rule, results.get(rule.name), names, every=every)
    ]
    if not wanted:
        raise UndecidedError(
            "every rule that reads a metric passes, so there is nobody to blame",
            where=f"run {verdict.run}",
            fix="--all says what moved what all the same; --rule NAME asks about one rule",
        )
    return tuple(wanted)


def suites_of(case: Case, run: Run) -> tuple[str, ...]:
    """The suites of a run that a rule's metric is read from.

    A metric of all suites is read from all but the load suite, whose records are about time. None
    is where no request shows anything.
    """
    if unmeasurable(case.metric, case.facts):
        return ()
    there = {used.suite for used in run.sets}
    wanted = set(case.metric.suites) & there if case.metric.suites else there - {LOAD}
    return tuple(sorted(wanted))


def _case(
    rule: Rule,
    metrics: Mapping[str, Metric],
    policy: Policy,
    found: RuleResult | None,
    where_critical: WhereCritical,
) -> Case:
    metric = metrics[rule.metric]
    if rule.test == MUST_PASS:
        metric = replace(metric, suites=where_critical(rule.samples))
    slices = _slices(found) if rule.by else ()
    return Case(rule, metric, found.outcome if found else "error", policy.facts, slices)


def _slices(found: RuleResult | None) -> tuple[str, ...]:
    """The slices that decided a rule which goes by slices, where it is not met."""
    if found is None or found.outcome not in _OPEN or not found.slices:
        return ()
    return tuple(one.value for one in found.slices if one.outcome == found.outcome)


def _refuse_unknown(rules: Sequence[Rule], names: Sequence[str]) -> None:
    for name in names:
        if not any(_called(rule, name) for rule in rules):
            called = dict.fromkeys(one for rule in rules for one in _names(rule))
            raise UsageError(
                f"no rule {name!r} reads a metric{did_you_mean(name, called)}",
                where="--rule",
                fix=f"there are {', '.join(rule.name for rule in rules)}",
            )


def _wanted(rule: Rule, found: RuleResult | None, names: Sequence[str], *, every: bool) -> bool:
    if names:
        return any(_called(rule, name) for name in names)
    return every or found is None or found.outcome in _OPEN


def _called(rule: Rule, name: str) -> bool:
    return name in _names(rule)


def _names(rule: Rule) -> tuple[str, ...]:
    """How a rule can be called: by its name, with its section or without, or by its metric."""
    return rule.name, rule.name.removeprefix(f"{rule.section}."), rule.metric
