"""Bounds of shares: published values, exact sizes by enumeration, and what must never happen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import gammaln
from scipy.stats import binom, binomtest

from gatekeeper.core.observation import PairedProportion, Pairs, Proportion
from gatekeeper.core.statistics.proportions import (
    clean_exposures,
    clopper_pearson,
    paired_difference,
    proportion,
    samples_needed,
    tango,
)


def test_no_event_in_300_leaves_one_percent_possible() -> None:
    low, high = clopper_pearson(0, 300, 0.05)
    assert low == 0
    assert high == pytest.approx(1 - 0.05 ** (1 / 300), abs=1e-12)
    assert f"{high:.2%}" == "0.99%"


def test_598_clean_samples_show_less_than_half_a_percent_and_597_do_not() -> None:
    assert clean_exposures(0.005, 0.05) == 598
    assert clopper_pearson(0, 598, 0.05)[1] < 0.005 < clopper_pearson(0, 597, 0.05)[1]


@pytest.mark.parametrize(
    ("events", "n", "low", "high"),
    [
        # Two-sided 95 % intervals of the paper's chart, read more exactly by later tables.
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
    ],
)
def test_published_intervals(events: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(events, n, 0.025) == pytest.approx((low, high), abs=5e-5)


@given(n=st.integers(1, 2000), share=st.floats(0, 1), alpha=st.floats(0.001, 0.4))
def test_agrees_with_scipy(n: int, share: float, alpha: float) -> None:
    events = round(share * n)
    expected = binomtest(events, n).proportion_ci(1 - 2 * alpha, method="exact")
    assert clopper_pearson(events, n, alpha) == pytest.approx(tuple(expected), abs=1e-9)


@given(n=st.integers(2, 500), events=st.integers(0, 499), unknown=st.integers(0, 500))
def test_bounds_hold_for_every_value_of_what_is_unknown(n: int, events: int, unknown: int) -> None:
    events = min(events, n)
    unknown = min(unknown, n - events)
    found = proportion(Proportion(n, events, unknown), 0.05)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= events / n <= (events + unknown) / n <= found.high


@given(n=st.integers(2, 500), events=st.integers(1, 500))
def test_another_event_raises_both_bounds(n: int, events: int) -> None:
    events = min(events, n)
    before, after = clopper_pearson(events - 1, n, 0.05), clopper_pearson(events, n, 0.05)
    assert before[0] < after[0]
    assert before[1] < after[1] or after[1] == 1


# -- paired differences ---------------------------------------------------------------------------


def corrected_score(pairs: Pairs, delta: float) -> float:
    """The same statistic from the likelihood: the nuisance parameter by numeric maximisation."""
    n, b, c = pairs.n, pairs.candidate_only, pairs.baseline_only
    distance = b - c - n * delta
    if abs(distance) <= 0.5:
        return 0.0

    def loss(q: float) -> float:
        p, rest = q + delta, 1 - 2 * q - delta
        terms = ((b, p), (c, q), (n - b - c, rest))
        return -sum(k * math.log(max(x, 1e-300)) for k, x in terms if k)

    bounds = max(0.0, -delta), (1 - delta) / 2
    q = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    variance = n * (2 * q + delta * (1 - delta))
    return (distance - math.copysign(0.5, distance)) / math.sqrt(variance)


@pytest.mark.parametrize(
    "pairs", [Pairs(100, 12, 5), Pairs(300, 3, 9), Pairs(44, 1, 7), Pairs(500, 40, 41)]
)
def test_bounds_are_where_the_likelihood_puts_them(pairs: Pairs) -> None:
    low, high = tango(pairs, 0.05)
    assert corrected_score(pairs, low) == pytest.approx(1.6448536, abs=1e-4)
    assert corrected_score(pairs, high) == pytest.approx(-1.6448536, abs=1e-4)


@pytest.mark.parametrize(("n", "limit"), [(100, 0.01), (200, 0.005), (300, 0.02)])
def test_at_its_limit_a_rule_passes_wrongly_at_most_at_alpha(n: int, limit: float) -> None:
    """The exact size: every table that passes, weighed with the worst nuisance parameter."""
    size = n // 6
    passing = np.array(
        [[tango(Pairs(n, b, c), 0.05)[1] <= limit for c in range(size)] for b in range(size)]
    )
    lost, gained = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    rest = n - lost - gained
    worst = 0.0
    for q in np.concatenate([[1e-9], np.linspace(0.002, 0.08, 40)]):
        p = q + limit
        log = gammaln(n + 1) - gammaln(lost + 1) - gammaln(gained + 1) - gammaln(rest + 1)
        log += lost * np.log(p) + gained * np.log(q) + rest * np.log(1 - p - q)
        worst = max(worst, float(np.exp(log)[passing].sum()))
    assert 0.03 < worst <= 0.05


@given(n=st.integers(2, 400), b=st.integers(0, 200), c=st.integers(0, 200))
def test_bounds_enclose_the_difference_and_mirror_each_other(n: int, b: int, c: int) -> None:
    b = min(b, n)
    c = min(c, n - b)
    low, high = tango(Pairs(n, b, c), 0.05)
    assert -1 <= low <= (b - c) / n <= high <= 1
    assert tango(Pairs(n, c, b), 0.05) == pytest.approx((-high, -low), abs=1e-9)


def test_equal_releases_are_not_shown_to_be_equal_by_few_pairs() -> None:
    assert tango(Pairs(20, 0, 0), 0.05)[1] > 0.1
    assert tango(Pairs(2000, 0, 0), 0.05)[1] < 0.002


def test_paired_difference_takes_the_worse_reading_on_each_side() -> None:
    known = Pairs(100, 5, 5)
    wide = PairedProportion(
        Proportion(100, 50), Proportion(100, 50), high=Pairs(100, 8, 5), low=Pairs(100, 5, 8)
    )
    found = paired_difference(wide, 0.05)
    assert found.low == tango(Pairs(100, 5, 8), 0.05)[0] < tango(known, 0.05)[0]
    assert found.high == tango(Pairs(100, 8, 5), 0.05)[1] > tango(known, 0.05)[1]


# -- how many samples -----------------------------------------------------------------------------


@given(
    n=st.integers(10, 300),
    share=st.floats(0, 1),
    limit=st.sampled_from([0.005, 0.05, 0.18, 0.5, 0.78, 0.99]),
)
def test_the_number_that_is_told_settles_it_and_is_not_far_too_large(
    n: int, share: float, limit: float
) -> None:
    seen = Proportion(n, round(share * n))
    rate = seen.events / n
    needed = samples_needed(seen, limit, 0.05)
    if needed is None:
        assert abs(rate - limit) < 0.001
        return
    events = math.ceil(rate * needed) if rate < limit else math.floor(rate * needed)
    low, high = clopper_pearson(events, needed, 0.05)
    assert high <= limit if rate < limit else low >= limit


def test_a_share_at_its_limit_is_settled_by_no_number() -> None:
    assert samples_needed(Proportion(50, 39), 0.78, 0.05) is None
    assert samples_needed(Proportion(10_000_000, 7_799_999), 0.78, 0.05) is None


def test_exact_bounds_cover() -> None:
    """At 5 % one-sided, the upper bound misses the truth in at most 5 % of samples, exactly."""
    for truth in (0.01, 0.2, 0.5):
        weights = binom.pmf(np.arange(101), 100, truth)
        missed = [clopper_pearson(k, 100, 0.05)[1] < truth for k in range(101)]
        assert weights[missed].sum() <= 0.05
