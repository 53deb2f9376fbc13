"""Shares and differences corrected for a judge's errors, each time by another calibration."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.validity.study import Table, joined, percent, survey, tails
from scipy.special import ndtr

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion
from gatekeeper.core.statistics.corrected import corrected
from gatekeeper.core.statistics.corrected_pairs import corrected_difference
from gatekeeper.core.statistics.shares import share
from gatekeeper.model.policy import Calibration

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.validity.study import Cell, Tails
    from numpy.random import Generator

    from gatekeeper.core.statistics.inference import Inference

    Method = Callable[[Proportion, Calibration, float], tuple[float | None, float | None]]

JUDGES = ((0.9, 0.98), (0.8, 0.9), (1.0, 0.999))
"""Sensitivity and specificity."""
TRUTHS = (0.005, 0.03, 0.18, 0.78)
DIFFERENCES = ((0.0, 0.02), (0.05, 0.02), (0.05, 0.1))
"""Share of pairs in which truly only the baseline has the event, and the difference."""


def tables(*, quick: bool) -> tuple[Table, ...]:
    """Wrong passes at the limit: uncorrected, with the normal approximation, and ours."""
    draws = 20 if quick else 150
    rows, broken = [], []
    for labels in (50, 300):
        methods = (_uncorrected, _normal, _ours)
        found = [survey(_cells(method, labels, quick=quick), draws) for method in methods]
        pairs = survey(_differences(labels, quick=quick), draws)
        ours = found[-1]
        shown = (*(one.worst.passes for one in found), ours.mean)
        covers = (ours.worst.cover90, ours.worst.cover95, pairs.worst.passes, pairs.worst.cover95)
        rows.append((f"{labels} of each kind", *map(percent, (*shown, *covers))))
        broken.append(ours.worst.broken(f"judged by {labels}: {ours.where}"))
        broken.append(pairs.worst.broken(f"difference judged by {labels}: {pairs.where}"))
    columns = (
        "labels that calibrate the judge",
        "uncorrected: wrong passes, at most",
        "Rogan-Gladen's own interval, at most",
        "ours, at most",
        "ours, on average",
        "ours: 90 % interval covers there",
        "95 % interval",
        "our differences: wrong passes, at most",
        "95 % interval covers there",
    )
    return (Table("judged shares", columns, tuple(rows), joined(broken)),)


def _cells(method: Method, labels: int, *, quick: bool) -> dict[str, Cell]:
    sizes, truths = ((600,), TRUTHS[1:3]) if quick else ((100, 600, 5000), TRUTHS)
    return {
        f"{n} samples, limit {truth}, judge {judge}": _Cell(method, labels, n, truth, judge)
        for n, truth, judge in product(sizes, truths, JUDGES)
    }


def _differences(labels: int, *, quick: bool) -> dict[str, Cell]:
    return {
        f"{n} pairs, {truth}, judge {judge}": _Difference(labels, n, truth, judge)
        for n, truth, judge in product((600,) if quick else (300, 1300), DIFFERENCES, JUDGES)
    }


@dataclass(frozen=True)
class _Cell:
    """Samples of which a share is true, called by a judge."""

    method: Method
    labels: int
    n: int
    truth: float
    judge: tuple[float, float]

    def __call__(self, draws: int, random: Generator) -> Tails:
        sensitivity, specificity = self.judge
        called = self.truth * sensitivity + (1 - self.truth) * (1 - specificity)
        return tails(
            self.method(
                Proportion(self.n, int(random.binomial(self.n, called))),
                calibrated(self.labels, self.judge, random),
                self.truth,
            )
            for _ in range(draws)
        )


@dataclass(frozen=True)
class _Difference:
    """Pairs that truly differ as said, each answer called by the same judge."""

    labels: int
    n: int
    truth: tuple[float, float]
    judge: tuple[float, float]

    def __call__(self, draws: int, random: Generator) -> Tails:
        difference = self.truth[1]
        found = []
        for _ in range(draws):
            seen = self._seen(random)
            one = corrected_difference(seen, calibrated(self.labels, self.judge, random))
            found.append((one.p(difference, "below"), one.p(difference, "above")))
        return tails(found)

    def _seen(self, random: Generator) -> PairedProportion:
        rate, difference = self.truth
        both = 0.2
        kinds = (rate + difference, rate, both, 1 - 2 * rate - difference - both)
        counts = random.multinomial(self.n, kinds)
        sensitivity, wrong = self.judge[0], 1 - self.judge[1]
        called = ((sensitivity, wrong), (wrong, sensitivity), (sensitivity,) * 2, (wrong,) * 2)
        tables = sum(
            random.multinomial(count, [a * (1 - b), (1 - a) * b, a * b, (1 - a) * (1 - b)])
            for count, (a, b) in zip(counts, called, strict=True)
        )
        gained, lost, shared, _ = map(int, np.asarray(tables))
        pairs = Pairs(self.n, gained, lost)
        sides = Proportion(self.n, shared + gained), Proportion(self.n, shared + lost)
        return PairedProportion(*sides, high=pairs, low=pairs)


def calibrated(labels: int, judge: tuple[float, float], random: Generator) -> Calibration:
    """Labels of both kinds, called by the judge."""
    right = [int(random.binomial(labels, each)) for each in judge]
    return Calibration(
        true_events=right[0],
        missed_events=labels - right[0],
        true_others=right[1],
        false_events=labels - right[1],
    )


def _both(one: Inference, limit: float) -> tuple[float | None, float | None]:
    return one.p(limit, "below"), one.p(limit, "above")


def _ours(seen: Proportion, judge: Calibration, limit: float) -> tuple[float | None, float | None]:
    return _both(corrected(seen, judge), limit)


def _uncorrected(
    seen: Proportion, _: Calibration, limit: float
) -> tuple[float | None, float | None]:
    return _both(share(seen), limit)


def _normal(seen: Proportion, judge: Calibration, limit: float) -> tuple[float, float]:
    """Rogan and Gladen (1978): the estimate, with the variance of all three shares."""
    positives, negatives = (
        judge.true_events + judge.missed_events,
        judge.true_others + judge.false_events,
    )
    a, b, q = judge.true_events / positives, judge.true_others / negatives, seen.events / seen.n
    gain = a + b - 1
    value = (q + b - 1) / gain
    variance = q * (1 - q) / seen.n + value**2 * a * (1 - a) / positives
    variance += (1 - value) ** 2 * b * (1 - b) / negatives
    below = float(ndtr((value - limit) * gain / np.sqrt(max(variance, 1e-12))))
    return below, 1 - below
