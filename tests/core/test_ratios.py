"""Ratios of sums: against the plain formula, a bootstrap, and inputs that show nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.observation import Sums
from gatekeeper.core.statistics.ratios import TIED_FACTOR, ratio, relative_change


def sums(*columns: list[int] | np.ndarray) -> Sums:
    """Exact sums of columns, as the database gives them."""
    plain = [[int(value) for value in column] for column in columns]
    return Sums(
        len(plain[0]),
        tuple(map(sum, plain)),
        tuple(tuple(sum(a * b for a, b in zip(x, y, strict=True)) for y in plain) for x in plain),
    )


def costs(seed: int, n: int = 400, factor: float = 1.0) -> tuple[np.ndarray, ...]:
    """Cost and resolution of a candidate and a baseline on the same samples."""
    random = np.random.default_rng(seed)
    hard = random.gamma(4, 250_000, n)
    noise = random.normal(1, 0.1, (2, n)).clip(0.5)
    resolved = random.random((2, n)) < 0.9
    return (
        (hard * noise[0] * factor).astype(int),
        resolved[0],
        (hard * noise[1]).astype(int),
        resolved[1],
    )


def test_the_formula_of_the_delta_method() -> None:
    y, d, *_ = costs(1)
    found = ratio(sums(y, d), 0.05)
    assert found is not None
    n = len(y)
    plain_ratio = y.sum() / d.sum()
    influence = (y - plain_ratio * d) / d.mean()
    error = np.sqrt((influence**2).sum() / (n - 1) / n)
    assert found.value == pytest.approx(plain_ratio, rel=1e-12)
    # On the logarithm the relative error is the same; its bounds are exponentials.
    reach = 1.6486819 * error / plain_ratio
    assert found.high == pytest.approx(plain_ratio * np.exp(reach), rel=1e-6)
    assert found.low == pytest.approx(plain_ratio * np.exp(-reach), rel=1e-6)


def test_a_bootstrap_agrees() -> None:
    columns = costs(2, factor=1.2)
    found = relative_change(sums(*columns), 0.05)
    assert found is not None
    random = np.random.default_rng(3)
    weights = random.multinomial(400, [1 / 400] * 400, 4000)
    y1, d1, y0, d0 = (weights @ column.astype(float) for column in columns)
    changes = (y1 / d1) / (y0 / d0) - 1
    assert found.low == pytest.approx(np.quantile(changes, 0.05), abs=0.005)
    assert found.high == pytest.approx(np.quantile(changes, 0.95), abs=0.005)


def test_pairing_narrows_what_hard_samples_widen() -> None:
    y1, d1, y0, d0 = costs(4)
    paired = relative_change(sums(y1, d1, y0, d0), 0.05)
    shuffled = np.random.default_rng(5).permutation(len(y0))
    broken = relative_change(sums(y1, d1, y0[shuffled], d0[shuffled]), 0.05)
    assert paired is not None
    assert broken is not None
    assert paired.value == broken.value
    assert paired.high < 0.6 * broken.high + 0.4 * paired.value


@given(st.lists(st.tuples(*[st.integers(1, 10**9)] * 4), min_size=2, max_size=30), st.randoms())
def test_the_order_of_samples_changes_no_digit(
    rows: list[tuple[int, ...]], random: st.random.Random
) -> None:
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one = relative_change(sums(*map(list, zip(*rows, strict=True))), 0.05)
    other = relative_change(sums(*map(list, zip(*shuffled, strict=True))), 0.05)
    assert one == other
    assert one is not None
    assert one.low <= one.value <= one.high


def test_tied_samples_are_bounded_by_how_many_may_differ() -> None:
    found = ratio(sums([500] * 300, [1] * 300), 0.05)
    assert found is not None
    assert found.value == 500
    assert found.high == pytest.approx(500 * (1 + TIED_FACTOR * (1 - 0.05 ** (1 / 300))))
    assert found.low < 500
    assert "tied" in found.method
    few = ratio(sums([500] * 10, [1] * 10), 0.05)
    assert few is not None
    assert few.high > 1000


def test_one_sample_has_no_bounds_and_nothing_resolved_has_no_ratio() -> None:
    one = relative_change(sums([5], [1], [4], [1]), 0.05)
    assert one is not None
    assert (one.low, one.high) == (None, None)
    assert ratio(sums([5, 6], [0, 0]), 0.05) is None
    assert relative_change(sums([5, 6], [1, 1], [0, 0], [1, 1]), 0.05) is None
    assert ratio(sums([], []), 0.05) is None


def test_bounds_miss_a_known_change_about_as_often_as_they_say() -> None:
    """400 runs with a true change of 20 %: each bound misses near 5 % of the time."""
    found = [relative_change(sums(*costs(seed, 150, 1.2)), 0.05) for seed in range(1000, 1400)]
    below = np.mean([one.high < 0.2 for one in found if one is not None])
    above = np.mean([one.low > 0.2 for one in found if one is not None])
    assert 0.02 < below < 0.085
    assert 0.02 < above < 0.085
