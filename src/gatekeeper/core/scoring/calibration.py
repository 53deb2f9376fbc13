"""How far a scorer says what people say: agreement, kappa, both error rates, and its biases."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.binomial import clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Sequence

ALPHA: Final = 0.05
"""Intervals are two-sided at confidence 0.95, half of this on either side."""
_FEWEST: Final = 3
_EVEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Judged:
    """One conversation that the scorer and a person have judged.

    Attributes:
        score: What the scorer says, from 0 to 1.
        label: What the person says, from 0 to 1.
        length: Letters of the answer.
        first: Pairs only: 1 where the judge took the first place in both orders, 0 where it took
            the second, 0.5 where the orders agree.
    """

    score: float
    label: float
    length: int
    first: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion with its exact interval; all are null where there is nothing to count."""

    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa with an interval for many samples; null where one answer is the only one."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Spearman's rank correlation; null where either side is all the same or samples are few."""

    n: int
    rho: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """A scorer beside people.

    Attributes:
        threshold: From here on a score or a label is positive.
        sensitivity: Of what people call good, the share that the scorer does too.
        specificity: Of what people call bad, the share that the scorer does too.
        length: Whether the scorer says more than people of longer answers (above 0), or less.
        consistent: Pairs: where both orders gave the same answer.
        first_place: Pairs whose orders disagree: where the first place won.
    """

    n: int
    threshold: float
    agreement: Share
    kappa: Kappa
    sensitivity: Share
    specificity: Share
    length: Trend
    consistent: Share
    first_place: Share


def calibrate(judged: Sequence[Judged], threshold: float = 0.5) -> Calibration:
    """Compare a scorer with people on the conversations that both have judged.

    Scores and labels become good or bad by the threshold; those of pairs become won, tied or lost.
    """
    pairs = any(one.first is not None for one in judged)
    verdicts = [
        (_place(one.label), _place(one.score))
        if pairs
        else (int(one.label >= threshold), int(one.score >= threshold))
        for one in judged
    ]
    return Calibration(
        n=len(judged),
        threshold=threshold,
        agreement=share(sum(a == b for a, b in verdicts), len(verdicts)),
        kappa=kappa(verdicts),
        sensitivity=_share_of(verdicts, 1),
        specificity=_share_of(verdicts, 0),
        length=trend([one.length for one in judged], [one.score - one.label for one in judged]),
        consistent=_consistent(judged),
        first_place=_first_place(judged),
    )


def _place(value: float) -> int:
    """1 won, 0 lost, 2 tied."""
    return 2 if value == _EVEN else int(value > _EVEN)


def _share_of(verdicts: Sequence[tuple[int, int]], label: int) -> Share:
    said = [score == label for person, score in verdicts if person == label]
    return share(sum(said), len(said))


def _consistent(judged: Sequence[Judged]) -> Share:
    placed = [one.first for one in judged if one.first is not None]
    return share(sum(first == _EVEN for first in placed), len(placed))


def _first_place(judged: Sequence[Judged]) -> Share:
    swayed = [one.first for one in judged if one.first not in (None, _EVEN)]
    return share(sum(first > _EVEN for first in swayed if first is not None), len(swayed))


def share(count: int, n: int) -> Share:
    """A proportion with the exact interval of Clopper and Pearson (1934)."""
    if not n:
        return Share(0, 0, None, None, None)
    low, high = clopper_pearson(count, n, ALPHA / 2)
    return Share(count, n, count / n, low, high)


def kappa(verdicts: Sequence[tuple[int, int]]) -> Kappa:
    """Cohen's kappa (1960) over pairs of categories, with a standard error.

    That is from Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72:323-327.
    """
    n = len(verdicts)
    joint = {pair: count / n for pair, count in Counter(verdicts).items()}
    rows, columns = _margins(joint, 0), _margins(joint, 1)
    expected = sum(rows[one] * columns[one] for one in rows)
    if not n or math.isclose(expected, 1):
        return Kappa(None, None, None)
    observed = sum(part for (a, b), part in joint.items() if a == b)
    value = (observed - expected) / (1 - expected)
    spread = sum(
        part * (1 - (rows[a] + columns[a]) * (1 - value)) ** 2
        if a == b
        else part * ((1 - value) * (columns[a] + rows[b])) ** 2
        for (a, b), part in joint.items()
    )
    variance = (spread - (value - expected * (1 - value)) ** 2) / (n * (1 - expected) ** 2)
    width = _Z * math.sqrt(max(variance, 0.0))
    return Kappa(value, max(-1.0, value - width), min(1.0, value + width))


_Z: Final = 1.959963984540054
"""Standard normal quantile of 0.975."""


def _margins(joint: dict[tuple[int, int], float], side: int) -> defaultdict[int, float]:
    margins: defaultdict[int, float] = defaultdict(float)
    for pair, part in joint.items():
        margins[pair[side]] += part
    return margins


def trend(lengths: Sequence[float], excess: Sequence[float]) -> Trend:
    """Whether `excess` grows with `lengths`, by ranks."""
    n = len(lengths)
    if n < _FEWEST or len(set(lengths)) == 1 or len(set(excess)) == 1:
        return Trend(n, None, None)
    from scipy.stats import spearmanr

    found = spearmanr(lengths, excess)
    return Trend(n, float(found.statistic), float(found.pvalue))
