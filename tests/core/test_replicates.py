"""Variance within and between samples: a published table, scipy, and what shows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gatekeeper.core.statistics.replicates import Components, Replicated, variance_components

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def replicated(rows: Iterable[Sequence[int]]) -> tuple[Replicated, ...]:
    """Sums of rows that each hold one sample's values, as the database gives them."""
    strata: dict[int, list[int]] = {}
    for row in rows:
        total, squares = sum(row), sum(value * value for value in row)
        sums = strata.setdefault(len(row), [0, 0, 0, 0])
        for place, more in enumerate((1, total, total * total, squares)):
            sums[place] += more
    return tuple(Replicated(count, *sums) for count, sums in sorted(strata.items()))


def components(rows: list[list[int]]) -> Components:
    found = variance_components(replicated(rows))
    assert found is not None
    return found


def test_a_published_table() -> None:
    """Calcium of four turnip leaves, four times each: Snedecor and Cochran (1989)."""
    rows = [[328, 309, 303, 303], [352, 348, 338, 338], [288, 280, 281, 276], [334, 338, 323, 326]]
    found = components(rows)
    assert found.within / 1e4 == pytest.approx(0.0066, abs=5e-5)
    assert found.between / 1e4 == pytest.approx(0.0724, abs=5e-5)
    assert (found.samples, found.values) == (4, 16)


def test_scipy_s_f_agrees() -> None:
    rows = np.random.default_rng(1).integers(0, 10**6, (12, 5)) + np.arange(12)[:, None] * 10**5
    found = components(rows.tolist())
    f = stats.f_oneway(*rows).statistic
    assert (found.within + 5 * found.between) / found.within == pytest.approx(f, rel=1e-9)


def test_unequal_replicates_find_what_was_put_in() -> None:
    random = np.random.default_rng(2)
    rows = [
        (1e6 + 3e4 * random.normal() + 1e4 * random.normal(size=count)).astype(int).tolist()
        for count in random.integers(1, 6, 4000)
    ]
    found = components(rows)
    assert found.between == pytest.approx(9e8, rel=0.1)
    assert found.within == pytest.approx(1e8, rel=0.05)
    assert found.likeness == pytest.approx(0.9, abs=0.02)


@given(st.lists(st.lists(st.integers(0, 10**9), min_size=1, max_size=4), max_size=8), st.randoms())
def test_order_is_immaterial_and_no_variance_is_negative(
    rows: list[list[int]], random: st.random.Random
) -> None:
    found = variance_components(replicated(rows))
    shuffled = [random.sample(row, len(row)) for row in random.sample(rows, len(rows))]
    assert found == variance_components(replicated(shuffled))
    assert found is None or min(found.between, found.within) >= 0


def test_what_shows_nothing() -> None:
    assert variance_components(()) is None
    assert variance_components(replicated([[1, 2, 3]])) is None
    assert variance_components(replicated([[1], [2], [3]])) is None
    assert components([[5, 5], [5, 5]]).likeness is None
    assert components([[1, 9], [9, 1]]).between == 0
