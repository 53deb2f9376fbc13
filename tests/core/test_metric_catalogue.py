"""Every metric is documented, and no word means two things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.core.metrics.catalogue import ALIASES, COMPOSITES, EVIDENCE, METRICS
from gatekeeper.model.policy import PRIORITY, TESTS

if TYPE_CHECKING:
    from gatekeeper.core.metrics.metric import Metric


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_metric_says_what_it_is(metric: Metric) -> None:
    assert metric.section in PRIORITY
    for text in (metric.definition, metric.source, metric.nulls, metric.look_at):
        assert text
        assert not text.endswith(".")
    assert (metric.quantile is not None) == (metric.kind == "quantile")
    for test in TESTS:
        assert not metric.name.endswith(f"_{test}")


def test_no_word_means_two_things() -> None:
    words = [*METRICS, *ALIASES, *COMPOSITES, *EVIDENCE]
    assert len(words) == len(set(words))
    assert all(metric in METRICS for metric, _ in ALIASES.values())
