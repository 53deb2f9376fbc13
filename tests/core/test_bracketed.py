"""Bounds for what is not known: the worst of the estimate and of the end on that side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.statistics.bracketed import Bracketed, bracketed
from gatekeeper.core.statistics.means import mean_of
from sums import sums_of

if TYPE_CHECKING:
    from gatekeeper.core.statistics.inference import Inference


def mean(by: float = 0.0) -> Inference:
    scores = np.random.default_rng(1).random(60) + by
    found = mean_of(sums_of((1e6 * scores).astype(int), [10**6] * 60, groups=0))
    assert found is not None
    return found


def between(down: float, up: float) -> Inference:
    found = bracketed(mean(), mean(up), mean(-down))
    assert isinstance(found, Bracketed)
    return found


@given(st.floats(0, 0.2), st.floats(0, 0.2), st.sampled_from([0.01, 0.05, 0.2]))
def test_p_values_agree_with_the_bounds_and_nothing_is_narrower(
    down: float, up: float, alpha: float
) -> None:
    found = between(down, up)
    (low, high), (least, most) = mean().bounds(alpha), found.bounds(alpha)
    assert least is not None
    assert most is not None
    assert (least, most) == pytest.approx((low - down, high + up), abs=2e-6)  # type: ignore[operator]
    assert found.p(least, "above") == pytest.approx(alpha)
    assert found.p(most, "below") == pytest.approx(alpha)


def test_what_is_detectable_is_nearer_by_what_is_not_known() -> None:
    alone, found = mean().detectable(0.6, "below", 0.05), between(0, 0.05)
    assert found.detectable(0.6, "below", 0.05) == pytest.approx((alone or 0) - 0.05, abs=1e-5)


def test_more_samples_settle_only_what_the_end_allows() -> None:
    limit = mean().value + 0.04
    assert (mean().needed(limit, 0.05) or 0) < (between(0, 0.01).needed(limit, 0.05) or 0)
    assert between(0, 0.05).needed(limit, 0.05) is None
    assert between(0.05, 0).needed(limit, 0.05) == mean().needed(limit, 0.05)


def test_an_end_without_a_value_bounds_nothing() -> None:
    found = bracketed(mean(), None, mean())
    assert found is not None
    assert found.bounds(0.05) == (mean().bounds(0.05)[0], None)
    assert found.p(10.0, "below") is None
    assert found.needed(10.0, 0.05) is None
    assert bracketed(None, mean(), mean()) is None
