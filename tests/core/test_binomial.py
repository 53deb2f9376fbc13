"""Tails and plans of shares: against statsmodels, and where counts are fractions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import binom_test, proportion_confint

from gatekeeper.core.statistics import binomial
from gatekeeper.core.statistics.clustered_share import Beta
from gatekeeper.core.statistics.roots import crossing

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(seen=counts, alpha=st.floats(0.001, 0.4), limit=st.floats(0.001, 0.999))
def test_agrees_with_statsmodels(seen: tuple[int, int], alpha: float, limit: float) -> None:
    events, n = seen
    bounds = binomial.lower(events, n, alpha), binomial.upper(events, n, alpha)
    assert bounds == pytest.approx(proportion_confint(events, n, 2 * alpha, "beta"), abs=1e-9)
    tails = binomial.at_most(events, n, limit), binomial.at_least(events, n, limit)
    expected = [binom_test(events, n, limit, side) for side in ("smaller", "larger")]
    assert tails == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(events=st.floats(0, 50), more=st.floats(0.01, 50), alpha=st.floats(0.001, 0.4))
def test_fractions_of_events_lie_between_whole_ones(
    events: float, more: float, alpha: float
) -> None:
    n = events + more
    whole = np.floor(events)
    assert binomial.upper(whole, n, alpha) <= binomial.upper(events, n, alpha)
    assert binomial.lower(whole, n, alpha) <= binomial.lower(events, n, alpha)


@settings(deadline=None)
@given(
    n=st.integers(1, 5000),
    limit=st.floats(0.001, 0.999),
    alpha=st.floats(0.001, 0.4),
)
def test_the_critical_count_is_the_last_that_shows_it(n: int, limit: float, alpha: float) -> None:
    events = binomial.critical(n, limit, alpha)
    assert events < 0 or binomial.at_most(events, n, limit) <= alpha
    assert binomial.at_most(events + 1, n, limit) > alpha


@pytest.mark.parametrize(
    ("truth", "limit", "side", "expected"),
    [
        (0.0, 0.005, "below", 1.0),
        (0.005, 0.005, "below", 0.0499),
        (1.0, 0.78, "above", 1.0),
        (0.78, 0.78, "above", 0.05),
    ],
)
def test_power_at_the_ends(truth: float, limit: float, side: str, expected: float) -> None:
    power = binomial.power_of_share(598, truth, limit, side, 0.05)  # type: ignore[arg-type]
    assert power == pytest.approx(expected, abs=0.015)
    assert binomial.power_of_share(10, 0.0, 0.005, "below", 0.05) == 0


@settings(deadline=None)
@given(n=st.integers(30, 3000), limit=st.floats(0.05, 0.95), power=st.floats(0.5, 0.95))
def test_the_nearest_detectable_truth_has_the_power(n: int, limit: float, power: float) -> None:
    for side in ("below", "above"):
        truth = binomial.nearest(n, limit, side, 0.05, power)  # type: ignore[arg-type]
        if truth is not None:
            found = binomial.power_of_share(n, truth, limit, side, 0.05)  # type: ignore[arg-type]
            assert found == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize(("truth", "limit"), [(0.18, 0.1801), (0.5, 0.4999)])
def test_nobody_is_told_to_collect_ten_million(truth: float, limit: float) -> None:
    needed = binomial.fewest(truth, limit, 0.05, 0.8)
    assert needed is None or needed <= binomial.LARGEST_N


@pytest.mark.parametrize(
    ("truth", "limit", "least"), [(1.0, 0.5, 5), (0.0, 0.5, 5), (1.0, 0.04, 1), (1.0, 0.9, 29)]
)
def test_what_always_happens_still_needs_samples(truth: float, limit: float, least: int) -> None:
    assert binomial.fewest(truth, limit, 0.05, 0.8) == least


def test_certain_distributions() -> None:
    none, every = Beta(0, 5), Beta(5, 0)
    assert (none.quantile(0.05), every.quantile(0.95)) == (0, 1)
    assert (none.below(0.1), every.below(0.9)) == (1, 0)
    assert (none.above(0.1), every.above(0.9)) == (0, 1)
    assert none.mean_beyond(np.array([0.1, 0.5]), "above") == 1
    assert every.mean_beyond(np.array([0.1, 0.5]), "below") == 1


@pytest.mark.parametrize(
    ("function", "ends", "root"),
    [
        (lambda x: x * x - 2, (0.0, 2.0), 2**0.5),
        (lambda x: x - 0.3, (1.0, 0.0), 0.3),
        (lambda x: -1.0 if x < 0.7 else 1.0, (0.0, 1.0), 0.7),
        (lambda x: x**9, (-1.0, 2.0), 0.0),
        (lambda x: 1 + x, (0.0, 5.0), 5.0),
        (lambda x: x, (0.0, 1.0), 0.0),
    ],
)
def test_crossings(function, ends: tuple[float, float], root: float) -> None:
    assert crossing(function, *ends) == pytest.approx(root, abs=1e-3 if root == 0 else 1e-12)
