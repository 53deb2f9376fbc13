"""Rules by slices: each has to show it, and a failure has to survive that there are many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Census, Missing, Proportion
from gatekeeper.core.slicing import UNTAGGED, decide_slices
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult

METRIC = METRICS["resolved_rate"]


def rule(**rest: Any) -> Rule:
    content = {"name": "quality.resolved_rate_min", "section": "quality", "limit": 0.78}
    given = {"metric": "resolved_rate", "test": "min", "by": "topic", **rest}
    return Rule.model_validate({**content, **given})


def decided(shares: dict[str, tuple[int, int]], **rest: Any) -> RuleResult:
    seen = {value: Proportion(n, events) for value, (events, n) in shares.items()}
    return decide_slices(rule(**rest), METRIC, seen)


def test_every_slice_has_to_show_it() -> None:
    found = decided({"audio": (195, 200), "lamps": (190, 200)})
    assert (found.outcome, found.by) == ("pass", "topic")
    assert [(one.value, one.outcome) for one in found.slices] == [
        ("lamps", "pass"),
        ("audio", "pass"),
    ]
    assert found.reason.startswith("2 of 2 slices of topic pass; lamps: 95.0 % on 200 samples")


def test_one_bad_slice_fails_the_rule_that_their_average_would_pass() -> None:
    found = decided({"audio": (490, 500), "lamps": (490, 500), "locks": (40, 100)})
    assert (found.outcome, found.estimate, found.n) == ("fail", 0.4, 100)
    assert found.reason.startswith("2 of 3 slices of topic pass, locks not; locks: 40.0 %")
    assert found.look_at.startswith("topic locks: unresolved samples")


def test_a_slice_that_is_too_small_leaves_the_rule_open() -> None:
    found = decided({"audio": (490, 500), "lamps": (4, 4)})
    assert (found.outcome, found.n) == ("inconclusive", 4)
    assert found.n_needed is not None
    assert found.n_needed > 4


def test_that_one_of_many_looks_bad_is_no_failure() -> None:
    alone = decided({"locks": (140, 200)})
    assert alone.outcome == "fail"
    among = decided({f"t{i}": (160, 200) for i in range(24)} | {"locks": (140, 200)})
    assert (among.outcome, among.code) == ("inconclusive", "not_after_correction")
    assert among.p_fail == pytest.approx(25 * (alone.p_fail or 0), rel=1e-3)


def test_the_worst_slice_is_bounded_as_one_of_all() -> None:
    shares = {f"t{i}": (190, 200) for i in range(9)} | {"locks": (169, 200)}
    every, worst = decided(shares), decided(shares, slices="worst")
    assert (every.outcome, worst.outcome) == ("pass", "inconclusive")
    assert worst.alpha == 0.05
    assert every.low is not None
    assert worst.low is not None
    assert worst.low < every.low


def test_the_p_values_of_the_worst_slice_are_those_of_all_of_them() -> None:
    """At the bound that holds for all ten slices at once p is the rule's own alpha."""
    shares = {f"t{i}": (190, 200) for i in range(9)} | {"locks": (169, 200)}
    limit = decided(shares, slices="worst").low
    at_limit = decided(shares, slices="worst", limit=limit)
    assert at_limit.p == pytest.approx(0.05)
    alone = decided({"locks": (169, 200)}, limit=limit)
    assert at_limit.p == pytest.approx(10 * (alone.p or 0), rel=1e-5)
    assert {one.value: one.p for one in at_limit.slices}["locks"] == at_limit.p


def test_a_slice_too_small_to_look_bad_is_not_shown_to_be_no_worse() -> None:
    small = decided({"audio": (490, 500), "lamps": (5, 5)}, slices="worst")
    assert (small.outcome, small.n) == ("inconclusive", 5)
    assert small.reason.startswith("1 of 2 slices of topic pass, lamps not; lamps: 100.0 %")


@pytest.mark.parametrize("slicing", ["every", "worst"])
@pytest.mark.parametrize("n", [8, 20, 200])
def test_one_slice_at_the_limit_is_seldom_hidden_by_good_ones(slicing: str, n: int) -> None:
    chance = sum(
        float(binom.pmf(events, n, 0.78))
        for events in range(n + 1)
        if decided({"audio": (480, 500), "locks": (events, n)}, slices=slicing).outcome == "pass"
    )
    assert chance <= 0.05


def test_a_tag_that_no_sample_has_is_an_error() -> None:
    found = decide_slices(rule(by="colour"), METRIC, {})
    assert (found.outcome, found.code, found.blocks) == ("error", "no_slices", True)
    assert "colour" in found.reason


def test_an_error_in_one_slice_is_never_a_pass() -> None:
    seen = {"audio": Proportion(500, 490), "": Missing("incomplete", "lacks it", "it")}
    found = decide_slices(rule(), METRIC, seen)
    assert found.outcome == "error"
    assert found.slices[0].value == UNTAGGED


def test_what_must_not_occur_occurs_in_no_slice() -> None:
    metric = METRICS["forbidden_tool_call"]
    asked = rule(metric="forbidden_tool_call", test="census", limit=0.0)
    clean = {"a": Census(400, 0), "b": Census(300, 0)}
    assert decide_slices(asked, metric, clean).outcome == "pass"
    assert decide_slices(asked, metric, clean | {"c": Census(900, 1)}).outcome == "fail"


@given(
    shares=st.dictionaries(
        st.sampled_from("abcdef"),
        st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=1,
    ),
    lost=st.integers(1, 100),
    slicing=st.sampled_from(["every", "worst"]),
)
def test_failing_samples_never_turn_it_into_a_pass(
    shares: dict[str, tuple[int, int]], lost: int, slicing: str
) -> None:
    before = decided(shares, slices=slicing)
    name = min(shares)
    events, n = shares[name]
    after = decided(shares | {name: (events, n + lost)}, slices=slicing)
    if before.outcome != "pass":
        assert after.outcome != "pass"
