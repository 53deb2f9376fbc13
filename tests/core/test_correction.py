"""Failures that hold for all rules of a policy together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.correction import corrected
from gatekeeper.core.decide import decide
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Proportion
from gatekeeper.core.slicing import decide_slices
from gatekeeper.core.unmeasured import not_applicable
from gatekeeper.model.policy import Rule


def rule(number: int, **rest: Any) -> Rule:
    content = {"name": f"quality.r{number}", "section": "quality", "metric": "resolved_rate"}
    return Rule.model_validate({**content, "test": "min", "limit": 0.78, **rest})


def test_one_failure_among_many_passes_is_open() -> None:
    rules = [rule(i) for i in range(20)]
    results = [decide(one, METRICS["resolved_rate"], Proportion(200, 190)) for one in rules[1:]]
    results.insert(0, decide(rules[0], METRICS["resolved_rate"], Proportion(200, 143)))
    assert results[0].outcome == "fail"
    for method in ("holm", "benjamini_hochberg"):
        found = corrected(rules, results, method)
        assert (found[0].outcome, found[0].code) == ("inconclusive", "not_after_correction")
        assert found[0].p_fail == pytest.approx(20 * (results[0].p_fail or 0), rel=1e-4)
        assert found[0].blocks
    assert corrected(rules, results, "none") == results


def test_the_slices_of_each_rule_count_as_well_as_the_rules() -> None:
    """A slice that looks bad among eight, in one of ten rules, does so among eighty."""
    rules = [rule(i, by="topic", slices="worst") for i in range(10)]
    seen = {f"t{i}": Proportion(200, 170) for i in range(7)} | {"bad": Proportion(200, 137)}
    good = dict.fromkeys(seen, Proportion(200, 170))
    metric = METRICS["resolved_rate"]
    results = [
        decide_slices(one, metric, seen if number == 0 else good)
        for number, one in enumerate(rules)
    ]
    assert results[0].outcome == "fail"
    alone = decide(rule(0), metric, Proportion(200, 137))
    for method in ("holm", "benjamini_hochberg"):
        found = corrected(rules, results, method)[0]
        assert found.p_fail == pytest.approx(min(80 * (alone.p_fail or 0), 1), rel=1e-4)
        assert (found.outcome, found.code) == ("inconclusive", "not_after_correction")


def test_a_clear_failure_survives() -> None:
    rules = [rule(i) for i in range(20)]
    results = [decide(one, METRICS["resolved_rate"], Proportion(200, 100)) for one in rules]
    assert {one.outcome for one in corrected(rules, results, "holm")} == {"fail"}


def test_rules_without_a_p_value_are_left_alone() -> None:
    rules = [rule(0), rule(1)]
    results = [
        not_applicable(rules[0]),
        decide(rules[1], METRICS["resolved_rate"], Proportion(200, 100)),
    ]
    assert corrected(rules, results, "holm") == results


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=12),
    st.sampled_from(["holm", "benjamini_hochberg"]),
)
def test_a_correction_never_makes_a_pass_or_a_failure(events: list[int], method: Any) -> None:
    rules = [rule(i) for i in range(len(events))]
    results = [
        decide(one, METRICS["resolved_rate"], Proportion(200, count))
        for one, count in zip(rules, events, strict=True)
    ]
    for before, after in zip(results, corrected(rules, results, method), strict=True):
        assert after.outcome == before.outcome or (before.outcome, after.outcome) == (
            "fail",
            "inconclusive",
        )
