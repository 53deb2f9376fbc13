"""What a limit and the options of a rule may be on a metric, and why one cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.measure import RELATIVE
from gatekeeper.core.metrics.catalogue import ALIASES, METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.policy.rules import Line
    from gatekeeper.model.policy import RuleSpec

Fault = tuple[str, str, str]
"""The key it is about ("" for the limit), what is wrong, and what is accepted."""
RESAMPLED: Final = frozenset({"ratio", "mean"})
"""Kinds of metrics whose uncertainty can be found in more than one way."""
SLICED: Final = frozenset({"proportion", "ratio", "mean", "quantile", "census"})
"""Kinds of metrics that are about samples, which can be told apart."""


def faults(line: Line, metric: Metric) -> Iterator[Fault]:
    """Everything wrong with a line about a metric."""
    fault = _unfit(line, metric) or _out_of_range(line, metric)
    if fault is not None:
        yield ("", *fault)
    elif line.spec is not None:
        yield from _slicing(line.spec, metric)
        yield from _corrections(line, line.spec, metric)
        yield from _distances(line, line.spec, metric)


def is_census(line: Line, metric: Metric) -> bool:
    """Whether a line demands that something never occurs: no sample can show a rate of zero."""
    zero = metric.kind == "proportion" and line.test == "max" and line.limit == 0
    return metric.kind == "census" or (zero and line.word not in ALIASES)


def bounds_above(line: Line) -> bool:
    """Whether what is larger than the limit is what the rule stops."""
    return line.test is None or line.test.startswith("max")


def _unfit(line: Line, metric: Metric) -> tuple[str, str] | None:
    """Why such a limit cannot be on a metric, and what can."""
    if line.word in ALIASES and line.test != "max":
        return f"{line.word!r} takes an upper limit", f"{line.word} <= number"
    if metric.kind == "census" and (line.test not in {None, "max"} or line.limit != 0):
        return f"{line.word!r} counts what must not occur", f"{line.word}: 0"
    if line.test is None and metric.kind != "census":
        return f"nothing says how {line.word!r} is limited", f"{line.word}_min or {line.word}_max"
    if metric.kind == "declared" and line.test in RELATIVE:
        return f"{line.word!r} is declared once, not of each release", f"{line.word}_max"
    return None


def _out_of_range(line: Line, metric: Metric) -> tuple[str, str] | None:
    if metric.kind == "census":
        return None
    if line.test in RELATIVE or line.word in ALIASES:
        return _no_change(line, metric)
    if metric.kind == "proportion":
        return _no_rate(line)
    # What people declare can be a difference, such as costs less those of the period before.
    if line.limit < 0 and metric.name in METRICS and metric.kind != "declared":
        return f"{metric.name} is never below zero, as its limit {line.limit:g} is", "at least 0"
    return None


def _no_rate(line: Line) -> tuple[str, str] | None:
    if not 0 <= line.limit <= 1:
        return f"{line.limit:g} is no limit of a rate", "0 to 1"
    if line.test == "min" and line.limit == 1:
        return "no sample can show a rate of 1", "a limit below 1, such as 0.99"
    if (line.test, line.limit) in {("min", 0.0), ("max", 1.0)}:
        return f"every rate meets {line.test} {line.limit:g}", "a limit that can be missed"
    return None


def _no_change(line: Line, metric: Metric) -> tuple[str, str] | None:
    """Of a change: in points between -1 and 1 for a rate, above -100 % for anything else."""
    if metric.kind == "proportion":
        fits = -1 < line.limit < 1
        return None if fits else (f"{line.limit:g} is no limit of a rate", "between -1 and 1")
    change = -line.limit if line.test == "max_decrease" else line.limit
    if change <= -1:
        accepted = "below 1" if line.test == "max_decrease" else "above -1"
        return f"{line.limit:g} is no limit of a change: nothing falls by 100 % or more", accepted
    return None


def _slicing(spec: RuleSpec, metric: Metric) -> Iterator[Fault]:
    if spec.by is not None and metric.kind not in SLICED:
        yield "by", f"{metric.name} is not about samples, so it has no slices", "no `by`"
    if spec.slices is not None and spec.by is None:
        yield "slices", "nothing says what the slices go by", "`by: topic` beside it"


def _corrections(line: Line, spec: RuleSpec, metric: Metric) -> Iterator[Fault]:
    census = is_census(line, metric)
    if spec.exposures is not None and not census:
        yield "exposures", "only a limit of zero counts exposures", "no `exposures`"
    if spec.method is not None and metric.kind not in RESAMPLED:
        what = f"{metric.name} is a {metric.kind}, which has one method only"
        yield "method", what, "`method` on a ratio or a mean"
    if spec.calibration is None:
        return
    if metric.kind != "proportion" or census:
        what = f"{metric.name} is {'counted' if census else f'a {metric.kind}'}, not a share"
        yield "calibration", what, "`calibration` on a share with a limit above zero"
    elif _skill(spec) <= 0:
        what = "it is right no more often than chance, and nothing corrects that"
        yield "calibration", what, "counts whose sensitivity and specificity add up to more than 1"


def _skill(spec: RuleSpec) -> float:
    """Sensitivity and specificity of a calibration, less 1: what it does better than chance."""
    if (found := spec.calibration) is None:
        return 0.0
    sensitivity = found.true_events / (found.true_events + found.missed_events)
    return sensitivity + found.true_others / (found.true_others + found.false_events) - 1


def _distances(line: Line, spec: RuleSpec, metric: Metric) -> Iterator[Fault]:
    above = bounds_above(line)
    if spec.min_effect is not None:
        if is_census(line, metric):
            yield "min_effect", "one occurrence is enough to fail it", "no `min_effect`"
        elif not _in_range(line, metric, line.limit + spec.min_effect * (1 if above else -1)):
            what = f"no value is {spec.min_effect:g} beyond the limit {line.limit:g}"
            yield "min_effect", what, "a distance that a value can have"
    if spec.detect is None:
        return
    if line.test in {"max_increase", "max_decrease"} and spec.detect <= min(line.limit, 0):
        what = f"a {line.test.removeprefix('max_')} of {spec.detect:g} is no change for the worse"
        yield "detect", what, "a change that the rule is meant to stop"
    elif not _in_range(line, metric, spec.detect) or (is_census(line, metric) and spec.detect <= 0):
        yield "detect", f"{spec.detect:g} is no value of {metric.name}", "a value that it can have"


def _in_range(line: Line, metric: Metric, value: float) -> bool:
    if metric.kind not in {"proportion", "census"}:
        return True
    return (-1 if line.test in RELATIVE else 0) <= value <= 1
