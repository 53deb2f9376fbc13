"""Composition: what served records say of the rules that a stable release was promoted by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.policy.report import Online

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleResult, Verdict

_LEVELS: Final = frozenset({"min", "max", "census"})
"""What can be asked of one release alone."""


def online(verdict: Verdict, files: Sequence[Path]) -> Mapping[str, Online]:
    """The metrics of a verdict's rules in what was served of its release, by rule.

    Rules that compare, that go by slices or that nothing online knows are left out, and so are a
    policy's own metrics, which are asked of sealed runs alone.
    """
    from gatekeeper.adapters.metrics import RunMeasurements
    from gatekeeper.adapters.served import served_tables
    from gatekeeper.core.decide import decide
    from gatekeeper.core.metrics.catalogue import METRICS
    from gatekeeper.ops.demands import decided_by

    policy = decided_by(verdict)
    asked = _by_suite(policy.rules, METRICS)
    found: dict[str, Online] = {}
    for suite, rules in asked.items():
        with served_tables(files, suite) as connection:
            measurements = RunMeasurements(connection, verdict.release, None)
            for rule, metric in rules:
                result = decide(rule, metric, measurements.observe(metric, paired=False))
                if result.estimate is not None:
                    found[rule.name] = _online(result)
    return found


def _by_suite(
    rules: Sequence[Rule], metrics: Mapping[str, Metric]
) -> dict[str, list[tuple[Rule, Metric]]]:
    found: dict[str, list[tuple[Rule, Metric]]] = {}
    for rule in rules:
        metric = metrics.get(rule.metric)
        if metric is not None and rule.test in _LEVELS and rule.by is None:
            suite = metric.suites[0] if metric.suites else ""
            found.setdefault(suite, []).append((rule, metric))
    return found


def _online(result: RuleResult) -> Online:
    estimate, limit = result.estimate or 0.0, result.limit or 0.0
    met = estimate >= limit if result.test == "min" else estimate <= limit
    return Online(estimate, result.low, result.high, result.n, met)
