"""Sizes that settle a rule with the chance that is promised, given what a run leaves possible."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gatekeeper.core.observation import Proportion
from gatekeeper.core.statistics.assurance import assured, assured_share, multiple
from gatekeeper.core.statistics.means import mean_of
from gatekeeper.core.statistics.shares import share
from sums import sums_of


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 1.6, 2.5])
def test_as_many_settle_it_in_eighty_of_a_hundred_worlds(distance: float) -> None:
    """By drawing truths from around the estimate, which is integration in another way."""
    random = np.random.default_rng(1)
    truth = distance + random.standard_normal(200_000)
    again = truth * math.sqrt(multiple(distance, 0.05, 0.8, math.inf)) + random.standard_normal(
        200_000
    )
    assert (np.abs(again) > stats.norm.ppf(0.95)).mean() == pytest.approx(0.8, abs=0.01)


def test_an_unknown_variance_asks_for_more_and_a_far_estimate_for_less() -> None:
    for near, far in ((0.0, 0.5), (0.5, 1.5), (1.5, 3.0)):
        assert multiple(near, 0.05, 0.8, math.inf) > multiple(far, 0.05, 0.8, math.inf)
    assert (
        multiple(1.6, 0.05, 0.8, 4)
        > multiple(1.6, 0.05, 0.8, 19)
        > multiple(1.6, 0.05, 0.8, math.inf)
    )


def test_at_the_limit_a_size_is_finite_and_near_it_less_than_for_the_estimate_alone() -> None:
    assert assured(None, 100, 0.05, 0.8) == 4118
    assert assured(1_000_000, 100, 0.05, 0.8) == pytest.approx(4118, rel=0.001)
    assert (assured(200, 100, 0.05, 0.8) or 0) > 350
    assert assured(None, 10_000_000, 0.05, 0.8) is None


@given(n=st.integers(2, 500), data=st.data(), limit=st.floats(0.01, 0.99))
def test_a_share_is_settled_by_the_size_as_often_as_promised(
    n: int, data: st.DataObject, limit: float
) -> None:
    events = data.draw(st.integers(0, n))
    size = assured_share(events, n, limit, 0.05, 0.8)
    assert size is not None
    truths = stats.beta(events + 0.5, n - events + 0.5).rvs(400, random_state=1)
    counts = stats.binom(size, truths).rvs(random_state=2)
    below = stats.binom.cdf(counts, size, limit) <= 0.05
    above = stats.binom.sf(counts - 1, size, limit) <= 0.05
    assert (below | above).mean() > 0.8 - 5 * 0.02


def test_a_mean_of_few_samples_asks_for_more_than_the_estimate_alone() -> None:
    scores = np.random.default_rng(3).integers(400_000, 900_000, 20)
    found = mean_of(sums_of(scores, [10**6] * 20, groups=0))
    assert found is not None
    limit = found.value + 1.4 * float(scores.std(ddof=1)) / 10**6 / math.sqrt(20)
    assert (found.settling(limit, 0.05) or 0) > 2 * (found.needed(limit, 0.05) or 0) > 40


def test_none_in_300_may_hide_one_in_300() -> None:
    found = share(Proportion(300, 0))
    assert found.needed(0.005, 0.05) == 598
    assert found.settling(0.005, 0.05) == pytest.approx(2100, rel=0.05)
