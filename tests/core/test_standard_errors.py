"""Means and standard errors against numpy, and what clusters do to them."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.statistics.standard_errors import described

VALUES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=50)


@given(VALUES)
def test_the_standard_error_is_that_of_numpy(values: list[float]) -> None:
    found = described(values)
    assert found.value == pytest.approx(np.mean(values), abs=1e-9)
    expected = np.std(values, ddof=1) / math.sqrt(len(values))
    assert found.stderr == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(VALUES)
def test_clusters_of_one_sample_change_nothing(values: list[float]) -> None:
    found = described(values, [str(number) for number in range(len(values))])
    assert found.clustered_stderr == pytest.approx(found.stderr, rel=1e-9, abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(-10, 10)), min_size=2, max_size=40))
def test_the_clustered_error_is_the_double_sum_of_its_source(
    pairs: list[tuple[str, float]],
) -> None:
    pairs = sorted(pairs)
    values = np.array([value for _, value in pairs])
    found = described(list(values), [cluster for cluster, _ in pairs])
    groups = [[v for _, v in members] for _, members in groupby(pairs, key=lambda pair: pair[0])]
    if len(groups) < 2:
        assert found.clustered_stderr is None
        return
    centred = [np.array(group) - values.mean() for group in groups]
    total = sum(np.outer(one, one).sum() for one in centred) * len(groups) / (len(groups) - 1)
    expected = math.sqrt(max(total, 0)) / len(values)
    assert found.clustered_stderr == pytest.approx(expected, rel=1e-6, abs=1e-6)
    assert found.clusters == len(groups)


def test_too_few_samples_have_no_standard_error() -> None:
    assert described([]) == described([], [])
    assert described([]).value is None
    assert (described([0.5]).value, described([0.5]).stderr) == (0.5, None)


def test_a_sample_without_a_cluster_makes_clusters_unknown() -> None:
    found = described([0.0, 1.0, 1.0], ["a", None, "b"])
    assert (found.clusters, found.clustered_stderr) == (0, None)
