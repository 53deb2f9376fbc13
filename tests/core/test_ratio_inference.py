"""Ratios and means of sums: against scipy, statsmodels, and what must never happen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS

from gatekeeper.core.observation import Sums
from gatekeeper.core.statistics.inference import Inference
from gatekeeper.core.statistics.means import mean_difference, mean_of
from gatekeeper.core.statistics.ratios import ratio_change, ratio_of
from gatekeeper.core.statistics.student import WIDEST_SKEWNESS, Student
from gatekeeper.core.statistics.unbounded import Unbounded
from sums import sums_of

ONE = 10**6
"""Scores are counted in millionths."""
ALPHAS = (0.001, 0.05, 0.2)
Method = Callable[[Sums], Inference | None]


def costs(seed: int, n: int = 200, factor: float = 1.1) -> tuple[np.ndarray, ...]:
    """Cost and resolution of a candidate and a baseline on the same samples."""
    random = np.random.default_rng(seed)
    hard = random.gamma(4, 250_000, n)
    noise = random.normal(1, 0.1, (2, n)).clip(0.5)
    resolved = (random.random((2, n)) < 0.9).astype(int)
    first, second = (hard * noise[0] * factor).astype(int), (hard * noise[1]).astype(int)
    return first, resolved[0], second, resolved[1]


def found_of(method: Method, seen: Sums) -> Inference:
    found = method(seen)
    assert found is not None
    return found


METHODS = [
    pytest.param(ratio_of, 2, id="ratio"),
    pytest.param(ratio_change, 4, id="change"),
    pytest.param(mean_of, 2, id="mean"),
    pytest.param(mean_difference, 4, id="difference"),
]


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_mean_of_samples_is_the_t_test_of_scipy(alpha: float) -> None:
    scores = np.random.default_rng(1).integers(0, ONE, 50)
    found = found_of(mean_of, sums_of(scores, [ONE] * 50, groups=0))
    test = stats.ttest_1samp(scores / ONE, 0.45, alternative="less")
    interval = stats.ttest_1samp(scores / ONE, 0).confidence_interval(1 - 2 * alpha)
    assert found.bounds(alpha) == pytest.approx(tuple(interval), rel=1e-9)
    assert found.p(0.45, "below") == pytest.approx(test.pvalue, rel=1e-9)
    assert found.p(0.45, "above") == pytest.approx(1 - test.pvalue, rel=1e-9)
    assert (found.n, found.clusters) == (50, 0)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_difference_of_samples_is_the_paired_t_test_of_scipy(alpha: float) -> None:
    random = np.random.default_rng(2)
    baseline = random.integers(0, ONE, 40)
    candidate = baseline // 2 + random.integers(0, ONE // 2, 40)
    found = found_of(
        mean_difference, sums_of(candidate, [ONE] * 40, baseline, [ONE] * 40, groups=0)
    )
    interval = stats.ttest_rel(candidate / ONE, baseline / ONE).confidence_interval(1 - 2 * alpha)
    test = stats.ttest_rel(candidate / ONE, baseline / ONE, alternative="greater")
    assert found.bounds(alpha) == pytest.approx(tuple(interval), rel=1e-9)
    assert found.p(0, "above") == pytest.approx(test.pvalue, rel=1e-9)


def test_published_worked_values_of_a_paired_t_test() -> None:
    """Sleep of ten patients under two drugs: Student (1908), "The probable error of a mean"."""
    first = [7, -16, -2, -12, -1, 34, 37, 8, 0, 20]
    second = [19, 8, 11, 1, -1, 44, 55, 16, 46, 34]
    found = found_of(mean_difference, sums_of(second, [10] * 10, first, [10] * 10, groups=0))
    assert found.value == pytest.approx(1.58)
    assert found.p(0, "above") == pytest.approx(0.00283289 / 2, rel=1e-5)
    assert found.bounds(0.025) == pytest.approx((0.7001142, 2.4598858), rel=1e-6)


@pytest.mark.parametrize("groups", [4, 25])
def test_a_clustered_mean_is_the_robust_regression_of_statsmodels(groups: int) -> None:
    """With only an intercept its small-sample factor is that of the groups alone."""
    random = np.random.default_rng(3)
    n = 300
    cluster = random.integers(0, groups, n)
    scores = (ONE * (0.3 * random.random(groups)[cluster] + 0.6 * random.random(n))).astype(int)
    found = found_of(mean_of, sums_of(scores, [ONE] * n, clusters=cluster, groups=0))
    fit = OLS(scores / ONE, np.ones(n)).fit(
        cov_type="cluster",
        cov_kwds={"groups": cluster, "use_correction": True, "df_correction": True},
        use_t=True,
    )
    assert found.value == pytest.approx(float(fit.params[0]), rel=1e-12)
    assert found.bounds(0.05) == pytest.approx(tuple(fit.conf_int(0.10)[0]), rel=1e-9)
    assert (found.n, found.clusters) == (n, groups)


def test_a_clustered_change_is_the_regression_of_its_influence() -> None:
    """The delta method is least squares on each sample's influence, summed over clusters."""
    columns = costs(4, 300)
    cluster = np.random.default_rng(5).integers(0, 30, 300)
    found = found_of(ratio_change, sums_of(*columns, clusters=cluster, groups=0))
    signs = (1, -1, -1, 1)
    influence = sum(
        sign * column / column.mean() for sign, column in zip(signs, columns, strict=True)
    )
    fit = OLS(influence, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "df_correction": True}, use_t=True
    )
    reach = (fit.conf_int(0.10)[0] - fit.params[0]).tolist()
    expected = [(1 + found.value) * math.exp(by) - 1 for by in reach]
    assert found.bounds(0.05) == pytest.approx(expected, rel=1e-9)


def test_the_design_effect_is_the_robust_variance_over_that_of_least_squares() -> None:
    random = np.random.default_rng(7)
    cluster = np.repeat(np.arange(25), 12)
    scores = (ONE * (0.3 * random.random(25)[cluster] + 0.6 * random.random(300))).astype(int)
    found = found_of(mean_of, sums_of(scores, [ONE] * 300, clusters=cluster))
    plain, robust = (
        OLS(scores / ONE, np.ones(300)).fit(cov_type=kind, cov_kwds=given)
        for kind, given in (
            ("nonrobust", {}),
            ("cluster", {"groups": cluster, "use_correction": True, "df_correction": True}),
        )
    )
    # Its small-sample factor is that of statsmodels but for the samples: (n - 1) / (n - k).
    assert found.design_effect == pytest.approx(float(robust.bse[0] / plain.bse[0]) ** 2, rel=1e-9)


def test_few_large_clusters_among_many_small_ones_are_what_the_variance_is_known_from() -> None:
    """Ten of 5 and fifty of 1: 300 squared over 6,300. Of one size, as many as there are."""
    scores = np.random.default_rng(9).integers(0, ONE, 100)
    for clusters, worth in (
        ([*range(10)] * 5 + [*range(10, 60)], 300**2 / 6300),
        ([*range(20)] * 5, 20),
    ):
        seen = sums_of(scores, [1] * 100, clusters=clusters)
        by_unit = [np.bincount(clusters, weights=column) for column in (scores, np.ones(100))]
        found = found_of(mean_of, replace(seen, groups=np.stack(by_unit, axis=1).astype(int)))
        assert isinstance(found, Student)
        assert found.units == pytest.approx(worth)
        assert found.clusters == len(by_unit[0])


@pytest.mark.parametrize(("method", "columns"), METHODS)
def test_a_design_effect_is_known_wherever_there_are_clusters(method: Method, columns: int) -> None:
    """Twice the same samples are worth as many as there were."""
    once = costs(8, 100)[:columns]
    twice = [np.repeat(column, 2) for column in once]
    found = found_of(method, sums_of(*twice, clusters=np.repeat(np.arange(100), 2)))
    assert (found.clusters, found.n) == (100, 200)
    assert found.design_effect == pytest.approx(2 * (100 / 99) / (200 / 199))
    assert found_of(method, sums_of(*once)).design_effect == 1


def test_clusters_widen_what_looks_like_many_samples() -> None:
    random = np.random.default_rng(6)
    cluster = np.repeat(np.arange(20), 15)
    cost = (random.lognormal(10, 0.5, 20)[cluster] * random.normal(1, 0.05, 300)).astype(int)
    together = found_of(ratio_of, sums_of(cost, [1] * 300, clusters=cluster)).bounds(0.05)
    alone = found_of(ratio_of, sums_of(cost, [1] * 300)).bounds(0.05)
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


ROWS = st.lists(st.tuples(*[st.integers(1, 10**4)] * 4), min_size=3, max_size=12)


@pytest.mark.parametrize(("method", "columns"), METHODS)
@settings(max_examples=40)
@given(rows=ROWS, alpha=st.sampled_from(ALPHAS))
def test_bounds_and_p_values_agree(
    method: Method, columns: int, rows: list[tuple[int, ...]], alpha: float
) -> None:
    found = found_of(method, sums_of(*list(zip(*rows, strict=True))[:columns]))
    low, high = found.bounds(alpha)
    if isinstance(found, Unbounded):
        assert found.p(found.value, "below") is None
        assert (low, high) == (None, None)
        return
    assert low is not None
    assert high is not None
    assert low <= found.value <= high
    if high < 1e200 and high - low > 1e-9 and abs(low + 1) > 1e-6:
        assert found.p(high, "below") == pytest.approx(alpha, rel=1e-4)
        assert found.p(low, "above") == pytest.approx(alpha, rel=1e-4)


@pytest.mark.parametrize(("method", "columns"), METHODS)
@settings(max_examples=40)
@given(rows=ROWS, random=st.randoms())
def test_the_order_of_samples_changes_no_digit(
    method: Method, columns: int, rows: list[tuple[int, ...]], random: st.random.Random
) -> None:
    shuffled = random.sample(rows, len(rows))
    one, other = (
        found_of(method, sums_of(*list(zip(*order, strict=True))[:columns]))
        for order in (rows, shuffled)
    )
    assert one == other
    assert one.bounds(0.05) == other.bounds(0.05)


@given(seed=st.integers(0, 10**6), factor=st.integers(2, 10**6))
def test_another_currency_changes_the_ratio_and_its_bounds_alike(seed: int, factor: int) -> None:
    y, d, before, per = costs(seed, 30)
    one = found_of(ratio_of, sums_of(y, d))
    other = found_of(ratio_of, sums_of(y * factor, d))
    assert other.bounds(0.05) == pytest.approx([factor * x for x in one.bounds(0.05)], rel=1e-9)
    change = found_of(ratio_change, sums_of(y, d, before, per))
    same = found_of(ratio_change, sums_of(y * factor, d, before * factor, per))
    assert same.bounds(0.05) == pytest.approx(change.bounds(0.05), rel=1e-9)


@given(seed=st.integers(0, 10**6), worse=st.integers(1, 20))
def test_dearer_samples_never_help(seed: int, worse: int) -> None:
    """The estimate and both bounds rise with what is added to all, by the same factor."""
    y, d, before, per = costs(seed, 40)
    one = found_of(ratio_change, sums_of(y * 20, d, before, per))
    other = found_of(ratio_change, sums_of(y * (20 + worse), d, before, per))
    assert other.bounds(0.05)[1] > one.bounds(0.05)[1]
    assert other.p(0.1, "below") >= one.p(0.1, "below")


@pytest.mark.parametrize(("method", "columns"), METHODS)
def test_nothing_to_divide_by_has_no_value(method: Method, columns: int) -> None:
    assert method(sums_of(*[[]] * columns)) is None
    assert method(sums_of(*[[5, 6], [0, 0], [5, 6], [1, 1]][:columns])) is None


@pytest.mark.parametrize(("method", "columns"), METHODS)
def test_one_sample_and_one_cluster_show_nothing(method: Method, columns: int) -> None:
    one = found_of(method, sums_of(*[[5], [1], [4], [1]][:columns]))
    assert (one.bounds(0.05), one.needed(1.0, 0.05)) == ((None, None), 3)
    assert one.detectable(1.0, "below", 0.05) is None
    cluster = found_of(method, sums_of(*costs(1, 30)[:columns], clusters=[7] * 30))
    assert (cluster.bounds(0.05), cluster.needed(1.0, 0.05)) == ((None, None), 90)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_skewed_costs_seldom_show_that_a_limit_at_the_truth_is_met(count: int) -> None:
    """By what so few show of their skewness they did so up to 14 % of the time."""
    generator = np.random.default_rng(count)
    truth, passed = math.exp(1.5**2 / 2), 0
    for _ in range(400):
        drawn = np.round(1e6 * generator.lognormal(0, 1.5, count)).astype(int)
        found = found_of(ratio_of, sums_of(drawn, np.ones(count, int)))
        p = found.p(1e6 * truth, "below")
        passed += p is not None and p <= 0.05
    assert passed <= 20


@pytest.mark.parametrize(("method", "columns"), METHODS)
def test_a_candidate_that_never_varies_shows_nothing(method: Method, columns: int) -> None:
    tied = [[500] * 300, [1] * 300, list(range(300, 600)), [1] * 300][:columns]
    for clusters in ((), np.arange(300) % 50):
        found = found_of(method, sums_of(*tied, clusters=clusters))
        assert found.bounds(0.05) == (None, None)
        assert found.p(1e9, "below") is None
        assert found.needed(1e9, 0.05) is None
        assert "tied" in found.method


def test_counts_that_never_vary_say_how_many_may_differ() -> None:
    """300 requests of one attempt each: at most 1 % of them may have had up to ten more."""
    found = ratio_of(sums_of([1] * 300, [1] * 300), ties=True)
    assert found is not None
    share = 1 - 0.05 ** (1 / 300)
    assert found.bounds(0.05) == pytest.approx((1 - share, 1 + 10 * share), rel=1e-12)
    assert found.p(1 + 10 * share, "below") == pytest.approx(0.05)
    assert found.p(1 - share, "above") == pytest.approx(0.05)
    assert found.p(1, "below") == 1
    assert found.needed(1.05, 0.05) == 598
    assert found.needed(1, 0.05) is None
    assert found.detectable(1.05, "below", 0.05) == pytest.approx(1.05 - 10 * share)


def test_a_twin_that_costs_the_same_on_every_sample_is_bounded() -> None:
    y, d, _, _ = costs(7, 300)
    change = found_of(ratio_change, sums_of(y, d, y, d))
    share = 1 - 0.05 ** (1 / 300)
    assert change.value == 0
    assert change.bounds(0.05) == pytest.approx((-share, 10 * share), rel=1e-12)
    scores = np.arange(300) * 1000
    same = found_of(mean_difference, sums_of(scores, [ONE] * 300, scores, [ONE] * 300))
    assert same.bounds(0.05) == pytest.approx((-share, share), rel=1e-12)
    assert same.p(0.02, "below") == pytest.approx(0.98**300)


@pytest.mark.parametrize("units", [5, 40, 400])
def test_the_detectable_truth_is_detected_with_that_power(units: int) -> None:
    """Power of the t test by simulation, at the truth that is said to have 80 % of it."""
    random = np.random.default_rng(8)
    scores = random.normal(0.7, 0.1, units)
    found = found_of(mean_of, sums_of((scores * ONE).astype(int), [ONE] * units, groups=0))
    deviation = found.stderr * math.sqrt(units)
    truth = found.detectable(0.75, "below", 0.05)
    drawn = random.normal(truth, deviation, (4000, units))
    shown = stats.ttest_1samp(drawn, 0.75, axis=1, alternative="less").pvalue <= 0.05
    assert shown.mean() == pytest.approx(0.8, abs=0.025)
    needed = found.needed(truth, 0.05)
    drawn = random.normal(found.value, deviation, (4000, needed))
    side = "less" if found.value < truth else "greater"
    shown = stats.ttest_1samp(drawn, truth, axis=1, alternative=side).pvalue <= 0.05
    assert 0.775 < shown.mean() < 0.92


def test_needed_grows_as_the_limit_comes_near_and_ends() -> None:
    found = found_of(ratio_change, sums_of(*costs(9)))
    sizes = [found.needed(found.value + by, 0.05) for by in (0.5, 0.1, 0.02, 0.004)]
    assert sizes == sorted(sizes)
    assert found.needed(found.value, 0.05) is None
    assert found.needed(found.value + 1e-9, 0.05) is None
    assert found.needed(-1.0, 0.05) == 2
    assert found.detectable(-1.0, "below", 0.05) is None


@pytest.mark.parametrize("skewness", [1e-9, 0.01, 0.1, 0.3, WIDEST_SKEWNESS])
def test_skewness_widens_both_sides_and_bounds_still_agree_with_p(skewness: float) -> None:
    plain = Student(value=2.0, n=50, method="", stderr=0.1, units=50, scale="log")
    skewed = replace(plain, skewness=skewness)
    for alpha in (0.0005, 0.01, 0.05, 0.3):
        low, high = skewed.bounds(alpha)
        assert low <= plain.bounds(alpha)[0]
        assert high >= plain.bounds(alpha)[1]
        assert skewed.p(high, "below") == pytest.approx(alpha, rel=1e-6)
        assert skewed.p(low, "above") == pytest.approx(alpha, rel=1e-6)
        truth = skewed.detectable(2.5, "below", alpha)
        assert truth <= plain.detectable(2.5, "below", alpha)
    assert skewed.needed(2.2, 0.05) >= plain.needed(2.2, 0.05)


def test_no_skewness_that_is_larger_has_bounds_that_are_nearer() -> None:
    plain = Student(value=0.0, n=50, method="", stderr=1.0, units=50, scale="linear")
    reaches = [
        replace(plain, skewness=part * WIDEST_SKEWNESS / 50).bounds(0.05)[1] for part in range(51)
    ]
    assert reaches == sorted(reaches)
    assert reaches[-1] == pytest.approx(4 * reaches[0], rel=0.05)


def test_skewness_is_twice_that_of_the_mean_whatever_the_groups() -> None:
    scores = np.random.default_rng(10).gamma(4, 1e5, 3000).astype(int)
    expected = 2 * stats.skew(scores) / math.sqrt(3000)
    alone = found_of(mean_of, sums_of(scores, [1] * 3000, groups=10**6))
    assert alone.skewness == pytest.approx(expected, rel=0.01)
    grouped = found_of(mean_of, sums_of(scores, [1] * 3000, groups=2048))
    assert grouped.skewness == pytest.approx(expected, abs=3 * 2 * math.sqrt(15) / 2048)
    assert found_of(mean_of, sums_of(scores, [1] * 3000, groups=0)).skewness == 0


def test_one_outlier_among_few_leaves_little_shown() -> None:
    found = found_of(ratio_of, sums_of([100, 101, 102, 103, 104] * 6 + [100_000], [1] * 31))
    assert found.skewness == WIDEST_SKEWNESS
    assert found.bounds(0.05)[1] > 50 * found.value


@settings(max_examples=60)
@given(
    rows=st.lists(st.tuples(st.integers(1, 10**4), st.integers(1, 3)), min_size=4, max_size=12),
    bad=st.lists(st.tuples(st.integers(0, 10**4), st.integers(1, 3)), min_size=1, max_size=30),
    limit=st.integers(1, 2000),
)
def test_samples_beyond_the_limit_never_turn_a_failure_into_a_pass(
    rows: list[tuple[int, int]], bad: list[tuple[int, int]], limit: int
) -> None:
    for method in (ratio_of, mean_of):
        before = found_of(method, sums_of(*zip(*rows, strict=True)))
        if (before.bounds(0.05)[0] or 0) <= limit:
            continue
        worse = [*rows, *((limit * d + over, d) for over, d in bad)]
        after = found_of(method, sums_of(*zip(*worse, strict=True)))
        assert (after.bounds(0.05)[1] or math.inf) > limit
        assert (after.p(limit, "below") or 1) > 0.05
