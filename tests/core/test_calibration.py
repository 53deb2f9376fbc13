"""A scorer beside people: published values, and what has to hold of any of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.scoring.calibration import Judged, calibrate, kappa, share, trend


def table(counts: list[list[int]]) -> list[tuple[int, int]]:
    return [
        (i, j) for i, row in enumerate(counts) for j, count in enumerate(row) for _ in range(count)
    ]


def binary(pairs: list[tuple[int, int]]) -> list[Judged]:
    return [Judged(score, label, length) for length, (label, score) in enumerate(pairs)]


def test_kappa_is_the_agreement_beyond_chance():
    # 35 of 50 agree; by chance 0.5 * 0.6 + 0.5 * 0.4 would: (0.7 - 0.5) / (1 - 0.5).
    assert kappa(table([[20, 5], [10, 15]])).value == pytest.approx(0.4)


def test_kappa_and_its_interval_are_those_of_fleiss():
    # Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), section 18.1:
    # two raters, 100 subjects, three diagnoses; kappa 0.68, standard error 0.087.
    found = kappa(table([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert found.value == pytest.approx(0.68, abs=0.005)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.087, abs=0.001)


def test_the_error_rates_are_those_of_the_table():
    found = calibrate(binary(table([[40, 10], [5, 45]])))
    assert (found.agreement.value, found.n) == (0.85, 100)
    assert (found.sensitivity.count, found.sensitivity.n) == (45, 50)
    assert (found.specificity.count, found.specificity.n) == (40, 50)
    # Clopper and Pearson's interval of 45 of 50, as in R's binom.test(45, 50).
    assert found.sensitivity.low == pytest.approx(0.7818641, abs=1e-6)
    assert found.sensitivity.high == pytest.approx(0.9667249, abs=1e-6)


def test_a_threshold_draws_the_line():
    judged = [Judged(0.6, 1, 1), Judged(0.4, 0, 2)]
    assert calibrate(judged).agreement.value == 1
    assert calibrate(judged, 0.7).sensitivity.value == 0


def test_a_judge_that_likes_long_answers_is_found_out():
    biased = [Judged(min(1, 0.4 + i / 50), 0.5, 10 * i) for i in range(30)]
    found = calibrate(biased).length
    assert found.rho == pytest.approx(1)
    assert found.p_value < 0.001
    assert calibrate([Judged(0.5, 0.5, i) for i in range(30)]).length.rho is None


def test_a_judge_that_likes_the_first_place_is_found_out():
    pairs = [
        Judged(1, 1, 1, 0.5),
        Judged(0, 1, 1, 0.5),
        Judged(0.5, 0, 1, 1),
        Judged(0.5, 0.5, 1, 1),
    ]
    found = calibrate(pairs)
    assert (found.consistent.count, found.consistent.n) == (2, 4)
    assert (found.first_place.count, found.first_place.n) == (2, 2)
    assert (found.agreement.count, found.agreement.n) == (2, 4)


def test_what_cannot_be_said_is_not_said():
    one_sided = calibrate([Judged(1, 1, 3)] * 5)
    assert one_sided.kappa.value is None
    assert one_sided.specificity.value is None
    assert one_sided.length.rho is None
    assert one_sided.consistent.n == 0
    assert calibrate([]).agreement.value is None
    assert trend([1, 2], [1, 2]).rho is None


verdicts = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60)


@given(verdicts)
def test_kappa_is_symmetric_and_at_most_one(pairs):
    found, turned = kappa(pairs), kappa([(b, a) for a, b in pairs])
    if found.value is None:
        assert len({a for a, _ in pairs} | {b for _, b in pairs}) == 1
        return
    assert found.value == pytest.approx(turned.value)
    assert found.low <= found.value <= found.high <= 1
    assert (found.value == pytest.approx(1)) == all(a == b for a, b in pairs)


@given(st.integers(0, 40), st.integers(1, 40))
def test_an_interval_holds_its_share(count, more):
    found = share(count, count + more)
    assert found.low <= found.value <= found.high
