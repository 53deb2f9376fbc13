"""Quantiles: against their definition, a plain bootstrap, and data too small for a bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from gatekeeper.core.statistics.quantiles import quantile, quantile_change, smallest_n


def latencies(seed: int, n: int, factor: float = 1.1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    hard = random.gamma(3, 5_000, n)
    noise = random.normal(1, 0.1, (2, n)).clip(0.3)
    return (hard * noise[0] * factor).astype(np.int64), (hard * noise[1]).astype(np.int64)


def test_59_samples_are_the_fewest_for_a_bound_of_p95() -> None:
    assert smallest_n(0.95, 0.05) == 59
    values = np.arange(1, 60)
    assert quantile(values, 0.95, 0.05).high == 59
    assert quantile(values[:58], 0.95, 0.05).high is None
    assert quantile(np.arange(1, 60), 0.05, 0.05).low == 1


@given(n=st.integers(60, 2000), p=st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_bounds_are_the_tightest_ranks_that_cover(n: int, p: float) -> None:
    found = quantile(np.arange(1, n + 1), p, 0.05)
    assert found.value == np.quantile(np.arange(1, n + 1), p, method="inverted_cdf")
    if found.high is not None:
        assert binom.cdf(found.high - 1, n, p) >= 0.95 > binom.cdf(found.high - 2, n, p)
    if found.low is not None:
        assert binom.cdf(found.low - 1, n, p) <= 0.05 < binom.cdf(found.low, n, p)


@pytest.mark.parametrize("n", [100, 1000, 30_000])
def test_a_plain_paired_bootstrap_agrees(n: int) -> None:
    candidate, baseline = latencies(1, n)
    found = quantile_change(candidate, baseline, 0.95, 0.05, "rule")
    random, changes = np.random.default_rng(2), []
    for _ in range(1000):
        chosen = random.integers(0, n, n)
        tops = [
            np.quantile(side[chosen], 0.95, method="inverted_cdf") for side in (candidate, baseline)
        ]
        changes.append(tops[0] / tops[1] - 1)
    width = np.quantile(changes, 0.95) - np.quantile(changes, 0.05)
    assert found.value == pytest.approx(
        np.quantile(candidate, 0.95, method="inverted_cdf")
        / np.quantile(baseline, 0.95, method="inverted_cdf")
        - 1
    )
    assert found.low == pytest.approx(np.quantile(changes, 0.05), abs=0.15 * width)
    assert found.high == pytest.approx(np.quantile(changes, 0.95), abs=0.15 * width)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(59, 400))
def test_the_order_of_samples_changes_no_digit(seed: int, n: int) -> None:
    candidate, baseline = latencies(seed, n)
    order = np.random.default_rng(seed).permutation(n)
    one = quantile_change(candidate, baseline, 0.95, 0.05, "rule")
    assert one == quantile_change(candidate[order], baseline[order], 0.95, 0.05, "rule")
    assert one.low is not None
    assert one.high is not None
    assert one.low <= one.high


def test_the_seed_is_the_rule_s_own() -> None:
    candidate, baseline = latencies(1, 200)
    one = quantile_change(candidate, baseline, 0.95, 0.05, "a")
    other = quantile_change(candidate, baseline, 0.95, 0.05, "b")
    assert one.seed != other.seed
    assert one == quantile_change(candidate, baseline, 0.95, 0.05, "a")


def test_too_few_or_all_tied_have_no_bounds() -> None:
    candidate, baseline = latencies(1, 58)
    found = quantile_change(candidate, baseline, 0.95, 0.05, "rule")
    assert (found.low, found.high) == (None, None)
    same = np.full(500, 1000)
    found = quantile_change(same, same, 0.95, 0.05, "rule")
    assert (found.value, found.low, found.high) == (0, None, None)


def test_bounds_miss_a_known_change_about_as_often_as_they_say() -> None:
    """200 runs of 300 pairs with a true change of 10 %."""
    found = [quantile_change(*latencies(seed, 300), 0.95, 0.05, "rule") for seed in range(200)]
    below = np.mean([one.high < 0.1 for one in found if one.high is not None])
    above = np.mean([one.low > 0.1 for one in found if one.low is not None])
    assert below < 0.1
    assert above < 0.1
