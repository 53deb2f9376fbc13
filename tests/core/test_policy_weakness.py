"""What is weak about a policy that nothing before it can be compared with."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.adapters import yaml
from gatekeeper.core.policy.weakness import of_its_dates, undeclared, weaknesses
from gatekeeper.model.facts import Facts
from gatekeeper.model.policy import GatePolicy, ReleaseGate
from gatekeeper.ops.policy import Policy

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 26)
GUARDED = {
    "security": {"forbidden_tool_call": 0},
    "quality": {"resolved_rate_min": 0.8},
    "reliability": {"success_rate_min": 0.99},
    "cost": {"usd_per_resolved_request_max_increase": 0.1},
}
METADATA = {
    "name": "desk",
    "owner": "audit",
    "effective": "2026-11-01",
    "review_by": "2027-05-01",
}


def document(sections: dict[str, Any] | None = None, **parts: Any) -> dict[str, Any]:
    whole = GUARDED | (sections or {})
    rules = sum(len(one["rules"]) if "rules" in one else len(one) for one in whole.values() if one)
    return {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": METADATA,
        "expect_rules": rules,
        "sections": whole,
        **parts,
    }


def found(content: dict[str, Any]) -> list[tuple[str, str, str]]:
    policy = Policy(GatePolicy.model_validate_json(json.dumps(content)))
    told = weaknesses(policy.value, policy.rules, policy.metrics, TODAY)
    return [(one.code, one.rule, one.fix) for one in told]


def long(**parts: Any) -> dict[str, Any]:
    return {"quality": {"rules": [{"metric": "resolved_rate", "min": 0.8, **parts}]}}


def test_a_sound_policy_has_nothing_to_be_said_of() -> None:
    assert found(document()) == []


def test_the_policy_of_the_example_is_sound() -> None:
    policy = Policy(yaml.read(ROOT / "gates/support-desk.yaml", GatePolicy, root=ROOT).value)
    day = date.fromisoformat(policy.value.metadata.effective)
    assert list(weaknesses(policy.value, policy.rules, policy.metrics, day)) == []


@pytest.mark.parametrize(
    ("content", "code", "rule", "fix"),
    [
        (document(long(alpha=0.2)), "alpha-wide", "quality.resolved_rate_min", "`alpha: 0.05`"),
        (
            document(expect_rules=None),
            "rules-unpinned",
            "policy",
            "`expect_rules: 4`",
        ),
        (
            document(metadata={**METADATA, "review_by": None}),
            "no-review",
            "policy",
            "`review_by` under `metadata`, within a year",
        ),
        (
            document(metadata={**METADATA, "review_by": "2028-01-01"}),
            "review-far",
            "policy",
            "`review_by` under `metadata`, within a year",
        ),
        (
            document({"quality": {"rules": []}}),
            "section-unguarded",
            "policy",
            "a rule with `severity: block` in each; docs/metrics.md lists what can be measured",
        ),
        (
            document(
                {
                    "security": {
                        "rules": [
                            {
                                "metric": "policy_violation_rate",
                                "max": 0.01,
                                "on_inconclusive": "warn",
                            }
                        ]
                    }
                }
            ),
            "security-lenient",
            "security.policy_violation_rate_max",
            "`on_inconclusive: block`",
        ),
        (
            document(
                {
                    "security": {
                        "rules": [{"metric": "forbidden_tool_call", "max": 0, "exposures": 20}]
                    }
                }
            ),
            "exposures-few",
            "security.forbidden_tool_call_max",
            "`exposures: 59`",
        ),
        (
            document(
                {
                    "security": {
                        "rules": [{"metric": "forbidden_tool_call", "max": 0, "detect": 0.001}]
                    }
                }
            ),
            "exposures-few",
            "security.forbidden_tool_call_max",
            "`exposures: 2,995`",
        ),
    ],
)
def test_what_is_weak(content: dict[str, Any], code: str, rule: str, fix: str) -> None:
    assert (code, rule, fix) in found(content)
    assert len(found(content)) == 1


@pytest.mark.parametrize(
    "limit",
    [
        {"resolved_rate_min": 0.05},
        {"follow_up_ratio_max": 0.95},
        {"resolved_rate_max_decrease": 0.6},
        {"tokens_per_verified_outcome_max_increase": 2},
    ],
)
def test_a_limit_that_hardly_anything_could_breach(limit: dict[str, float]) -> None:
    ((code, rule, _),) = found(document({"quality": limit}))
    assert (code, rule) == ("limit-idle", f"quality.{next(iter(limit))}")


def test_a_rule_that_decides_nothing_weakens_nothing() -> None:
    assert found(document({"other": {"rules": [
        {"metric": "success_rate", "min": 0.01, "alpha": 0.3, "severity": "warn"}
    ]}})) == []  # fmt: skip


def test_a_gate_may_not_be_skipped_as_a_whole() -> None:
    skippable = {
        "quality": {"rules": [{"metric": "resolved_rate", "min": 0.8, "skippable": True}]},
        "security": {"rules": [{"metric": "forbidden_tool_call", "max": 0, "skippable": True}]},
        "cost": None,
        "reliability": None,
    }
    sections = {name: one for name, one in skippable.items() if one}
    codes = [one[0] for one in found(document() | {"sections": sections, "expect_rules": 2})]
    assert codes == ["section-unguarded", "all-skippable"]


def test_a_gate_in_the_short_form_has_nobody_to_ask() -> None:
    policy = Policy(ReleaseGate(release_gate={"quality": {"resolved_rate_min": 0.8}}))
    codes = [one.code for one in weaknesses(policy.value, policy.rules, policy.metrics, TODAY)]
    assert codes == ["short-form", "section-unguarded"]


def test_days_are_told_too() -> None:
    content = document(metadata={**METADATA, "review_by": "2026-11-20"})
    policy = GatePolicy.model_validate_json(json.dumps(content))
    (told,) = of_its_dates(policy, TODAY)
    assert (told.code, told.fix) == ("overdue", "a review, and then a later `review_by`")
    (told,) = of_its_dates(policy, date(2026, 10, 1))
    assert told.code == "not-effective"


def test_facts_that_nobody_declares_are_told_before_a_run() -> None:
    made = document(
        {"cost": {"verification_tax_ratio_max": 0.5, "cost_per_verified_change_max": 9}}
    )
    policy = Policy(GatePolicy.model_validate_json(json.dumps(made)))
    (ratio, change) = undeclared(policy.rules, policy.metrics, None)
    assert (ratio.code, ratio.rule) == ("no-facts", "cost.verification_tax_ratio_max")
    assert "review_hours, rework_hours, remediation_hours, delivery_hours" in ratio.text
    assert change.rule == "cost.cost_per_verified_change_max"
    names = ("review_hours", "rework_hours", "remediation_hours")
    (ratio, change) = undeclared(policy.rules, policy.metrics, declared(*names))
    assert ratio.text == "it will be an error: no declared facts say delivery_hours"
    assert "declare delivery_hours in the facts" in ratio.fix
    (change,) = undeclared(policy.rules, policy.metrics, declared(*names, "delivery_hours"))
    assert change.rule == "cost.cost_per_verified_change_max"


def declared(*names: str) -> Facts:
    fact = {"value": 1, "unit": "hours", "source": "time sheets", "recorded_by": "desk"}
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "Facts",
        "owner": "desk",
        "period": {"from": "2026-10-01", "to": "2026-10-31"},
        "facts": [{"name": name, **fact} for name in names],
    }
    return Facts.model_validate_json(json.dumps(content))
