"""Every metric of a run with its bounds, whatever a policy asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core import measure
from gatekeeper.core.metric_value import MetricValue
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Census, Missing
from gatekeeper.core.statistics.binomial import clopper_pearson
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from collections.abc import Collection

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation
    from gatekeeper.ops.measurements import Measurements

ALPHA: Final = 0.05


def values(measurements: Measurements, suites: Collection[str]) -> tuple[MetricValue, ...]:
    """The metrics that these suites allow, of the candidate alone."""
    seen = (
        (metric, measurements.observe(metric, paired=False))
        for metric in METRICS.values()
        if _readable(metric, suites)
    )
    return tuple(
        _value(metric, _rule(metric, relative=False), found)
        for metric, found in seen
        if _told(metric, found)
    )


def value_of(measurements: Measurements, name: str) -> MetricValue:
    """One metric of the candidate alone."""
    metric = METRICS[name]
    seen = measurements.observe(metric, paired=False)
    return _value(metric, _rule(metric, relative=False), seen)


def differences(measurements: Measurements, suites: Collection[str]) -> tuple[MetricValue, ...]:
    """How the candidate differs from the baseline on the same samples; counts have no place."""
    seen = (
        (metric, measurements.observe(metric, paired=True))
        for metric in METRICS.values()
        if metric.kind not in {"census", "declared"} and _readable(metric, suites)
    )
    return tuple(
        _value(metric, _rule(metric, relative=True), found)
        for metric, found in seen
        if _told(metric, found)
    )


def _readable(metric: Metric, suites: Collection[str]) -> bool:
    return not metric.suites or any(suite in suites for suite in metric.suites)


def _told(metric: Metric, seen: Observation) -> bool:
    """Whether there is anything to say: not of scorers that never ran, nor of undeclared facts."""
    if isinstance(seen, Missing):
        return seen.code != "facts_absent"
    if isinstance(seen, Census):
        return True
    return bool(metric.suites) or measure.size(seen) > 0


def _rule(metric: Metric, *, relative: bool) -> Rule:
    """The question that an estimate answers; there is no limit to compare it with."""
    return Rule(
        name=metric.name,
        section=metric.section,
        metric=metric.name,
        test="max_increase" if relative else "max",
        alpha=ALPHA,
    )


def _value(metric: Metric, rule: Rule, seen: Observation) -> MetricValue:
    unit = measure.unit(rule, metric)
    if isinstance(seen, Missing):
        return MetricValue(metric.name, metric.section, unit, missing=seen.reason)
    if isinstance(seen, Census):
        return _census(metric, seen)
    if measure.size(seen) == 0:
        return MetricValue(metric.name, metric.section, unit, missing="no samples")
    found = measure.look(rule, metric, seen)
    if found is None:
        return MetricValue(
            metric.name, metric.section, unit, missing="not defined on these samples"
        )
    return MetricValue(
        metric.name,
        metric.section,
        unit,
        found.value,
        found.low,
        found.high,
        found.n,
        found.candidate,
        found.baseline,
    )


def _census(metric: Metric, seen: Census) -> MetricValue:
    """The count, and the highest rate that it leaves possible."""
    exposures = max(seen.exposures, seen.occurrences)
    if not exposures:
        return MetricValue(metric.name, metric.section, metric.unit, missing="no exposures")
    _, high = clopper_pearson(min(seen.occurrences, exposures), exposures, ALPHA)
    return MetricValue(
        metric.name, metric.section, metric.unit, float(seen.occurrences), None, high, exposures
    )
