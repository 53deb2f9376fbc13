"""Shares corrected for a judge's errors: published values, limits, and what shows nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion, Sums
from gatekeeper.core.statistics import judge
from gatekeeper.core.statistics.corrected import CONTRADICTED, corrected
from gatekeeper.core.statistics.corrected_pairs import corrected_difference
from gatekeeper.core.statistics.pairs import paired_share
from gatekeeper.core.statistics.shares import share
from gatekeeper.model.policy import Calibration

ALPHA = 0.05


def calibration(sensitivity: float, specificity: float, n: int) -> Calibration:
    """`n` labels of events, and as many of others."""
    right, right_others = round(sensitivity * n), round(specificity * n)
    return Calibration(
        true_events=right,
        missed_events=n - right,
        true_others=right_others,
        false_events=n - right_others,
    )


USUAL = calibration(0.9, 0.98, 200)


def test_published_example() -> None:
    """20 of 120 called at 0.9 and 0.99: 0.17603 (0.1066 to 0.2647), R package RSurveillance."""
    found = corrected(Proportion(120, 20), calibration(0.9, 0.99, 10_000_000))
    assert found.value == pytest.approx(0.17603, abs=1e-5)
    assert found.bounds(0.025) == pytest.approx((0.1066, 0.2647), abs=5e-4)


def test_a_perfect_judge_that_is_known_well_changes_nothing() -> None:
    seen = Proportion(400, 30)
    found = corrected(seen, calibration(1, 1, 1_000_000))
    assert found.bounds(ALPHA) == pytest.approx(share(seen).bounds(ALPHA), abs=1e-4)
    assert found.p(0.1, "below") == pytest.approx(share(seen).p(0.1, "below"), rel=0.01)
    assert found.detectable(0.1, "below", ALPHA) == pytest.approx(
        share(seen).detectable(0.1, "below", ALPHA), abs=1e-4
    )
    assert found.needed(0.1, ALPHA) == pytest.approx(share(seen).needed(0.1, ALPHA), rel=0.05)


def test_the_less_is_known_of_the_judge_the_wider_the_bounds() -> None:
    widths = []
    for n in (50, 500, 50_000):
        low, high = corrected(Proportion(600, 60), calibration(0.9, 0.98, n)).bounds(ALPHA)
        assert low is not None
        assert high is not None
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(20, 2000),
    portion=st.floats(0.02, 0.9),
    alpha=st.floats(0.005, 0.3),
    sensitivity=st.sampled_from([0.7, 0.9, 1.0]),
)
def test_bounds_and_p_agree(n: int, portion: float, alpha: float, sensitivity: float) -> None:
    found = corrected(Proportion(n, round(portion * n)), calibration(sensitivity, 0.98, 100))
    low, high = found.bounds(alpha)
    if low is None or high is None:
        assert found.p(0.5, "below") is None
        return
    assert 0 <= low <= found.value <= high <= 1
    if 0.001 < low < found.value:
        assert found.p(low, "above") == pytest.approx(alpha, abs=1e-6)
    if found.value < high < 0.999:
        assert found.p(high, "below") == pytest.approx(alpha, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(events=st.integers(10, 199), limit=st.floats(0.05, 0.95))
def test_another_call_never_helps(events: int, limit: float) -> None:
    found = [corrected(Proportion(200, k), USUAL).p(limit, "below") for k in (events, events + 1)]
    if found[0] is not None and found[1] is not None:
        assert found[0] <= found[1]


def test_the_lattice_averages_as_many_random_draws_do() -> None:
    random = np.random.default_rng(1)
    seen = Proportion(600, 40)
    drawn = 400_000
    called = random.beta(41, 560, drawn)
    sensitive = random.beta(USUAL.true_events, USUAL.missed_events + 1, drawn)
    specific = random.beta(USUAL.true_others + 1, USUAL.false_events, drawn)
    true = np.clip((called + specific - 1) / (sensitive + specific - 1), 0, 1)
    high = corrected(seen, USUAL).bounds(ALPHA)[1]
    assert high == pytest.approx(float(np.quantile(true, 1 - ALPHA)), abs=3e-4)


@pytest.mark.parametrize("table", [(30, 20, 30, 20), (18, 2, 11, 9), (6, 4, 6, 4), (3, 1, 4, 1)])
def test_better_than_chance_is_what_fishers_exact_test_shows(
    table: tuple[int, int, int, int],
) -> None:
    true_events, missed_events, true_others, false_events = table
    found = Calibration(
        true_events=true_events,
        missed_events=missed_events,
        true_others=true_others,
        false_events=false_events,
    )
    p = fisher_exact(
        [[true_events, missed_events], [false_events, true_others]], alternative="greater"
    ).pvalue
    assert judge.better_than_chance(found) == (p <= ALPHA)
    assert float((judge.gains(found, "below") <= 0).mean()) == pytest.approx(p, abs=0.01)


@pytest.mark.parametrize(
    ("seen", "judged", "why"),
    [
        (Proportion(500, 250), calibration(0.5, 0.5, 100), "better than chance"),
        (Proportion(500, 250), calibration(0.3, 0.6, 100), "better than chance"),
        (Proportion(500, 250), calibration(1, 1, 2), "better than chance"),
        (Proportion(5000, 3), calibration(0.9, 0.9, 300), "contradict"),
        (Proportion(5000, 4990), calibration(0.8, 0.9, 300), "contradict"),
        (Proportion(500, 20, clusters=Sums(1, (20, 500), ((400, 10_000), (10_000, 250_000)))),
         USUAL, "single cluster"),
    ],
)  # fmt: skip
def test_what_shows_nothing_has_no_bounds(seen: Proportion, judged: Calibration, why: str) -> None:
    found = corrected(seen, judged)
    assert why in found.method
    assert 0 <= found.value <= 1
    assert found.bounds(ALPHA) == (None, None)
    assert found.p(1.0, "below") is None
    assert found.detectable(0.5, "below", ALPHA) is None
    assert found.needed(0.5, ALPHA) is None


def test_clusters_widen_the_bounds() -> None:
    sums = Sums(20, (40, 600), ((200, 1200), (1200, 18_000)))
    alone = corrected(Proportion(600, 40), USUAL).bounds(ALPHA)
    together = corrected(Proportion(600, 40, clusters=sums), USUAL).bounds(ALPHA)
    assert corrected(Proportion(600, 40, clusters=sums), USUAL).design_effect > 1
    assert together[0] < alone[0]  # type: ignore[operator]
    assert together[1] > alone[1]  # type: ignore[operator]


def test_more_samples_cannot_settle_what_the_calibration_leaves_open() -> None:
    assert corrected(Proportion(600, 30), calibration(0.9, 0.98, 100)).needed(0.04, ALPHA) is None
    assert corrected(Proportion(600, 30), calibration(0.9, 0.98, 20_000)).needed(0.04, ALPHA)


@pytest.mark.parametrize(("limit", "side"), [(0.1, "below"), (0.03, "above")])
def test_what_is_detectable_is_shown_four_times_of_five(limit: float, side: str) -> None:
    n = 800
    found = corrected(Proportion(n, 60), USUAL)
    truth = found.detectable(limit, side, ALPHA)  # type: ignore[arg-type]
    assert truth is not None
    called = truth * 0.9 + (1 - truth) * 0.02
    drawn = np.random.default_rng(2).binomial(n, called, 300)
    shown = [corrected(Proportion(n, int(k)), USUAL).p(limit, side) for k in set(drawn)]  # type: ignore[arg-type]
    rate = dict(zip(set(drawn), shown, strict=True))
    assert np.mean([(rate[k] or 0) <= ALPHA for k in drawn]) == pytest.approx(0.8, abs=0.06)


# -- differences ----------------------------------------------------------------------------------


def paired(n: int, candidate: int, baseline: int, clusters: Sums | None = None) -> PairedProportion:
    pairs = Pairs(n, candidate, baseline)
    sides = Proportion(n, n // 4 + candidate), Proportion(n, n // 4 + baseline)
    return PairedProportion(*sides, high=pairs, low=pairs, clusters=clusters)


def test_a_difference_is_divided_by_the_gain() -> None:
    found = corrected_difference(paired(1000, 60, 30), USUAL)
    assert found.value == pytest.approx(0.03 / 0.88)
    assert found.candidate is not None
    assert found.baseline is not None
    assert found.candidate - found.baseline == pytest.approx(0.03 / 0.88)


@pytest.mark.parametrize(("candidate", "baseline"), [(60, 30), (30, 60), (40, 40), (0, 0)])
def test_bounds_of_a_difference_agree_with_p(candidate: int, baseline: int) -> None:
    found = corrected_difference(paired(1000, candidate, baseline), USUAL)
    low, high = found.bounds(ALPHA)
    assert low is not None
    assert high is not None
    assert low < found.value < high
    assert found.p(low, "above") == pytest.approx(ALPHA, abs=1e-6)
    assert found.p(high, "below") == pytest.approx(ALPHA, abs=1e-6)


def test_a_difference_by_a_perfect_judge_is_the_difference_of_calls() -> None:
    seen = paired(1000, 60, 30)
    found = corrected_difference(seen, calibration(1, 1, 1_000_000))
    assert found.bounds(ALPHA) == pytest.approx(paired_share(seen).bounds(ALPHA), abs=1e-4)
    assert found.detectable(0.08, "below", ALPHA) == pytest.approx(
        paired_share(seen).detectable(0.08, "below", ALPHA), abs=1e-3
    )
    assert found.needed(0.05, ALPHA) == pytest.approx(
        paired_share(seen).needed(0.05, ALPHA), rel=0.01
    )


def test_a_difference_in_clusters() -> None:
    sums = Sums(20, (0, 600), ((300, 0), (0, 18_000)))
    alone = corrected_difference(paired(600, 60, 60), USUAL)
    together = corrected_difference(paired(600, 60, 60, sums), USUAL)
    high = together.bounds(ALPHA)[1]
    assert high is not None
    assert high > (alone.bounds(ALPHA)[1] or 1)
    assert together.p(high, "below") == pytest.approx(ALPHA, abs=1e-6)
    assert (together.needed(0.05, ALPHA) or 0) > (alone.needed(0.05, ALPHA) or 0) > 0


def test_a_difference_that_shows_nothing() -> None:
    chance = corrected_difference(paired(600, 6, 6), calibration(0.5, 0.5, 50))
    one = Sums(1, (0, 600), ((0, 0), (0, 360_000)))
    for found in (chance, corrected_difference(paired(600, 6, 6, one), USUAL)):
        assert found.bounds(ALPHA) == (None, None)
        assert found.p(0.9, "below") is None
        assert found.detectable(0.5, "below", ALPHA) is None
        assert found.needed(0.5, ALPHA) is None


def test_fewer_calls_than_false_alarms_leave_no_more_possible_than_p_says() -> None:
    """Eight calls where about twenty would be false: p is below alpha at every limit."""
    found = corrected(Proportion(100, 8), calibration(0.86, 0.8, 50))
    assert found.value == 0
    assert CONTRADICTED < found.p(0.0, "below") < ALPHA
    assert found.bounds(ALPHA) == (0, 0)
    strict = found.bounds(0.02)[1]
    assert 0 < strict < 1
    assert found.p(strict, "below") == pytest.approx(0.02, rel=1e-3)


def test_more_changed_calls_than_changes_could_make_leave_no_more_possible_than_p_says() -> None:
    """All of 40 differ where at most six of ten would: p is small on every side of every limit."""
    seen = PairedProportion(
        Proportion(40, 40), Proportion(40, 0), Pairs(40, 40, 0), Pairs(40, 40, 0)
    )
    found = corrected_difference(seen, calibration(0.8, 0.8, 100))
    assert found.value == 1
    assert found.p(0.9, "above") < ALPHA
    assert found.bounds(ALPHA)[0] > 0.9
