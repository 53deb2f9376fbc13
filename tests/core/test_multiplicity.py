"""Adjusted p-values: against statsmodels, and what an adjustment may never do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from gatekeeper.core.statistics.multiplicity import benjamini_hochberg, holm

Adjust = Callable[[Sequence[float | None]], list[float | None]]
BOTH = [pytest.param(holm, "holm"), pytest.param(benjamini_hochberg, "fdr_bh")]


@pytest.mark.parametrize(("adjust", "name"), BOTH)
@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_statsmodels_agrees(adjust: Adjust, name: str, count: int) -> None:
    values = (np.random.default_rng(count).random(count) ** 3).round(2).tolist()
    assert adjust(values) == pytest.approx(
        multipletests(values, method=name)[1].tolist(), abs=1e-12
    )


def test_published_worked_values() -> None:
    """The fifteen comparisons of Benjamini and Hochberg (1995), section 4.1."""
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000]
    assert sum(p <= 0.05 for p in benjamini_hochberg(values)) == 4
    assert sum(p <= 0.05 for p in holm(values)) == 3


@pytest.mark.parametrize(("adjust", "name"), BOTH)
@given(values=st.lists(st.none() | st.floats(0, 1), max_size=20), random=st.randoms())
def test_order_is_immaterial_and_nothing_becomes_smaller(
    adjust: Adjust, name: str, values: list[float | None], random: st.random.Random
) -> None:
    found = adjust(values)
    places = random.sample(range(len(values)), len(values))
    assert adjust([values[place] for place in places]) == [found[place] for place in places]
    pairs = [pair for pair in zip(values, found, strict=True) if pair[0] is not None]
    assert all(raw <= new <= 1 for raw, new in pairs), name
    assert [value is None for value in values] == [value is None for value in found]
    rising = [new for _, new in sorted(pairs)]
    assert rising == sorted(rising)
    assert adjust([p for p in values if p is not None]) == [p for p in found if p is not None]
