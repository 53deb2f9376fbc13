"""Policies in all their forms become rules, or one error a line that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.adapters import yaml
from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.core.policy.forms import (
    baseline_suites,
    defaults,
    normalise,
    policy_digest,
    policy_name,
    priority,
)
from gatekeeper.errors import InputError
from gatekeeper.model.policy import AnyPolicy, GatePolicy, ReleaseGate, ReleasePromotion

FIXTURES = Path(__file__).parent.parent / "fixtures"
TYPES: tuple[type[AnyPolicy], ...] = (GatePolicy, ReleaseGate, ReleasePromotion)


def fixture(name: str) -> yaml.Document[AnyPolicy]:
    return yaml.read(FIXTURES / "policies" / name, *TYPES, root=FIXTURES)


def long_form(**parts: Any) -> GatePolicy:
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": {"name": "own", "owner": "team", "effective": "2026-11-01"},
        **parts,
    }
    return GatePolicy.model_validate_json(json.dumps(content))


def problems(policy: AnyPolicy, **parameters: float) -> list[str]:
    with pytest.raises(InputError) as caught:
        normalise(policy, parameters)
    return [str(problem) for problem in caught.value.problems]


def summary(policy: AnyPolicy, **parameters: float) -> list[tuple[str, str, str, float | None]]:
    return [
        (rule.name, rule.metric, rule.test, rule.limit) for rule in normalise(policy, parameters)
    ]


def test_the_release_gate_in_json() -> None:
    policy = fixture("release_gate.json").value
    assert isinstance(policy, ReleaseGate)
    assert summary(policy) == [
        ("quality.resolved_rate_min", "resolved_rate", "min", 0.78),
        ("quality.follow_up_ratio_max", "follow_up_ratio", "max", 0.18),
        ("security.policy_violation_rate_max", "policy_violation_rate", "max", 0.005),
        ("security.forbidden_tool_call", "forbidden_tool_call", "census", 0),
        (
            "cost.usd_per_resolved_request_max_increase",
            "usd_per_resolved_request",
            "max_increase",
            0.1,
        ),
        ("reliability.p95_latency_max_increase", "p95_latency", "max_increase", 0.15),
        ("reliability.retry_amplification_max", "retry_amplification", "max", 1.25),
    ]
    assert policy_name(policy) == "release_gate"
    assert baseline_suites(normalise(policy)) == ("load", "quality")


def test_the_promotion_policy_in_yaml() -> None:
    policy = fixture("release_promotion.yaml").value
    assert isinstance(policy, ReleasePromotion)
    assert summary(policy, allowed_delta=0.02) == [
        ("supply_chain.dataset_lineage_present", "dataset_lineage_present", "evidence", None),
        ("quality.offline_eval_pass", "offline_eval_pass", "all_pass", None),
        (
            "quality.structured_output_conformance_min",
            "structured_output_conformance",
            "min",
            0.99,
        ),
        ("safety.safety_eval_pass", "safety_eval_pass", "all_pass", None),
        ("quality.regression_vs_current_max", "resolved_rate", "max_decrease", 0.02),
        ("supply_chain.sbom_attached", "sbom_attached", "evidence", None),
        (
            "supply_chain.provenance_attestation_present",
            "provenance_attestation_present",
            "evidence",
            None,
        ),
        (
            "supply_chain.unresolved_high_severity_findings",
            "unresolved_high_severity_findings",
            "evidence",
            None,
        ),
        ("security.pii_redaction_test_fail", "pii_redaction_test_fail", "census", 0),
        ("security.tenant_boundary_test_fail", "tenant_boundary_test_fail", "census", 0),
    ]
    assert policy.action.on_fail == "block_release"
    assert policy_name(policy) == "release_promotion"
    assert priority(policy)[0] == "security"


def test_the_allowed_delta_is_a_required_parameter_named_at_its_line() -> None:
    document = fixture("release_promotion.yaml")
    with pytest.raises(InputError) as caught:
        normalise(document.value, {}, document.problem)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == (
        "policies/release_promotion.yaml",
        10,
        "require[4]",
    )
    assert "'allowed_delta' is required" in problem.message
    assert "--parameter allowed_delta=0.02" in problem.accepted


def test_the_long_form_with_everything() -> None:
    policy = long_form(
        priority=["cost", "security"],
        defaults={"alpha": 0.1, "exposures": 500, "max_run_age_days": 2},
        parameters={"allowed_delta": 0.03},
        sections={
            "quality": {
                "owner": "product",
                "rules": [
                    {"metric": "resolved_rate", "min": 0.8, "alpha": 0.01, "name": "floor"},
                    {"metric": "false_refusal_rate", "max": 0, "exposures": 900},
                    {"metric": "resolved_rate", "min_increase": 0, "severity": "warn"},
                ],
                "follow_up_ratio_max": 0.2,
            }
        },
        require=["regression_vs_current <= allowed_delta", "success_rate >= 0.99"],
        deny_if=["policy_violation_rate >= 0.005", {"sbom_attached": False}],
    )
    rules = {rule.name: rule for rule in normalise(policy)}
    assert list(rules) == [
        "quality.floor",
        "quality.false_refusal_rate_max",
        "quality.resolved_rate_min_increase",
        "quality.follow_up_ratio_max",
        "quality.regression_vs_current_max",
        "reliability.success_rate_min",
        "security.policy_violation_rate_max",
        "supply_chain.sbom_attached",
    ]
    assert rules["quality.floor"].alpha == 0.01
    assert rules["quality.follow_up_ratio_max"].alpha == 0.1
    census = rules["quality.false_refusal_rate_max"]
    assert (census.test, census.limit, census.exposures) == ("census", 0, 900)
    assert rules["quality.resolved_rate_min_increase"].severity == "warn"
    assert rules["quality.regression_vs_current_max"].limit == 0.03
    assert priority(policy) == ("cost", "security")
    assert defaults(policy).max_run_age_days == 2
    assert {r.name: r for r in normalise(policy, {"allowed_delta": 0.01})}[
        "quality.regression_vs_current_max"
    ].limit == 0.01


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"resolved_rat_min": 0.8}, "no metric 'resolved_rat'; did you mean 'resolved_rate'?"),
        ({"resolved_rate": 0.8}, "nothing says how 'resolved_rate' is limited"),
        ({"resolved_rate_min": 78}, "78 is no limit of a rate"),
        ({"resolved_rate_max_decrease": -2}, "-2 is no limit of a rate"),
        ({"resolved_rate_min": 1}, "no sample can show a rate of 1"),
        ({"forbidden_tool_call": 2}, "'forbidden_tool_call' counts what must not occur"),
        ({"forbidden_tool_call_min": 0}, "'forbidden_tool_call' counts what must not occur"),
        ({"regression_vs_current_min": 0}, "'regression_vs_current' takes an upper limit"),
        ({"sbom_attached": 1}, "there is no metric 'sbom_attached'"),
        ({}, "the policy has no rule"),
    ],
)
def test_lines_of_a_section_that_are_no_rules(section: dict[str, float], message: str) -> None:
    (found,) = problems(ReleaseGate(release_gate={"quality": section}))
    assert message in found


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"require": ["resolved_rate > 0.8"]}, "cannot be read as a condition"),
        ({"require": ["resolved rate"]}, "cannot be read as a condition"),
        ({"require": ["resolved_rate >= inf"]}, "the parameter 'inf' is required"),
        ({"require": ["resolved_rat >= 0.5"]}, "did you mean 'resolved_rate'?"),
        ({"require": [{"tenant_boundary_test_fail": True}]}, "is bad where it is true"),
        ({"require": [{"sbom_attached": False}]}, "is good where it is true"),
        ({"deny_if": [{"sbom_attached": True}]}, "is good where it is true"),
        ({"require": [{"sbom_attache": True}]}, "did you mean 'sbom_attached'?"),
        ({"deny_if": [{"resolved_rate": True}]}, "nothing says how 'resolved_rate' is limited"),
        ({"deny_if": [{"regression_vs_current": True}]}, "takes an upper limit"),
        ({"require": ["success_rate >= 0.9"] * 2}, "success_rate_min is there twice"),
    ],
)
def test_lines_of_a_list_that_are_no_rules(lists: dict[str, Any], message: str) -> None:
    policy = ReleasePromotion.model_validate_json(
        json.dumps({"policy": "release_promotion", **lists})
    )
    (found,) = problems(policy)
    assert message in found


def test_all_problems_come_at_once() -> None:
    policy = ReleaseGate(release_gate={"a": {"x_min": 1, "y_max": 2}, "b": {"z": 0}})
    assert len(problems(policy)) == 3


@pytest.mark.parametrize(
    "spec", [{"metric": "resolved_rate"}, {"metric": "resolved_rate", "min": 0.1, "max": 0.9}]
)
def test_a_long_rule_has_exactly_one_limit(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give exactly one of max_increase"):
        long_form(sections={"quality": {"rules": [spec]}})


def test_the_digest_is_of_what_the_policy_says() -> None:
    document = fixture("release_gate.json")
    again = ReleaseGate.model_validate_json(document.value.model_dump_json())
    assert policy_digest(document.value) == policy_digest(again)
    assert policy_digest(again) == digest(canonical_model(again))
    assert policy_digest(again, {"allowed_delta": 0.5}) != policy_digest(again)
    assert policy_name(long_form()) == "own"


def test_a_metric_that_reads_all_suites_needs_all_of_the_baseline() -> None:
    rules = normalise(ReleaseGate(release_gate={"r": {"success_rate_max_decrease": 0.01}}))
    assert "safety" in baseline_suites(rules)
