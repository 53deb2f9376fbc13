"""From an observation to what it says about a rule: method, direction, unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gatekeeper.core.observation import (
    NONE_LEFT_OUT,
    Declared,
    LeftOut,
    PairedProportion,
    Proportion,
    Sums,
    Times,
)

if TYPE_CHECKING:
    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.statistics.inference import Inference, Side
    from gatekeeper.model.policy import Rule

RELATIVE: Final = frozenset({"max_increase", "max_decrease", "min_increase"})
_DIGITS: Final = 10
"""Significant digits kept: fewer than platforms disagree in, more than anybody reads."""
_DIGITS_OF_P: Final = 6
_BEYOND: Final = 1e-12
"""Of a limit: less than anybody measures, and more than what is lost when units change."""

Measured = Proportion | PairedProportion | Sums | Times | Declared


@dataclass(frozen=True, slots=True)
class Found:
    """What the data say about one rule, in its unit.

    Attributes:
        low: Lower bound at the rule's confidence; None where the data give none.
        high: Upper bound, likewise.
        p: P-value of the test that shows the rule met.
        p_fail: P-value of the test that shows it broken.
        mde: How far on the good side of the limit the truth must be to pass with 80 % power.
        needed: Samples of which a new run would settle it with a chance of 80 %.
        planned: As many would, if the truth were the estimate.
        left_out: Pairs that it does without, and why.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    method: str
    clusters: int = 0
    design_effect: float = 1.0
    candidate: float | None = None
    baseline: float | None = None
    seed: int | None = None
    p: float | None = None
    p_fail: float | None = None
    mde: float | None = None
    needed: int | None = None
    planned: int | None = None
    left_out: LeftOut = NONE_LEFT_OUT


def good_side(rule: Rule) -> Side:
    """On which side of its limit a rule wants the truth."""
    return "below" if rule.test.startswith("max") else "above"


def unit(rule: Rule, metric: Metric) -> str:
    """What the estimate of a rule is in: a change of a rate is in points, others are relative."""
    if rule.test not in RELATIVE:
        return metric.unit
    if metric.kind in {"proportion", "mean"}:
        return "points" if metric.unit == "rate" else metric.unit
    return "relative"


def size(seen: Measured) -> int:
    """What an observation rests on; a value made of declared facts rests on one."""
    match seen:
        case PairedProportion():
            return seen.high.n
        case Times():
            return len(seen.candidate)
        case Declared():
            return 1
        case _:
            return seen.n


def left_out(seen: Measured) -> LeftOut:
    """Pairs that an observation does without."""
    return seen.left_out if isinstance(seen, Sums | Times) else NONE_LEFT_OUT


def without_gaps(seen: Measured) -> Measured:
    """The same as if the pairs that it does without did not exist."""
    if isinstance(seen, Sums | Times):
        return replace(seen, left_out=NONE_LEFT_OUT, high=None, low=None)
    return seen


def tied(seen: Measured) -> bool:
    """Whether all values are the same, as those of a measurement never are."""
    match seen:
        case Sums():
            return seen.tied
        case Times():
            return len(seen.candidate) > 1 and bool((seen.candidate == seen.candidate[0]).all())
        case _:
            return False


def short(rule: Rule, metric: Metric, seen: Measured, found: Found) -> bool:
    """Whether as many requests would bound a quantile if they did not wait behind each other."""
    from gatekeeper.core.statistics.durations import enough

    if not isinstance(seen, Times) or (found.low is not None and found.high is not None):
        return False
    return found.n >= enough(metric.quantile or 0.5, rule.alpha)


def look(rule: Rule, metric: Metric, seen: Measured, alpha: float | None = None) -> Found | None:
    """What an observation says about a rule; None where its estimate does not exist.

    Args:
        rule: What is asked; without a limit only the estimate and its bounds are found.
        metric: What it is about.
        seen: What was observed of it.
        alpha: In place of the rule's own.
    """
    found = infer(rule, metric, seen)
    if found is None or not math.isfinite(found.value):
        return None
    alpha = alpha or rule.alpha
    low, high = (_digits(bound) for bound in found.bounds(alpha))
    value = _digits(found.value)
    if value is None:
        return None
    told = Found(
        value,
        low,
        high,
        found.n,
        found.method,
        found.clusters,
        round(found.design_effect, 4),
        _digits(found.candidate),
        _digits(found.baseline),
        found.seed,
        left_out=left_out(seen),
    )
    return told if rule.limit is None else _tested(told, found, rule, rule.limit, alpha)


def infer(rule: Rule, metric: Metric, seen: Measured) -> Inference | None:
    """The inference that a rule is decided by, in the rule's unit and direction."""
    from gatekeeper.core.statistics.scaled import scaled

    found = _inference(rule, metric, seen)
    if found is None:
        return None
    turned = -1.0 if rule.test == "max_decrease" else 1.0
    in_unit = 1.0 if unit(rule, metric) == "relative" else metric.scale
    if turned * in_unit == 1 and metric.scale == 1:
        return found
    return scaled(found, turned * in_unit, metric.scale)


def _tested(told: Found, found: Inference, rule: Rule, limit: float, alpha: float) -> Found:
    side = good_side(rule)
    nearest = found.detectable(limit, side, alpha)
    settled = (told.low is not None and told.low > limit) or (
        told.high is not None and told.high < limit
    )
    return replace(
        told,
        p=_p(found.p(limit, side)),
        p_fail=_p(_p_fail(found, limit, side)),
        mde=None if nearest is None else _digits(abs(nearest - limit)),
        needed=None if settled else found.settling(limit, alpha),
        planned=None if settled else found.needed(limit, alpha),
    )


def _p_fail(found: Inference, limit: float, side: Side) -> float | None:
    """A value at the limit is good, so a rule is broken only by what is beyond it."""
    beyond = abs(limit) * _BEYOND
    if side == "below":
        return found.p(limit + beyond, "above")
    return found.p(limit - beyond, "below")


def _inference(rule: Rule, metric: Metric, seen: Measured) -> Inference | None:
    """Of the observation, and where some of it is missing, of what it may be with that."""
    from gatekeeper.core.statistics.bracketed import bracketed

    found = _known(rule, metric, seen)
    if not isinstance(seen, Sums | Times) or (seen.high is None and seen.low is None):
        return found
    ends = (_known(rule, metric, end) if end else found for end in (seen.high, seen.low))
    return bracketed(found, *ends)


def _known(rule: Rule, metric: Metric, seen: Measured) -> Inference | None:
    from gatekeeper.core.statistics.declared import declared

    match seen:
        case Declared():
            return declared(seen)
        case Sums():
            return _of_sums(rule, metric, seen)
        case Times():
            return _of_times(metric, seen)
    return _of_shares(rule, seen)


def _of_shares(rule: Rule, seen: Proportion | PairedProportion) -> Inference | None:
    from gatekeeper.core.statistics import corrected, corrected_pairs, pairs, shares

    if isinstance(seen, Proportion):
        if rule.calibration:
            return corrected.corrected(seen, rule.calibration)
        return shares.share(seen)
    if rule.calibration:
        return corrected_pairs.corrected_difference(seen, rule.calibration)
    return pairs.paired_share(seen)


def _of_sums(rule: Rule, metric: Metric, seen: Sums) -> Inference | None:
    from gatekeeper.core.statistics import bca, means, ratios

    relative = rule.test in RELATIVE
    if metric.kind == "mean":
        if not relative:
            return means.mean_of(seen)
        # A score is between 0 and 1; how far other values may move is not known.
        return means.mean_difference(seen, width=1 / metric.scale if metric.unit == "rate" else 0)
    # Counts are naturally equal; what is measured never is.
    ties = metric.unit == "per_request"
    if rule.method == "bca":
        return (bca.bca_change if relative else bca.bca_of)(seen, ties=ties)
    return (ratios.ratio_change if relative else ratios.ratio_of)(seen, ties=ties)


def _of_times(metric: Metric, seen: Times) -> Inference | None:
    from gatekeeper.core.statistics import duration_changes, durations

    p = metric.quantile or 0.5
    if seen.baseline is None:
        return durations.quantile_of(seen, p)
    return duration_changes.quantile_change(seen, p)


def _digits(value: float | None) -> float | None:
    """Rounded; None where it is not a number that a document can hold."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{_DIGITS}g}") + 0.0


def _p(value: float | None) -> float | None:
    return None if value is None else float(f"{min(max(value, 0.0), 1.0):.{_DIGITS_OF_P}g}") + 0.0
