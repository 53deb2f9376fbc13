"""What a person may change about rules when they are applied: limits that are tried, and skips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.policy.fitness import faults
from gatekeeper.core.policy.rules import Line
from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import Skip


def with_limits(rules: Sequence[Rule], limits: Mapping[str, float]) -> tuple[Rule, ...]:
    """Rules with other limits.

    Args:
        rules: As the policy has them.
        limits: New limits by the names of rules.

    Raises:
        InputError: A name is no rule's, or its rule has no limit that could be another.
    """
    problems = list(_unknown(limits, rules))
    problems += [
        Problem(f"the rule {rule.name!r} has no limit that could be another", path=rule.name)
        for rule in rules
        if rule.name in limits and rule.test in {"census", "evidence", "all_pass", "must_pass"}
    ]
    if problems:
        raise InputError(problems)
    return tuple(
        rule.model_copy(update={"limit": limits[rule.name]}) if rule.name in limits else rule
        for rule in rules
    )


def refuse_limits(
    rules: Sequence[Rule], limits: Mapping[str, float], metrics: Mapping[str, Metric]
) -> None:
    """Refuse to try limits that no rule could have.

    Raises:
        InputError: With every such limit.
    """
    problems = []
    for rule in rules:
        if rule.name in limits and rule.metric in metrics:
            line = Line((rule.name,), rule.section, rule.metric, rule.test, limits[rule.name])
            for _, message, accepted in faults(line, metrics[rule.metric]):
                problems.append(Problem(message, path=rule.name, accepted=accepted))
    if problems:
        raise InputError(problems)


def refuse_skips(rules: Sequence[Rule], skips: Mapping[str, Skip]) -> None:
    """Refuse to skip what is no rule, or what the policy lets nobody skip.

    Raises:
        InputError: With every such name.
    """
    problems = list(_unknown(skips, rules))
    problems += [
        Problem(
            f"the policy lets nobody skip {rule.name!r}",
            path=rule.name,
            accepted="rules with `skippable: true`",
        )
        for rule in rules
        if rule.name in skips and not rule.skippable
    ]
    if problems:
        raise InputError(problems)


def _unknown(names: Iterable[str], rules: Sequence[Rule]) -> Iterable[Problem]:
    known = [rule.name for rule in rules]
    return (
        Problem(f"the policy has no rule {name!r}{did_you_mean(name, known)}", path=name)
        for name in names
        if name not in known
    )
