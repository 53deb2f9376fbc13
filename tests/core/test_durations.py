"""Quantiles of durations: against definitions and plain bootstraps, with and without dependence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from gatekeeper.core.observation import Times
from gatekeeper.core.statistics.dependence import blocks, design_effect
from gatekeeper.core.statistics.duration_changes import quantile_change
from gatekeeper.core.statistics.durations import OrderStatistics, fewest, quantile_of
from gatekeeper.core.statistics.unbounded import Unbounded

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Inference


def latencies(seed: int, n: int, factor: float = 1.1) -> Times:
    random = np.random.default_rng(seed)
    hard = random.gamma(3, 50_000, n)
    noise = random.normal(1, 0.1, (2, n)).clip(0.3)
    candidate, baseline = hard * noise[0] * factor, hard * noise[1]
    return Times(candidate.astype(np.int64), baseline.astype(np.int64))


def known(found: Inference | None) -> Inference:
    assert found is not None
    return found


def alone(values: np.ndarray, p: float) -> OrderStatistics:
    """Durations that do not depend on each other."""
    ordered = np.sort(values)
    value = float(np.quantile(ordered, p, method="inverted_cdf"))
    return OrderStatistics(value=value, n=len(values), method="", ordered=ordered, quantile=p)


@given(n=st.integers(60, 2000), p=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_bounds_are_the_tightest_ranks_that_cover(n: int, p: float) -> None:
    low, high = alone(np.arange(1, n + 1), p).bounds(0.05)
    if high is not None:
        assert binom.cdf(high - 1, n, p) >= 0.95 - 1e-9
        assert binom.cdf(high - 2, n, p) < 0.95 + 1e-9
    if low is not None:
        assert binom.cdf(low - 1, n, p) <= 0.05 + 1e-9
        assert binom.cdf(low, n, p) > 0.05 - 1e-9


def test_59_samples_are_the_fewest_for_a_bound_of_p95() -> None:
    assert (fewest(0.95, 0.05), fewest(0.99, 0.05), fewest(0.5, 0.05)) == (59, 299, 5)
    assert alone(np.arange(1, 60), 0.95).bounds(0.05)[1] == 59
    short = alone(np.arange(1, 59), 0.95)
    assert short.bounds(0.05)[1] is None
    assert short.needed(100, 0.05) == 59
    assert short.detectable(100, "below", 0.05) is None


@pytest.mark.parametrize(("n", "ranks"), [(10, (2, 9)), (20, (6, 15)), (30, (10, 21))])
def test_published_worked_values(n: int, ranks: tuple[int, int]) -> None:
    """Ranks of 95 % limits of a median: Campbell and Gardner (1988), BMJ 296:1454-1456."""
    assert alone(np.arange(1, n + 1), 0.5).bounds(0.025) == ranks


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(30, 300),
    p=st.sampled_from([0.5, 0.95]),
    alpha=st.sampled_from([0.01, 0.05, 0.2]),
)
def test_a_limit_is_passed_exactly_where_p_says_so(
    seed: int, n: int, p: float, alpha: float
) -> None:
    seen = latencies(seed, n)
    for found in (known(quantile_of(seen, p)), known(quantile_change(seen, p))):
        low, high = found.bounds(alpha)
        if isinstance(found, Unbounded):
            assert (low, high, found.p(found.value, "below")) == (None, None, None)
            continue
        for limit in (*(found.value * np.linspace(0.5, 1.5, 9)).tolist(), low, high):
            below = limit is not None and found.p(limit, "below") <= alpha + 1e-12
            above = limit is not None and found.p(limit, "above") <= alpha + 1e-12
            assert below == (high is not None and limit is not None and high <= limit)
            assert above == (low is not None and limit is not None and low >= limit)


@pytest.mark.parametrize(("n", "p"), [(400, 0.95), (2000, 0.99), (400, 0.5)])
def test_a_plain_bootstrap_of_blocks_agrees(n: int, p: float) -> None:
    seen = latencies(1, n)
    found = known(quantile_change(seen, p))
    group = blocks(n, found.draws[0].degrees + 1)
    random, changes = np.random.default_rng(2), []
    members = [np.flatnonzero(group == block) for block in range(group.max() + 1)]
    for _ in range(2000):
        drawn = random.poisson(1, len(members)).tolist()
        chosen = np.concatenate(
            [part for part, times in zip(members, drawn, strict=True) for _ in range(times)]
        )
        tops = [
            np.quantile(side[chosen], p, method="inverted_cdf")
            for side in (seen.candidate, seen.baseline)
        ]
        changes.append(tops[0] / tops[1] - 1)
    drawn = found.draws[0].ordered
    width = np.quantile(changes, 0.95) - np.quantile(changes, 0.05)
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.quantile(drawn, share) == pytest.approx(
            np.quantile(changes, share), abs=0.08 * width
        )


def test_clusters_widen_what_looks_like_many_requests() -> None:
    random = np.random.default_rng(3)
    cluster = random.permutation(np.repeat(np.arange(40), 10))
    slow = random.lognormal(0, 0.4, (2, 40))[:, cluster]
    times = (1e5 * slow * random.normal(1, 0.05, (2, 400))).astype(np.int64)
    free, bound = Times(*times), Times(*times, cluster)
    for method in (quantile_of, quantile_change):
        one, other = known(method(free, 0.9)), known(method(bound, 0.9))
        (low, high), (lower, higher) = one.bounds(0.05), other.bounds(0.05)
        assert higher - lower > 1.3 * (high - low)
        assert (one.clusters, other.clusters) == (0, 40)
    assert known(quantile_of(bound, 0.9)).design_effect > 3


def test_requests_that_queue_behind_each_other_count_as_fewer() -> None:
    random = np.random.default_rng(4)
    busy = np.repeat(random.exponential(1, 100), 20)
    found = known(quantile_of(Times((1e5 * (1 + busy)).astype(np.int64)), 0.95))
    assert found.design_effect > 5
    shuffled = known(quantile_of(Times((1e5 * (1 + random.permutation(busy))).astype(int)), 0.95))
    assert shuffled.design_effect < 2


def test_design_effect_of_equal_groups_is_one_plus_size_less_one_times_likeness() -> None:
    """Kish's formula where members of a group are all alike: the size of the group."""
    values = np.repeat(np.random.default_rng(5).normal(size=1000), 4)
    group = np.repeat(np.arange(1000), 4)
    assert design_effect(values, group) == pytest.approx(4, rel=0.01)
    assert design_effect(values, np.zeros(4000, int)) == 1
    assert design_effect(np.ones(4000), group) == 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), worse=st.floats(1.0, 3.0))
def test_slower_requests_never_help(seed: int, worse: float) -> None:
    seen = latencies(seed, 400)
    slower = Times((seen.candidate * worse).astype(np.int64), seen.baseline)
    for method in (quantile_of, quantile_change):
        one, other = known(method(seen, 0.9)), known(method(slower, 0.9))
        limit = one.value * 1.1
        assume(not isinstance(one, Unbounded))
        assert other.p(limit, "below") >= one.p(limit, "below") - 1e-9
        assert other.bounds(0.05)[1] >= one.bounds(0.05)[1] - 1e-4 * abs(one.value)


def test_too_few_or_all_tied_have_no_bounds() -> None:
    few = known(quantile_change(latencies(1, 58), 0.95))
    assert few.bounds(0.05) == (None, None)
    assert few.p(100.0, "below") > 0.05
    assert few.needed(100.0, 0.05) >= 59
    same = Times(np.full(500, 1000), np.full(500, 1000))
    for method in (quantile_of, quantile_change):
        found = known(method(same, 0.95))
        assert isinstance(found, Unbounded)
        assert found.bounds(0.05) == (None, None)
        assert (found.p(1e9, "below"), found.needed(1e9, 0.05)) == (None, None)
    one = known(quantile_of(Times(np.array([5])), 0.95))
    assert (one.value, one.bounds(0.05), one.needed(9, 0.05)) == (5, (None, None), 59)
    assert known(quantile_change(Times(np.array([5]), np.array([4])), 0.95)).needed(9, 0.05) == 59
    assert quantile_of(Times(np.array([], dtype=np.int64)), 0.95) is None
    assert quantile_change(Times(np.array([5])), 0.95) is None


def test_the_detectable_truth_is_detected_with_that_power() -> None:
    """Exponential durations whose p95 is what is said to be detectable; 1,000 samples each."""
    random = np.random.default_rng(6)
    times = random.exponential(1e6, 300)
    found = alone(times.astype(np.int64), 0.95)
    limit = found.value * 1.4
    scale = found.detectable(limit, "below", 0.05) / found.value
    shown = [
        alone(scale * np.sort(random.choice(times, 300)), 0.95).p(limit, "below") <= 0.05
        for _ in range(1000)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.06)
    needed = found.needed(limit, 0.05)
    shown = [
        alone(np.sort(random.choice(times, needed)), 0.95).p(limit, "below") <= 0.05
        for _ in range(1000)
    ]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.08)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), more=st.integers(1, 200))
def test_requests_beyond_the_limit_never_turn_a_failure_into_a_pass(seed: int, more: int) -> None:
    times = np.random.default_rng(seed).exponential(1e6, 150).astype(np.int64)
    found = known(quantile_of(Times(times), 0.9))
    limit = found.bounds(0.05)[0] - 1
    slower = np.concatenate([times, np.full(more, int(limit) + 1)])
    after = known(quantile_of(Times(slower), 0.9))
    assert (after.bounds(0.05)[1] or np.inf) > limit
    assert (after.p(limit, "below") or 1.0) > 0.05


@pytest.mark.parametrize("count", [1, 5, 10])
def test_few_clusters_seldom_show_that_a_p95_at_its_limit_is_met_or_broken(count: int) -> None:
    random, limit = np.random.default_rng(20261126), 950_000
    shown = {"below": 0, "above": 0}
    numbers = np.repeat(np.arange(count), 100 // count)
    for _ in range(300):
        alike = random.random(100) < 0.7
        times = np.where(alike, random.random(count)[numbers], random.random(100))
        seen = Times(np.round(times * 1e6).astype(np.int64), None, numbers)
        found = known(quantile_of(seen, 0.95))
        low, high = found.bounds(0.05)
        shown["below"] += high is not None and high <= limit
        shown["above"] += low is not None and low > limit
    assert max(shown.values()) <= 300 * (0.05 + 3 * np.sqrt(0.05 * 0.95 / 300))
    assert count > 1 or max(shown.values()) == 0
