"""The long form's options: what becomes of them, and which do not go together."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builders_metrics import declared_facts
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.policy.dates import not_yet, of_other_days, overdue
from gatekeeper.core.policy.forms import baseline_suites, metrics_of, multiplicity, normalise
from gatekeeper.errors import InputError
from gatekeeper.model.policy import Calibration, GatePolicy, ReleaseGate, Rule

CALIBRATION = {"true_events": 45, "missed_events": 5, "true_others": 90, "false_events": 10}
OWN = {
    "sql": "SELECT sample_id AS sample, 1 AS y FROM requests",
    "definition": "requests that were long",
    "kind": "mean",
    "suites": ["structured"],
}


def policy(metadata: dict[str, Any] | None = None, **parts: Any) -> GatePolicy:
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": {"name": "own", "owner": "team", "effective": "2026-11-01", **(metadata or {})},
        **parts,
    }
    return GatePolicy.model_validate_json(json.dumps(content))


def quality(*rules: dict[str, Any], **parts: Any) -> GatePolicy:
    return policy(sections={"quality": {"owner": "product", "rules": rules}}, **parts)


def only(*rules: dict[str, Any], **parts: Any) -> Rule:
    (rule,) = normalise(quality(*rules, **parts))
    return rule


def problems(found: GatePolicy) -> list[str]:
    with pytest.raises(InputError) as caught:
        normalise(found)
    return [problem.message for problem in caught.value.problems]


def test_a_rule_says_everything_about_itself() -> None:
    rule = only(
        {
            "metric": "follow_up_ratio",
            "max": 0.2,
            "by": "topic",
            "slices": "worst",
            "min_effect": 0.01,
            "detect": 0.25,
            "calibration": CALIBRATION,
            "on_missing": "warn",
            "on_inconclusive": "warn",
            "severity": "info",
            "skippable": True,
        }
    )
    assert rule == Rule(
        name="quality.follow_up_ratio_max_by_topic",
        section="quality",
        metric="follow_up_ratio",
        test="max",
        limit=0.2,
        owner="product",
        by="topic",
        slices="worst",
        min_effect=0.01,
        detect=0.25,
        calibration=Calibration(**CALIBRATION),
        on_missing="warn",
        on_inconclusive="warn",
        severity="info",
        skippable=True,
    )


def test_a_rule_that_says_nothing_takes_the_defaults() -> None:
    given_here = {"alpha": 0.01, "on_missing": "warn", "on_inconclusive": "warn", "method": "bca"}
    rules = normalise(
        policy(
            defaults=given_here,
            sections={
                "cost": {
                    "owner": "finops",
                    "usd_per_resolved_request_max_increase": 0.1,
                    "budget_breach_rate_max": 0.1,
                    "must_pass": ["refund", "topic=warranty"],
                    "rules": [{"metric": "retry_amplification", "max": 2, "method": "delta"}],
                }
            },
            require=["success_rate >= 0.9", {"sbom_attached": True}],
        )
    )
    assert {rule.on_missing for rule in rules} == {rule.on_inconclusive for rule in rules}
    assert {rule.on_missing for rule in rules} == {"warn"}
    assert {rule.name: (rule.method, rule.owner) for rule in rules} == {
        "cost.retry_amplification_max": ("delta", "finops"),
        "cost.usd_per_resolved_request_max_increase": ("bca", "finops"),
        "cost.budget_breach_rate_max": (None, "finops"),
        "cost.must_pass": (None, "finops"),
        "reliability.success_rate_min": (None, "team"),
        "supply_chain.sbom_attached": (None, "team"),
    }


def test_samples_that_must_pass_are_a_rule_of_their_section() -> None:
    (rule,) = normalise(policy(sections={"safety": {"must_pass": ["injection", "topic=refund"]}}))
    assert (rule.name, rule.section, rule.test) == ("safety.must_pass", "safety", "must_pass")
    assert rule.samples == ("injection", "topic=refund")
    assert rule.limit is None


def test_one_metric_may_have_a_rule_over_all_and_one_in_each_slice() -> None:
    rules = normalise(
        quality(
            {"metric": "resolved_rate", "min": 0.8},
            {"metric": "resolved_rate", "min": 0.6, "by": "topic"},
            {"metric": "resolved_rate", "min": 0.6, "by": "tenant"},
            {"metric": "resolved_rate", "min": 0.9, "severity": "warn", "name": "hoped_for"},
        )
    )
    assert [rule.name.removeprefix("quality.") for rule in rules] == [
        "resolved_rate_min",
        "resolved_rate_min_by_topic",
        "resolved_rate_min_by_tenant",
        "hoped_for",
    ]


def test_a_rule_may_be_on_a_metric_of_the_policy_itself() -> None:
    rule = {"metric": "long_requests", "max_increase": 0.1}
    found = quality(rule, metrics={"long_requests": OWN})
    metrics = metrics_of(found)
    (made,) = normalise(found)
    assert made.metric == "long_requests"
    assert metrics["long_requests"].sql == OWN["sql"]
    assert metrics["long_requests"].unit == "rate"
    assert metrics["resolved_rate"] is METRICS["resolved_rate"]
    assert baseline_suites((made,), metrics) == ("structured",)
    assert problems(quality(rule)) == ["there is no metric 'long_requests'"]


def test_a_metric_of_the_policy_reads_suites_that_there_are() -> None:
    with pytest.raises(ValidationError, match=r"metrics\.long_requests\.suites"):
        quality(metrics={"long_requests": {**OWN, "suites": ["qualty"]}})


@pytest.mark.parametrize("name", ["resolved_rate", "regression_vs_current", "sbom_attached"])
def test_a_name_of_the_library_means_one_thing_everywhere(name: str) -> None:
    (found,) = problems(quality({"metric": "success_rate", "min": 0.9}, metrics={name: OWN}))
    assert found.startswith(f"{name!r} is a name of the library")


def test_a_policy_that_says_how_many_rules_it_has_cannot_lose_one() -> None:
    two = [{"metric": "success_rate", "min": 0.9}, {"metric": "resolved_rate", "min": 0.8}]
    assert len(normalise(quality(*two, expect_rules=2))) == 2
    assert problems(quality(two[0], expect_rules=2)) == [
        "the policy makes 1 rules, and 2 are expected"
    ]
    assert problems(quality({"metric": "succes_rate", "min": 0.9}, expect_rules=2)) == [
        "there is no metric 'succes_rate'"
    ]


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_two_limits_contradict_exactly_where_nothing_fits_between(low: float, high: float) -> None:
    found = quality({"metric": "success_rate", "min": low}, {"metric": "success_rate", "max": high})
    if low < high:
        assert len(normalise(found)) == 2
    else:
        (message,) = problems(found)
        assert message.startswith("nothing can be shown to meet both quality.success_rate_max")


@given(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_so_do_two_changes(fall: float, rise: float) -> None:
    found = quality(
        {"metric": "success_rate", "max_decrease": fall},
        {"metric": "success_rate", "max_increase": rise},
    )
    if -fall < rise:
        assert len(normalise(found)) == 2
    else:
        (message,) = problems(found)
        assert message.startswith("nothing can be shown to meet both")


def test_a_level_and_a_change_do_not_contradict() -> None:
    found = quality(
        {"metric": "success_rate", "min": 0.9}, {"metric": "success_rate", "max_increase": 0.01}
    )
    assert len(normalise(found)) == 2


def test_the_same_rule_in_two_sections_is_refused_with_both_places() -> None:
    (message,) = problems(
        policy(
            sections={
                "quality": {"success_rate_min": 0.9},
                "reliability": {"success_rate_min": 0.95},
            }
        )
    )
    assert message == (
        "reliability.success_rate_min is the rule quality.success_rate_min again, and its limit is"
        " 0.9 there, at sections.quality.success_rate_min"
    )


def test_a_policy_decides_from_the_day_on_which_it_is_effective() -> None:
    found = policy({"effective": "2026-11-02"}, require=["success_rate >= 0.9"])
    why = not_yet(found, date(2026, 11, 1))
    assert why is not None
    assert (why.code, "effective from 2026-11-02" in why.reason) == ("not_effective", True)
    assert not_yet(found, date(2026, 11, 2)) is None
    assert not_yet(ReleaseGate(release_gate={"a": {"b": 1}}), date(1999, 1, 1)) is None


def test_a_review_that_nobody_made_is_told() -> None:
    found = policy({"review_by": "2027-02-01"}, require=["success_rate >= 0.9"])
    assert overdue(found, date(2027, 2, 1)) == ()
    assert overdue(found, date(2027, 2, 2)) == (
        "the policy own was to be reviewed by 2027-02-01: ask team",
    )
    assert overdue(ReleaseGate(release_gate={"a": {"b": 1}}), date(2999, 1, 1)) == ()


def test_rules_are_corrected_for_their_number_only_where_the_policy_says_so() -> None:
    assert multiplicity(policy(multiplicity="holm")) == "holm"
    assert multiplicity(policy()) == multiplicity(ReleaseGate(release_gate={"a": {"b": 1}}))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 10, 30), "which is not over"),
        (date(2026, 10, 31), ""),
        (date(2027, 5, 3), ""),
        (date(2027, 5, 4), "more than half a year ago"),
    ],
)
def test_facts_of_other_days_are_warned_of(day: date, said: str) -> None:
    told = list(of_other_days(declared_facts(review_hours=3), day))
    assert [one.rpartition("2026-10-31, ")[2] for one in told] == ([said] if said else [])


def test_no_policy_speaks_of_the_run_itself() -> None:
    rule = {"resolved_rate_min": 0.5}
    for made in (policy(sections={"run": rule}), ReleaseGate(release_gate={"run": rule})):
        with pytest.raises(InputError, match="'run' is where a verdict says") as caught:
            normalise(made)
        assert len(caught.value.problems) == 1
