"""Means of scores, and the difference of two between paired samples, from exact sums."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from gatekeeper.core.statistics.influence import (
    FEWEST_UNITS,
    clusters,
    design_effect,
    samples,
    skewness,
    variance,
    worth,
)
from gatekeeper.core.statistics.student import Student
from gatekeeper.core.statistics.ties import Tied
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.observation import Sums
    from gatekeeper.core.statistics.inference import Inference

_METHOD = "mean, Student's t corrected for skewness"
_PAIRED = "paired difference of means, Student's t corrected for skewness"


def mean_of(seen: Sums) -> Inference | None:
    """Total of the first column over that of the second, or None where the second is zero.

    With one in the second column for each sample it is their mean, and without skewness the bounds
    are those of Student's t test. Where all samples agree there are none: a score that never
    varies may be one that never looks.
    """
    if seen.totals[1] <= 0:
        return None
    value = float(Fraction(*seen.totals))
    gradient = _gradient(seen.totals)
    if seen.n < FEWEST_UNITS or variance(seen, gradient) == 0:
        return _unbounded(seen, value, _METHOD)
    return _student(seen, value, _METHOD)


def mean_difference(seen: Sums, *, width: float = 1.0) -> Inference | None:
    """Mean of the candidate minus that of the baseline on the same samples; None as in `mean_of`.

    What moves both on the same sample cancels.

    Args:
        seen: Four columns: y and d of the candidate, then of the baseline.
        width: The most by which two scores of a sample can differ; it bounds the difference where
            that of every sample seen is the same. 0 where it is not known: then nothing does.
    """
    if min(seen.totals[1], seen.totals[3]) <= 0:
        return None
    candidate, baseline = Fraction(*seen.totals[:2]), Fraction(*seen.totals[2:])
    value, sides = float(candidate - baseline), (float(candidate), float(baseline))
    if seen.n < FEWEST_UNITS or seen.tied:
        return _unbounded(seen, value, _PAIRED, sides)
    if variance(seen, _gradient(seen.totals)) == 0:
        if not width:
            return _unbounded(seen, value, _PAIRED, sides)
        return _tied(seen, value, width, sides)
    return _student(seen, value, _PAIRED, sides)


def _gradient(totals: tuple[int, ...]) -> list[Fraction]:
    """Derivatives of a mean by its two totals, or of one less another by their four."""
    signed = zip((1, -1), zip(totals[::2], totals[1::2], strict=True))  # noqa: B905 - one or two means
    return [
        part for sign, (y, d) in signed for part in (Fraction(sign, d), Fraction(-sign * y, d * d))
    ]


def _student(
    seen: Sums,
    value: float,
    method: str,
    sides: Sequence[float | None] = (None, None),
) -> Student:
    gradient = _gradient(seen.totals)
    spread = variance(seen, gradient)
    return Student(
        value=value,
        n=samples(seen),
        method=method,
        clusters=clusters(seen),
        design_effect=design_effect(seen, spread, _gradient),
        candidate=sides[0],
        baseline=sides[1],
        stderr=math.sqrt(spread),
        units=worth(seen),
        scale="linear",
        skewness=skewness(seen, gradient),
    )


def _unbounded(
    seen: Sums, value: float, method: str, sides: Sequence[float | None] = (None, None)
) -> Unbounded:
    few = seen.n < FEWEST_UNITS
    return Unbounded(
        value=value,
        n=samples(seen),
        method=f"{method}: {'too few' if few else 'all tied'}",
        clusters=clusters(seen),
        candidate=sides[0],
        baseline=sides[1],
        fewest=FEWEST_UNITS * max(samples(seen), 1) if few else None,
    )


def _tied(seen: Sums, value: float, width: float, sides: tuple[float, float]) -> Tied:
    return Tied(
        value=value,
        n=samples(seen),
        method="all differences tied; those not seen may be as large as scores allow",
        clusters=clusters(seen),
        candidate=sides[0],
        baseline=sides[1],
        units=seen.n,
        rise=max(width - value, 0.0),
        fall=max(width + value, 0.0),
    )
