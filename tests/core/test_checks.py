"""Every check, by the incident that it catches: a manifest that builds, with one thing changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gatekeeper.core.checks import PROMPT_VARIABLES, PromptSize, check
from gatekeeper.core.checks.content import schema_fault
from gatekeeper.model.components import Components, Governance

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.core.checks.finding import Finding

CLOSED = Governance()
SIZES = {"small": PromptSize(alone=100, framed=120)}
DOCUMENT = {"path": "a.md", "size": 1, "sha256": "0" * 64}


def parts() -> dict[str, Any]:
    return {
        "prompt": {"system": "Be brief.", "template": "{{ context }} {{ input }}"},
        "model": {"models": {"small": {"context_length": 1000}}},
        "serving": {"engines": [{"name": "embedded"}], "sampling": {"max_tokens": 100}},
        "retrieval": {"documents": [DOCUMENT], "chunking": {"max_tokens": 100}, "top_k": 4},
        "router": {
            "routes": [{"match": {"task_class": "faq"}, "route_to": "faq"}, {"route_to": "rag"}],
            "tiers": {
                "faq": {"kind": "search", "fallback": "rag"},
                "rag": {"model": "small"},
            },
        },
        "tools": {
            "allow": {"mail": {"parameters": {"type": "object"}, "triggers": ["external_email"]}},
            "guardrail": {"require_approval_for": ["external_email"]},
        },
        "policy": {"injection": [{"name": "rules", "patterns": ["(?i)ignore"]}]},
        "budgets": {"per_request": {"input_tokens": 600, "output_tokens": 100}},
    }


def findings(
    edit: Callable[[dict[str, Any]], object] = dict,
    governance: Governance = CLOSED,
    sizes: dict[str, PromptSize] = SIZES,
) -> list[Finding]:
    import json

    content = parts()
    edit(content)
    return check(Components.model_validate_json(json.dumps(content)), governance, sizes)


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return edit


def test_what_fits_together_has_no_findings() -> None:
    assert findings() == []


CASES = [
    (put("prompt", "system", value="{{ user }}"), "prompt-template", "prompt.system", "'user'"),
    (put("prompt", "template", value="\n{{ inpt }}"), "prompt-template", "prompt.template", "inpt"),
    (
        put("retrieval", "top_k", value=9),
        "context-overflow",
        "retrieval.top_k",
        "prompt 120 + chunks 9 x 100 + output 100",
    ),
    (
        put("model", "models", "small", "context_length", value=None),
        "context-unknown",
        "model.models.small",
        "not known",
    ),
    (
        put("budgets", "per_request", "input_tokens", value=100),
        "budget-below-prompt",
        "budgets.per_request.input_tokens",
        "the prompt alone is 100 tokens",
    ),
    (
        put("budgets", "per_request", "input_tokens", value=519),
        "budget-below-context",
        "budgets.per_request.input_tokens",
        "may be 520 tokens",
    ),
    (
        put("budgets", "per_request", "output_tokens", value=99),
        "budget-below-output",
        "budgets.per_request.output_tokens",
        "cut short",
    ),
    (
        put("budgets", "limits", value={"daily_budget_by_workload": "required"}),
        "budget-missing",
        "budgets.limits.daily_budget_by_workload",
        "no amount",
    ),
    (
        put("budgets", "limits", value={"per_task_cost_cap": "required"}),
        "budget-missing",
        "budgets.limits.per_task_cost_cap",
        "no amount",
    ),
    (
        put("budgets", value={"limits": {"per_request_token_cap": "required"}}),
        "budget-missing",
        "budgets.limits.per_request_token_cap",
        "no amount",
    ),
    (
        put("router", "routes", 1, "route_to", value="rga"),
        "unknown-tier",
        "router.routes.1.route_to",
        "'rga' is not declared",
    ),
    (
        put("router", "tiers", "faq", "fallback", value="none"),
        "unknown-tier",
        "router.tiers.faq.fallback",
        "'none'",
    ),
    (
        put("router", "tiers", "rag", "model", value="smal"),
        "unknown-model",
        "router.tiers.rag.model",
        "'smal'",
    ),
    (
        put("router", "tiers", "rag", "model", value=None),
        "tier-without-model",
        "router.tiers.rag",
        "names no model",
    ),
    (
        put("router", "tiers", "faq", "model", value="small"),
        "search-with-model",
        "router.tiers.faq.model",
        "calls no model",
    ),
    (
        put("retrieval", value={"strategy": "none", "top_k": 0}),
        "search-without-retrieval",
        "router.tiers.faq.kind",
        "does not have",
    ),
    (
        put("model", "models", "small", "role", value="judge"),
        "wrong-role",
        "router.tiers.rag.model",
        "'judge'",
    ),
    (
        put("router", "tiers", "rag", "fallback", value="faq"),
        "fallback-cycle",
        "router.tiers.faq.fallback",
        "faq -> rag -> faq",
    ),
    (
        put("router", "tiers", "rag", "fallback", value="rag"),
        "fallback-cycle",
        "router.tiers.rag.fallback",
        "rag -> rag",
    ),
    (
        put("router", "tiers", "spare", value={"model": "small"}),
        "unused-tier",
        "router.tiers.spare",
        "no route and no fallback",
    ),
    (
        put("router", "routes", value=[{"route_to": "rag"}, {"route_to": "faq"}]),
        "unreachable-route",
        "router.routes.1",
        "route 1 takes every request",
    ),
    (
        put(
            "router",
            "routes",
            value=[
                {"match": {"task_class": "a"}, "route_to": "faq"},
                {"match": {"task_class": "a", "tenant": "t"}, "route_to": "rag"},
                {"route_to": "rag"},
            ],
        ),
        "unreachable-route",
        "router.routes.1",
        "the same requests first",
    ),
    (
        put("router", "routes", value=[{"match": {"tenant": "t"}, "route_to": "rag"}]),
        "no-default-route",
        "router.routes",
        "no route takes",
    ),
    (
        put("prompt", "output_schema", value={"properties": {"a": {"type": "strng"}}}),
        "bad-schema",
        "prompt.output_schema.properties.a.type",
        "at properties.a.type",
    ),
    (
        put(
            "prompt",
            "output_schema",
            value={"type": "object", "required": ["a"], "properties": {"a": False}},
        ),
        "unmeetable-schema",
        "prompt.output_schema.properties.a",
        "no answer can meet this schema: is `false`, which nothing meets, and 'a' is required",
    ),
    (
        put("tools", "allow", "mail", "parameters", value={"$ref": "http://localhost:9/x"}),
        "bad-schema",
        "tools.allow.mail.parameters",
        "localhost",
    ),
    (
        put("tools", "allow", "mail", "triggers", value=["external_mail"]),
        "unknown-trigger",
        "tools.allow.mail.triggers.0",
        "'external_mail'",
    ),
    (
        put("policy", "injection", 0, "patterns", value=["ok", "(?=x)"]),
        "bad-pattern",
        "policy.injection.0.patterns.1",
        "in a pattern",
    ),
    (
        put("model", "models", "idle", value={"context_length": 9000}),
        "unused-model",
        "model.models.idle",
        "no tier uses",
    ),
    (
        put("model", "models", "idle", value={"context_length": 9000}),
        "tokenizer-unknown",
        "model.models.idle",
        "tokenizer.json",
    ),
    (put("retrieval", "documents", value=[]), "empty-snapshot", "retrieval", "no documents"),
    (
        put("retrieval", "snapshot_embedding_model", value="e5"),
        "embedding-mismatch",
        "retrieval.snapshot.embedding_model",
        "embedded with e5, queries are embedded with no model",
    ),
    (
        put("retrieval", "embedding_model", value="bge"),
        "embedding-mismatch",
        "retrieval.embedding_model",
        "queries are embedded with bge",
    ),
]


@pytest.mark.parametrize(("edit", "code", "path", "message"), CASES)
def test_each_check(
    edit: Callable[[dict[str, Any]], None], code: str, path: str, message: str
) -> None:
    found = [finding for finding in findings(edit) if finding.code == code]
    assert len(found) == 1, findings(edit)
    assert ".".join(str(step) for step in found[0].path) == f"components.{path}"
    assert message in found[0].message
    assert found[0].fix


def test_errors_come_before_warnings() -> None:
    def edit(content: dict[str, Any]) -> None:
        content["router"]["tiers"]["spare"] = {"model": "nope"}

    assert [finding.severity for finding in findings(edit)] == ["error", "warning"]


def test_names_nearby_are_suggested() -> None:
    found = findings(put("router", "tiers", "rag", "model", value="smal"))
    assert {finding.nearest for finding in found} == {"small", ""}
    assert findings(put("prompt", "template", value="{{ inptu }}"))[0].nearest == "input"


def test_a_hosted_model_needs_leave_and_an_engine() -> None:
    hosted = put("model", "models", "small", value={"pinned": False, "endpoint_model": "x-1"})
    assert [finding.code for finding in findings(hosted, sizes={})] == [
        "external-model",
        "engine-for-hosted",
        "context-unknown",
    ]

    def allowed(content: dict[str, Any]) -> None:
        hosted(content)
        content["model"]["models"]["small"]["context_length"] = 1000
        content["serving"]["engines"].append({"name": "openai"})

    assert findings(allowed, Governance(external_model_calls=True), sizes={}) == []


def test_without_retrieval_only_prompt_and_output_count() -> None:
    def edit(content: dict[str, Any]) -> None:
        content["retrieval"] = {"strategy": "none", "top_k": 4, "chunking": {"max_tokens": 5000}}
        content["router"]["routes"] = [{"route_to": "rag"}]
        del content["router"]["tiers"]["faq"]

    assert findings(edit) == []


def test_a_cycle_is_reported_once() -> None:
    def edit(content: dict[str, Any]) -> None:
        tiers = content["router"]["tiers"]
        tiers["rag"]["fallback"] = "c"
        tiers["c"] = {"model": "small", "fallback": "d"}
        tiers["d"] = {"model": "small", "fallback": "rag"}

    found = [finding for finding in findings(edit) if finding.code == "fallback-cycle"]
    assert [finding.message for finding in found] == [
        "fallbacks go round in a circle: c -> d -> rag -> c"
    ]


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"$ref": "#/$defs/a", "$defs": {"a": {}}}]
)
def test_schemas_that_are_fine(schema: dict[str, Any]) -> None:
    assert schema_fault(schema) is None


@pytest.mark.parametrize(
    "schema", [{"$schema": "http://nowhere.invalid/x"}, {"$ref": "#/$defs/none"}, {"pattern": "("}]
)
def test_schemas_that_are_not_never_leave_the_machine(schema: dict[str, Any]) -> None:
    assert schema_fault(schema) is not None


def test_every_variable_is_explained() -> None:
    assert all(PROMPT_VARIABLES.values())
