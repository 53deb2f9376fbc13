"""Ratios of sums over samples, and the relative change of one between paired samples."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Final

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
from gatekeeper.core.statistics.ties import FACTOR, Tied
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from gatekeeper.core.observation import Sums
    from gatekeeper.core.statistics.inference import Inference

_SIGNS: Final = (1, -1, -1, 1)
"""Of the logarithms: candidate y and d, baseline y and d."""


def ratio_of(seen: Sums, *, ties: bool = False) -> Inference | None:
    """The total of the first column over that of the second; None where either is zero.

    Delta method on the logarithm with Student's t: Deng, Knoblich and Lu (2018), "Applying the
    delta method in metric analytics", KDD, equation 3; corrected for skewness (`Student`). A unit
    is a cluster where samples have one.

    Args:
        seen: Two columns.
        ties: Whether values that are all the same are natural, as counts of attempts are and
            measured costs and times are not; they then bound how many may differ.
    """
    return _inferred(seen, ties=ties, change=False) if min(seen.totals) > 0 else None


def ratio_change(seen: Sums, *, ties: bool = False) -> Inference | None:
    """Candidate's ratio over the baseline's, minus one, on the same samples; None as in `ratio_of`.

    The delta method of `ratio_of` with the four totals at once, so that what moves both releases
    on the same sample cancels. Where candidate and baseline differ by the same factor on every
    sample, as a release and its twin do, the bounds say how many samples may differ.

    Args:
        seen: Four columns: y and d of the candidate, then of the baseline.
        ties: As in `ratio_of`, of the candidate's values.
    """
    return _inferred(seen, ties=ties, change=True) if min(seen.totals) > 0 else None


def _inferred(seen: Sums, *, ties: bool, change: bool) -> Inference:
    gradient = _gradient(seen.totals)
    spread = variance(seen, gradient) if seen.n >= FEWEST_UNITS else Fraction()
    if seen.n < FEWEST_UNITS or (seen.tied and not ties):
        return _unbounded(seen, change=change)
    if spread == 0:
        return _tied(seen, change=change)
    value, sides = _value(seen)
    return Student(
        value=value,
        n=samples(seen),
        method=_method("delta method on the logarithm, corrected for skewness", change=change),
        clusters=clusters(seen),
        design_effect=design_effect(seen, spread, _gradient),
        candidate=sides[0],
        baseline=sides[1],
        stderr=math.sqrt(spread),
        units=worth(seen),
        scale="log change" if change else "log",
        skewness=skewness(seen, gradient),
    )


def _gradient(totals: tuple[int, ...]) -> list[Fraction]:
    """Derivatives of the logarithm of one ratio, or of one over another."""
    return [Fraction(sign, total) for sign, total in zip(_SIGNS, totals)]  # noqa: B905 - one or two ratios


def _unbounded(seen: Sums, *, change: bool) -> Unbounded:
    value, sides = _value(seen)
    few = seen.n < FEWEST_UNITS
    return Unbounded(
        value=value,
        n=samples(seen),
        method=_method(f"ratio of totals: {'too few' if few else 'all tied'}", change=change),
        clusters=clusters(seen),
        candidate=sides[0],
        baseline=sides[1],
        fewest=FEWEST_UNITS * samples(seen) if few else None,
    )


def _tied(seen: Sums, *, change: bool) -> Tied:
    value, sides = _value(seen)
    factor = value + change
    return Tied(
        value=value,
        n=samples(seen),
        method=_method(f"all tied; those not seen may be up to {FACTOR}x more", change=change),
        clusters=clusters(seen),
        candidate=sides[0],
        baseline=sides[1],
        units=seen.n,
        rise=FACTOR * factor,
        fall=factor,
    )


def _value(seen: Sums) -> tuple[float, tuple[float | None, float | None]]:
    """The estimate, and what the two sides of a comparison are by themselves."""
    own = seen.totals[0] / seen.totals[1]
    if len(seen.totals) == len(_SIGNS) // 2:
        return own, (None, None)
    y, d, before, per = seen.totals
    return float(Fraction(y * per, d * before) - 1), (own, before / per)


def _method(method: str, *, change: bool) -> str:
    return f"paired {method}" if change else method
