"""BCa of ratios from group totals: against scipy on samples, the delta method, and bad data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gatekeeper.core.observation import Sums
from gatekeeper.core.statistics.bca import FEWEST_GROUPS, bca_change, bca_of
from gatekeeper.core.statistics.ratios import ratio_change, ratio_of
from gatekeeper.core.statistics.resampling import REPLICATES, weights
from gatekeeper.core.statistics.ties import Tied
from gatekeeper.core.statistics.unbounded import Unbounded
from sums import sums_of

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Inference

MONTE_CARLO = 0.06
"""Of the half-width: twice the standard error of what two bootstraps differ by."""

FIRST = [
    [0, 2, 2, 2, 1, 0, 0, 1, 1, 2, 0, 1],
    [3, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 0],
    [0, 3, 0, 2, 2, 0, 1, 2, 0, 2, 1, 0],
]


def costs(seed: int, n: int, sigma: float = 0.5) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(seed)
    hard = random.lognormal(12, sigma, n)
    noise = random.normal(1, 0.1, (2, n)).clip(0.5)
    resolved = (random.random((2, n)) < 0.9).astype(int)
    return (hard * noise[0]).astype(int), resolved[0], (hard * noise[1]).astype(int), resolved[1]


def known(found: Inference | None) -> Inference:
    assert found is not None
    return found


@pytest.mark.parametrize("sigma", [0.5, 1.5])
def test_scipy_on_the_samples_agrees(sigma: float) -> None:
    y, d, *_ = costs(1, 400, sigma)
    found = known(bca_of(sums_of(y, d)))
    expected = stats.bootstrap(
        (y, d),
        lambda y, d, axis: y.sum(axis=axis) / d.sum(axis=axis),
        paired=True,
        confidence_level=0.9,
        n_resamples=REPLICATES,
        method="BCa",
        rng=np.random.default_rng(2),
    ).confidence_interval
    low, high = found.bounds(0.05)
    assert low == pytest.approx(expected.low, abs=MONTE_CARLO * (found.value - expected.low))
    assert high == pytest.approx(expected.high, abs=MONTE_CARLO * (expected.high - found.value))


def test_groups_of_samples_say_what_the_samples_say() -> None:
    """40,000 samples in 4,096 groups: width and skewness stay, up to Monte-Carlo error."""
    y, d, before, per = costs(3, 40_000)
    found = known(bca_change(sums_of(y, d, before, per)))
    random, changes = np.random.default_rng(4), []
    columns = np.stack([y, d, before, per], axis=1).astype(float)
    for _ in range(500):
        totals = random.poisson(1.0, 40_000) @ columns
        changes.append(totals[0] * totals[3] / totals[1] / totals[2] - 1)
    low, high = found.bounds(0.05)
    assert (high - low) / 2 == pytest.approx(1.645 * np.std(changes), rel=0.08)


@pytest.mark.parametrize(("n", "tolerance"), [(200, 0.06), (4000, 0.03)])
def test_the_delta_method_agrees_where_tails_are_light(n: int, tolerance: float) -> None:
    seen = sums_of(*costs(5, n, 0.3))
    for one, other in ((bca_of, ratio_of), (bca_change, ratio_change)):
        part = seen if one is bca_change else sums_of(*costs(5, n, 0.3)[:2])
        found, delta = known(one(part)), known(other(replace(part, groups=None)))
        reach = delta.bounds(0.05)[1] - delta.value
        assert found.bounds(0.05) == pytest.approx(delta.bounds(0.05), abs=tolerance * reach * 2)
        limit = delta.value + reach * 0.8
        assert found.p(limit, "below") == pytest.approx(delta.p(limit, "below"), abs=0.025)


def test_heavy_tails_reach_farther_up_than_down() -> None:
    y, d, *_ = costs(6, 100, 1.5)
    found = known(bca_of(sums_of(y, d)))
    low, high = found.bounds(0.05)
    assert high / found.value > 1.02 * found.value / low


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(20, 60),
    alpha=st.sampled_from([0.002, 0.01, 0.05, 0.2]),
)
def test_a_limit_is_passed_exactly_where_p_says_so(seed: int, n: int, alpha: float) -> None:
    found = known(bca_change(sums_of(*costs(seed, n, 1.0))))
    low, high = found.bounds(alpha)
    for limit in (*np.linspace(-0.3, 0.3, 13).tolist(), low, high):
        if high is not None and limit is not None:
            assert (high <= limit) == (found.p(limit, "below") <= alpha + 1e-12)
        if low is not None and limit is not None:
            assert (low >= limit) == (found.p(limit, "above") <= alpha + 1e-12)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_samples_changes_no_digit(seed: int) -> None:
    columns, names = costs(seed, 50), [f"sample-{place}" for place in range(50)]
    order = np.random.default_rng(seed).permutation(50)
    shuffled = [column[order] for column in columns]
    one = known(bca_change(sums_of(*columns, names=names)))
    other = known(bca_change(sums_of(*shuffled, names=[names[place] for place in order])))
    assert one == other
    assert one.bounds(0.05) == other.bounds(0.05)
    assert one.p(0.05, "below") == other.p(0.05, "below")


def test_totals_beyond_what_a_float_holds_are_cut_not_wrong() -> None:
    y, d, before, per = (column.astype(object) for column in costs(7, 100))
    small = known(bca_change(sums_of(y, d, before, per)))
    large = known(bca_change(sums_of(y * 10**10, d, before * 10**10, per)))
    assert large.bounds(0.05) == pytest.approx(small.bounds(0.05), rel=1e-9)


def test_a_few_groups_ties_and_zeros_have_no_bounds() -> None:
    few = costs(8, FEWEST_GROUPS - 1)
    found = known(bca_change(sums_of(*few)))
    assert isinstance(found, Unbounded)
    assert (found.bounds(0.05), found.p(1, "below")) == ((None, None), None)
    tied = [[500] * 300, [1] * 300]
    assert isinstance(bca_of(sums_of(*tied)), Unbounded)
    assert isinstance(bca_of(sums_of(*tied), ties=True), Tied)
    assert bca_of(sums_of([5, 6], [0, 0])) is None
    one_resolved = sums_of(range(100, 200), [1] + [0] * 99)
    assert known(bca_of(one_resolved)).bounds(0.05) == (None, None)
    two_resolved = known(bca_of(sums_of(range(100, 200), [1, 1] + [0] * 98)))
    assert two_resolved.bounds(0.05)[1] is None


def test_without_groups_the_delta_method_decides() -> None:
    seen = sums_of(*costs(9, 50))
    bare = Sums(seen.n, seen.totals, seen.products, seen.samples)
    assert bca_change(bare) == ratio_change(bare)


def test_weights_are_poisson_and_never_change() -> None:
    drawn = weights(1000).astype(float)
    assert drawn.mean() == pytest.approx(1, abs=0.002)
    assert drawn.var() == pytest.approx(1, abs=0.003)
    assert ((drawn - 1) ** 3).mean() == pytest.approx(1, abs=0.01)
    assert weights(3)[:, :12].tolist() == FIRST
    assert (weights(70)[:3] == weights(3)).all()
