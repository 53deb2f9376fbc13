"""Two policies side by side: what is demanded more of, what less, and what may be either."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.policy.diff import Applied, differences, loosened
from gatekeeper.core.policy.forms import normalise
from gatekeeper.model.policy import AnyPolicy, GatePolicy, ReleaseGate, Rule

MIRROR = {"tightened": "loosened", "loosened": "tightened", "either": "either", "none": "none"}
CALIBRATION = {"true_events": 45, "missed_events": 5, "true_others": 90, "false_events": 10}


@dataclass(frozen=True)
class Said:
    value: AnyPolicy
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def rules(self) -> tuple[Rule, ...]:
        return normalise(self.value, dict(self.parameters))


def policy(*rules: dict[str, Any], **parts: Any) -> Said:
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": {"name": "own", "owner": "team", "effective": "2026-11-01"},
        "sections": {"quality": {"rules": rules}},
        **parts,
    }
    return Said(GatePolicy.model_validate_json(json.dumps(content)))


def told(before: Applied, after: Applied) -> list[tuple[str, str, str, str, str]]:
    return [
        (one.rule.removeprefix("quality."), one.what, one.before, one.after, one.direction)
        for one in differences(before, after)
    ]


FLOOR: dict[str, Any] = {"metric": "resolved_rate", "min": 0.8}
CEILING: dict[str, Any] = {"metric": "follow_up_ratio", "max": 0.2}
FALL: dict[str, Any] = {"metric": "resolved_rate", "max_decrease": 0.02}
NEVER: dict[str, Any] = {"metric": "forbidden_tool_call", "max": 0, "exposures": 500}


@pytest.mark.parametrize(
    ("rule", "change", "what", "direction"),
    [
        (FLOOR, {"min": 0.7}, "limit", "loosened"),
        (FLOOR, {"min": 0.9}, "limit", "tightened"),
        (CEILING, {"max": 0.3}, "limit", "loosened"),
        (CEILING, {"max": 0}, "limit", "tightened"),
        # 13 clean samples leave more than 20 % possible at 0.05, 14 do not.
        (CEILING, {"max": 0, "exposures": 13}, "limit", "either"),
        (CEILING, {"max": 0, "exposures": 14}, "limit", "tightened"),
        (FALL, {"max_decrease": 0.08}, "limit", "loosened"),
        (FLOOR, {"alpha": 0.1}, "alpha", "loosened"),
        (NEVER, {"exposures": 300}, "exposures", "loosened"),
        (FLOOR, {"severity": "warn"}, "severity", "loosened"),
        (FLOOR, {"on_missing": "warn"}, "on_missing", "loosened"),
        (FLOOR, {"on_inconclusive": "warn"}, "on_inconclusive", "loosened"),
        (FLOOR, {"min_effect": 0.05}, "min_effect", "loosened"),
        (FLOOR, {"skippable": True}, "skippable", "loosened"),
        (FLOOR, {"calibration": CALIBRATION}, "calibration", "either"),
        (FLOOR, {"detect": 0.7}, "detect", "none"),
        (FLOOR, {"name": "floor"}, "name", "none"),
        ({**FLOOR, "by": "topic"}, {"slices": "worst"}, "slices", "either"),
        ({**FLOOR, "severity": "warn"}, {"min": 0.7}, "limit", "none"),
    ],
)
def test_each_part_of_a_rule(
    rule: dict[str, Any], change: dict[str, Any], what: str, direction: str
) -> None:
    found = told(policy(rule), policy({**rule, **change}))
    assert [(one[1], one[4]) for one in found] == [(what, direction)]


def test_the_rule_that_fewer_release_fail_is_told_in_full() -> None:
    assert told(policy(FLOOR, CEILING), policy({**FLOOR, "min": 0.75}, NEVER)) == [
        ("resolved_rate_min", "limit", "0.8", "0.75", "loosened"),
        (
            "forbidden_tool_call_max",
            "added",
            "nothing",
            "forbidden_tool_call census 0",
            "tightened",
        ),
        ("follow_up_ratio_max", "removed", "follow_up_ratio max 0.2", "nothing", "loosened"),
    ]


def test_a_rule_that_moves_to_another_section_is_the_same_rule() -> None:
    moved = policy(sections={"reliability": {"rules": [{**FLOOR, "min": 0.7}]}})
    assert told(policy(FLOOR), moved) == [
        ("reliability.resolved_rate_min", "limit", "0.8", "0.7", "loosened"),
        (
            "reliability.resolved_rate_min",
            "name",
            "quality.resolved_rate_min",
            "reliability.resolved_rate_min",
            "none",
        ),
    ]


def test_a_rule_over_all_is_not_one_in_each_slice() -> None:
    found = told(policy(FLOOR), policy({**FLOOR, "by": "topic"}))
    assert [(one[0], one[1]) for one in found] == [
        ("resolved_rate_min_by_topic", "added"),
        ("resolved_rate_min", "removed"),
    ]


def test_samples_that_need_not_pass_any_more() -> None:
    before = policy(FLOOR, sections={"quality": {"must_pass": ["a", "b"]}})
    after = policy(FLOOR, sections={"quality": {"must_pass": ["b", "c"]}})
    assert told(before, after) == [
        ("must_pass", "samples", "a", "nothing", "loosened"),
        ("must_pass", "samples", "nothing", "c", "tightened"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ({}, {"defaults": {"max_run_age_days": 60}}, "loosened"),
        ({}, {"multiplicity": "holm"}, "loosened"),
        ({"multiplicity": "holm"}, {"multiplicity": "benjamini_hochberg"}, "tightened"),
        ({"expect_rules": 1}, {}, "loosened"),
        ({}, {"facts": "facts/q3.yaml"}, "either"),
    ],
)
def test_what_holds_for_all_rules(
    before: dict[str, Any], after: dict[str, Any], direction: str
) -> None:
    (found,) = differences(policy(FLOOR, **before), policy(FLOOR, **after))
    assert (found.rule, found.direction) == ("policy", direction)


def test_another_query_under_the_same_name_may_be_either_and_counts_as_less() -> None:
    def own(sql: str) -> dict[str, Any]:
        return {"long": {"sql": sql, "definition": "long requests", "kind": "mean"}}

    rule = {"metric": "long", "max": 0.5}
    before = policy(rule, metrics=own("SELECT 1"))
    after = policy(rule, metrics=own("SELECT 0"))
    (found,) = loosened(before, after)
    assert (found.rule, found.what) == ("policy", "metrics.long")


def test_parameters_are_part_of_what_is_demanded() -> None:
    value = policy(require=["regression_vs_current <= delta"], sections={}).value
    (found,) = loosened(Said(value, (("delta", 0.02),)), Said(value, (("delta", 0.05),)))
    assert (found.what, found.before, found.after) == ("limit", "0.02", "0.05")


def test_policies_of_different_forms_are_compared_by_their_rules() -> None:
    short = Said(ReleaseGate(release_gate={"quality": {"resolved_rate_min": 0.8}}))
    assert told(short, policy(FLOOR)) == [("resolved_rate_min", "owner", "nothing", "team", "none")]


RULES = st.lists(
    st.builds(
        lambda test, limit, **rest: {**test, next(iter(test)): limit, **rest},
        st.sampled_from([{"max": 0.0}, {"max_decrease": 0.0}, {"max_increase": 0.0}]),
        st.sampled_from([0.0, 0.1, 0.2, 0.3]),
        metric=st.sampled_from(["follow_up_ratio", "budget_breach_rate", "false_refusal_rate"]),
        alpha=st.sampled_from([0.01, 0.05]),
        severity=st.sampled_from(["block", "warn", "info"]),
        on_missing=st.sampled_from(["block", "warn"]),
        skippable=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda rule: rule["metric"],
)
POLICIES = st.builds(
    lambda rules, age, correction: policy(
        *rules,
        {"metric": "success_rate", "min": 0.9},
        defaults={"max_run_age_days": age},
        multiplicity=correction,
    ),
    RULES,
    st.sampled_from([7.0, 30.0]),
    st.sampled_from(["none", "holm"]),
)


@given(POLICIES)
def test_equal_policies_have_no_difference(one: Said) -> None:
    assert differences(one, one) == ()


@given(POLICIES, POLICIES)
def test_what_is_tightened_one_way_is_loosened_the_other(one: Said, two: Said) -> None:
    there = {(c.what, c.before, c.after, c.direction) for c in differences(one, two)}
    back = {(c.what, c.after, c.before, MIRROR[c.direction]) for c in differences(two, one)}
    swapped = {"added": "removed", "removed": "added"}
    assert there == {(swapped.get(what, what), *rest) for what, *rest in back}


@given(POLICIES, POLICIES)
def test_something_is_loosened_exactly_where_something_differs_that_way(
    one: Said, two: Said
) -> None:
    assert len(loosened(one, two)) == sum(
        change.direction in {"loosened", "either"} for change in differences(one, two)
    )


def test_the_order_in_which_a_policy_is_written_makes_no_other_answer() -> None:
    strict = policy(FLOOR, CEILING, FALL)
    turned = policy(FALL, CEILING, FLOOR)
    easy = policy({"metric": "success_rate", "min": 0.9})
    assert len(loosened(strict, easy)) == 3
    assert loosened(strict, easy) == loosened(turned, easy)
