"""From an observation to an estimate in the words of a rule: method, direction, unit."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gatekeeper.core.observation import Declared, PairedProportion, Proportion, Sums, Times
from gatekeeper.core.statistics import proportions, quantiles, ratios
from gatekeeper.core.statistics.estimate import Estimate

if TYPE_CHECKING:
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.model.policy import Rule

RELATIVE: Final = frozenset({"max_increase", "max_decrease", "min_increase"})
_DIGITS: Final = 10
"""Significant digits kept: fewer than platforms disagree in, more than anybody reads."""

Measured = Proportion | PairedProportion | Sums | Times | Declared


def estimate(rule: Rule, metric: Metric, seen: Measured) -> Estimate | None:
    """The estimate that `rule` is about, in its unit; None where it does not exist.

    A decrease is the increase with its sign turned and its bounds exchanged.
    """
    found = _estimate(rule, metric, seen)
    if found is None or not _finite(found):
        return None
    scale = metric.scale
    own = replace(found, candidate=_by(found.candidate, scale), baseline=_by(found.baseline, scale))
    if rule.test not in RELATIVE:
        return _rounded(own, found.value, found.low, found.high, scale)
    if rule.test == "max_decrease":
        return _rounded(own, found.value, found.high, found.low, -1)
    return _rounded(own, found.value, found.low, found.high, 1)


def size(seen: Measured) -> int:
    """Units that an observation rests on."""
    match seen:
        case PairedProportion():
            return seen.high.n
        case Times():
            return len(seen.candidate)
        case Declared():
            return 1
        case _:
            return seen.n


def unit(rule: Rule, metric: Metric) -> str:
    """What the estimate of a rule is in: a change of a rate is in points, others are relative."""
    if rule.test not in RELATIVE:
        return metric.unit
    return "points" if metric.kind == "proportion" else "relative"


def needed(rule: Rule, metric: Metric, seen: Measured, found: Estimate) -> int | None:
    """Samples that would settle an inconclusive rule, if its estimate stayed as it is.

    Exact for a share; otherwise the distance to the bound shrinks with the root of the number,
    on the logarithm for what is a ratio.
    """
    limit = rule.limit
    if limit is None or found.value == limit:
        return None
    if isinstance(seen, Proportion):
        return proportions.samples_needed(seen, limit, rule.alpha)
    bound = found.high if found.value < limit else found.low
    if bound is None:
        return _fewest(metric, rule)
    value, bound, limit = (_linear(rule, metric, x) for x in (found.value, bound, limit))
    ratio = (bound - value) / (limit - value) if limit != value else math.inf
    count = found.n * ratio * ratio
    return math.ceil(count) if count <= proportions.LARGEST_N else None


def _estimate(rule: Rule, metric: Metric, seen: Measured) -> Estimate | None:
    match seen:
        case Proportion():
            return proportions.proportion(seen, rule.alpha)
        case PairedProportion():
            return proportions.paired_difference(seen, rule.alpha)
        case Sums():
            method = ratios.relative_change if rule.test in RELATIVE else ratios.ratio
            return method(seen, rule.alpha)
        case Declared():
            return Estimate(seen.value, seen.low, seen.high, 1, "declared facts")
    p = metric.quantile or 0.5
    if seen.baseline is None:
        return quantiles.quantile(seen.candidate, p, rule.alpha)
    return quantiles.quantile_change(seen.candidate, seen.baseline, p, rule.alpha, rule.name)


def _fewest(metric: Metric, rule: Rule) -> int:
    if metric.quantile is None:
        return 2
    return quantiles.smallest_n(metric.quantile, rule.alpha)


def _linear(rule: Rule, metric: Metric, value: float) -> float:
    """The scale on which the distance to a bound shrinks with the root of the sample size."""
    if metric.kind == "proportion":
        return value
    if rule.test not in RELATIVE:
        return math.log(max(value, 1e-300))
    change = -value if rule.test == "max_decrease" else value
    return math.log(max(1 + change, 1e-300))


def _rounded(
    found: Estimate, value: float, low: float | None, high: float | None, scale: float
) -> Estimate:
    value = _digits(value * scale)
    return replace(found, value=value, low=_by(low, scale), high=_by(high, scale))


def _by(value: float | None, scale: float) -> float | None:
    return None if value is None else _digits(value * scale)


def _digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}") + 0.0


def _finite(found: Estimate) -> bool:
    values = (found.value, found.low, found.high, found.candidate, found.baseline)
    return all(value is None or math.isfinite(value) for value in values)
