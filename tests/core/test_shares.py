"""Shares: published values, agreement with scipy, and what must never happen."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from gatekeeper.core.observation import Proportion, Sums
from gatekeeper.core.statistics.shares import share

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Side

ALPHA = 0.05


def clustered(events: list[int], sizes: list[int], **rest: int) -> Proportion:
    """Trials in clusters with so many events each."""
    y, m = np.array(events), np.array(sizes)
    products = ((int(y @ y), int(y @ m)), (int(y @ m), int(m @ m)))
    sums = Sums(len(sizes), (int(y.sum()), int(m.sum())), products)
    return Proportion(int(m.sum()), int(y.sum()), clusters=sums, **rest)


def test_no_event_in_300_leaves_one_percent_possible() -> None:
    low, high = share(Proportion(300, 0)).bounds(ALPHA)
    assert low == 0
    assert high == pytest.approx(1 - 0.05 ** (1 / 300), abs=1e-12)


def test_598_clean_samples_show_less_than_half_a_percent_and_597_do_not() -> None:
    assert share(Proportion(60, 0)).needed(0.005, ALPHA) == 598
    for n, shown in ((597, False), (598, True)):
        p = share(Proportion(n, 0)).p(0.005, "below")
        assert p is not None
        assert (p <= ALPHA) == shown


@pytest.mark.parametrize(
    ("events", "n", "low", "high"),
    [
        # Two-sided 95 % intervals of Clopper and Pearson's chart, as later tables print them.
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
    ],
)
def test_published_intervals(events: int, n: int, low: float, high: float) -> None:
    assert share(Proportion(n, events)).bounds(0.025) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)  # imports count
@given(
    n=st.integers(1, 2000),
    portion=st.floats(0, 1),
    alpha=st.floats(0.001, 0.4),
    limit=st.floats(0, 1),
)
def test_agrees_with_scipy(n: int, portion: float, alpha: float, limit: float) -> None:
    events = round(portion * n)
    found = share(Proportion(n, events))
    expected = binomtest(events, n).proportion_ci(1 - 2 * alpha, method="exact")
    assert found.bounds(alpha) == pytest.approx(tuple(expected), abs=1e-9)
    assert found.p(limit, "below") == pytest.approx(binom.cdf(events, n, limit), abs=1e-9)
    assert found.p(limit, "above") == pytest.approx(binom.sf(events - 1, n, limit), abs=1e-9)


@settings(deadline=None)  # imports count
@given(n=st.integers(1, 500), events=st.integers(0, 500), unknown=st.integers(0, 500))
def test_bounds_hold_for_every_value_of_what_is_unknown(n: int, events: int, unknown: int) -> None:
    events = min(events, n)
    unknown = min(unknown, n - events)
    low, high = share(Proportion(n, events, unknown)).bounds(ALPHA)
    assert low is not None
    assert high is not None
    assert low <= events / n <= (events + unknown) / n <= high


clusters = st.lists(st.integers(0, 77), min_size=2, max_size=30).map(
    lambda codes: [(code % (code // 7 + 2), code // 7 + 1) for code in codes]
)
"""Events and trials of some clusters."""


@settings(deadline=None)  # imports count
@given(seen=clusters, alpha=st.floats(0.001, 0.4))
def test_bounds_and_p_of_clusters_agree(seen: list[tuple[int, int]], alpha: float) -> None:
    found = share(clustered([y for y, _ in seen], [m for _, m in seen]))
    low, high = found.bounds(alpha)
    assert low is not None
    assert high is not None
    assert 0 <= low <= found.value <= high <= 1
    if low > 0.001:
        assert found.p(low, "above") == pytest.approx(alpha, abs=1e-9)
    if high < 0.999:
        assert found.p(high, "below") == pytest.approx(alpha, abs=1e-9)


@settings(deadline=None)  # imports count
@given(seen=clusters)
def test_clusters_never_say_more_than_as_many_samples_alone(seen: list[tuple[int, int]]) -> None:
    together = clustered([y for y, _ in seen], [m for _, m in seen])
    alone = share(Proportion(together.n, together.events))
    low, high = share(together).bounds(ALPHA)
    assert low is not None
    assert high is not None
    assert low <= alone.bounds(ALPHA)[0] + 1e-12  # type: ignore[operator]
    assert high >= alone.bounds(ALPHA)[1] - 1e-12  # type: ignore[operator]


@settings(deadline=None)
@given(seen=clusters, place=st.integers(0, 29), limit=st.floats(0.01, 0.99))
def test_a_failing_sample_more_never_turns_a_fail_into_a_pass(
    seen: list[tuple[int, int]], place: int, limit: float
) -> None:
    place %= len(seen)
    worse = [(y + (i == place), m + (i == place)) for i, (y, m) in enumerate(seen)]
    before, after = (
        share(clustered([y for y, _ in each], [m for _, m in each])) for each in (seen, worse)
    )
    failed = (before.bounds(ALPHA)[0] or 0) > limit
    assert not (failed and (after.bounds(ALPHA)[1] or 1) <= limit)


@settings(deadline=None)
@given(n=st.integers(2, 400), events=st.integers(0, 400), limit=st.floats(0.001, 0.999))
def test_a_failing_sample_more_never_helps_where_samples_are_independent(
    n: int, events: int, limit: float
) -> None:
    events = min(events, n)
    before, after = share(Proportion(n, events)), share(Proportion(n + 1, events + 1))
    assert (after.p(limit, "below") or 0) >= (before.p(limit, "below") or 0) - 1e-12
    assert (after.p(limit, "above") or 0) <= (before.p(limit, "above") or 0) + 1e-12


@pytest.mark.parametrize("events", [0, 3, 40])
def test_clusters_of_one_sample_change_nothing(events: int) -> None:
    seen = clustered([1] * events + [0] * (40 - events), [1] * 40)
    assert share(seen).bounds(ALPHA) == pytest.approx(
        share(Proportion(40, events)).bounds(ALPHA), abs=1e-12
    )


@pytest.mark.parametrize("failing", [0, 1, 5, 20])
def test_clusters_that_always_agree_count_once_each(failing: int) -> None:
    seen = clustered([30] * failing + [0] * (20 - failing), [30] * 20)
    assert share(seen).bounds(ALPHA) == pytest.approx(
        share(Proportion(20, failing)).bounds(ALPHA), abs=1e-12
    )


def test_one_cluster_shows_nothing() -> None:
    found = share(clustered([0], [1000]))
    assert found.bounds(ALPHA) == (None, None)
    assert found.p(0.5, "below") is None
    assert found.needed(0.5, ALPHA) is None
    assert found.detectable(0.5, "below", ALPHA) is None


def test_a_clean_run_in_clusters_needs_as_many_clusters_as_samples_alone() -> None:
    found = share(clustered([0] * 20, [30] * 20))
    needed = found.needed(0.005, ALPHA)
    assert needed is not None
    assert needed == pytest.approx(598 * 30, rel=0.01)


@pytest.mark.parametrize("side", ["below", "above"])
def test_what_is_detectable_in_clusters_is_shown_about_four_times_of_five(side: Side) -> None:
    random, sizes = np.random.default_rng(11), [10] * 80
    pilot = share(clustered(list(random.binomial(10, 0.18, 80)), sizes))
    truth = pilot.detectable(0.18, side, ALPHA)
    assert truth is not None
    drawn = [share(clustered(list(y), sizes)) for y in random.binomial(10, truth, (400, 80))]
    shown = [(one.p(0.18, side) or 0) <= ALPHA for one in drawn]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.08)


def test_clusters_above_their_limit_need_more_of_them_too() -> None:
    seen = clustered([3, 1, 2, 2, 4, 0, 2, 2] * 3, [10] * 24)
    needed = share(seen).needed(0.12, ALPHA)
    assert needed is not None
    assert 100 < needed < 300
    assert share(seen).needed(0.2, ALPHA) is None
    assert (share(seen).needed(1.0, ALPHA) or 0) <= 21
    assert share(seen).needed(0.20001, ALPHA) is None


def test_replicates_count_their_samples() -> None:
    found = share(clustered([0, 3, 1, 0], [3] * 4, samples=4))
    assert (found.n, found.clusters, found.value) == (4, 4, 4 / 12)


@pytest.mark.parametrize(
    ("truth", "limit"), [(0.0, 0.005), (0.001, 0.005), (0.012, 0.005), (0.12, 0.18), (0.25, 0.18)]
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_from_the_number_that_is_told_on_power_suffices(
    truth: float, limit: float, *, mirrored: bool
) -> None:
    n = 1000
    events = round(truth * n)
    if mirrored:
        events, limit = n - events, 1 - limit
    needed = share(Proportion(n, events)).needed(limit, ALPHA)
    assert needed is not None
    powers = settled_with(events / n, limit, np.arange(max(needed // 2, 1), needed * 2))
    enough = powers >= 0.8
    last = np.flatnonzero(~enough)[-1]
    assert max(needed // 2, 1) + last + 1 == needed


def settled_with(truth: float, limit: float, n: np.ndarray) -> np.ndarray:
    """Chance that the exact test shows on which side of the limit the truth is."""
    if truth > limit:
        truth, limit = 1 - truth, 1 - limit
    events = binom.ppf(ALPHA, n, limit)
    events = np.where(binom.cdf(events, n, limit) <= ALPHA, events, events - 1)
    return np.where(events < 0, 0, binom.cdf(events, n, truth))


@pytest.mark.parametrize(("n", "limit"), [(100, 0.18), (598, 0.005), (2000, 0.78), (50, 0.5)])
def test_what_is_detectable_passes_four_times_of_five(n: int, limit: float) -> None:
    found = share(Proportion(n, n // 2))
    below, above = (found.detectable(limit, side, ALPHA) for side in ("below", "above"))
    assert below is not None
    assert settled_with(below, limit, np.array([n]))[0] == pytest.approx(0.8)
    if above is not None:
        assert settled_with(above, limit, np.array([n]))[0] == pytest.approx(0.8)


def test_nothing_is_detectable_where_even_no_event_would_not_show_it() -> None:
    found = share(Proportion(300, 0))
    assert found.detectable(0.005, "below", ALPHA) is None
    assert found.detectable(0.005, "above", ALPHA) is not None


@pytest.mark.parametrize("limit", [0.0, 1.0, -0.5, 1.5])
def test_limits_that_no_share_can_break_or_meet(limit: float) -> None:
    found = share(Proportion(50, 20))
    assert found.p(limit, "below") == (0 if limit >= 1 else 1)
    assert found.p(limit, "above") == (0 if limit <= 0 else 1)
    needed = found.needed(limit, ALPHA)
    assert needed is not None
    assert math.isfinite(needed)


def test_a_share_at_its_limit_is_settled_by_no_number() -> None:
    assert share(Proportion(50, 39)).needed(0.78, ALPHA) is None
    assert share(Proportion(10_000_000, 7_799_999)).needed(0.78, ALPHA) is None


def test_exact_bounds_cover() -> None:
    """At 5 % one-sided, the upper bound misses the truth in at most 5 % of samples, exactly."""
    uppers = [share(Proportion(100, k)).bounds(ALPHA)[1] or 0 for k in range(101)]
    for truth in (0.01, 0.2, 0.5):
        weights = binom.pmf(np.arange(101), 100, truth)
        assert weights[np.array(uppers) < truth].sum() <= ALPHA


def test_errors_that_come_in_whole_clusters_seldom_hide_a_limit() -> None:
    random, limit, whole = np.random.default_rng(20261126), 0.18, 0.09
    passed = 0
    for _ in range(400):
        hidden = 10 * (random.random(200) < whole)
        seen = random.binomial(10, (limit - whole) / (1 - whole), 200) * (hidden == 0)
        known = clustered(list(seen), [10] * 200)
        most = clustered(list(seen + hidden), [10] * 200).clusters
        found = share(replace(known, unknown=int(hidden.sum()), most=most))
        passed += (found.p(limit, "below") or 0) <= ALPHA
    assert passed / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)
