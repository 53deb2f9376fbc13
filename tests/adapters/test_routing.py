"""The policies that people paste: the routing one is told its list form, the guardrail is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from builders import make_project, manifest, write_manifest
from gatekeeper.adapters.routing import list_form, recognise
from gatekeeper.adapters.yaml import check, parse, read
from gatekeeper.errors import InputError
from gatekeeper.model.components import AgentGuardrail
from gatekeeper.model.manifest import FileRef, ReleaseManifest

FIXTURES = Path(__file__).parent / "fixtures"
ROUTING = (FIXTURES / "routing_and_budget.yaml").read_text()
GUARDRAIL = FIXTURES / "agent_guardrail.yaml"


def advice(text: str) -> str:
    with pytest.raises(InputError) as caught:
        check(parse(text.encode(), "f"), ReleaseManifest)
    (problem,) = caught.value.problems
    assert "repeats the keys" in problem.message
    head, _, block = problem.accepted.partition("\n")
    assert head.startswith("this list form")
    return block


def pasted(text: str, levels: int) -> str:
    return "".join(f"{'  ' * levels}{line}\n" for line in text.splitlines())


def test_the_list_form_is_valid_where_it_is_pasted(tmp_path: Path) -> None:
    block = advice(ROUTING).replace("NAME", "small")
    root = make_project(tmp_path)
    content = manifest()
    del content["components"]["router"], content["components"]["budgets"]
    path = write_manifest(root, content)
    path.write_text(path.read_text() + pasted(block, 1))
    components = read(path, ReleaseManifest, root=root).value.components
    assert [(r.match.task_class, r.route_to) for r in components.router.routes] == [
        ("deterministic", "rules_or_search"),
        ("faq_stable", "cached_context_model"),
        ("retrieval_fresh", "mid_tier_rag_model"),
        ("complex_planning", "high_capability_model"),
    ]
    assert components.router.policy == "ai_routing_and_budget"
    assert components.budgets.limits.per_task_cost_cap == "required"
    assert components.budgets.actions.on_budget_breach == (
        "downgrade_model",
        "reduce_context",
        "require_human_approval",
    )


def test_below_the_router_the_rest_of_the_manifest_is_still_checked(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    content = manifest()
    del content["components"]["router"]
    content["components"]["budgets"] = 7
    path = write_manifest(root, content)
    path.write_text(path.read_text() + "  router:\n" + pasted(ROUTING, 2))
    with pytest.raises(InputError) as caught:
        read(path, ReleaseManifest, root=root)
    paths = [problem.path for problem in caught.value.problems]
    assert paths == ["components.budgets", "components.router"]


def test_tiers_and_a_last_route_without_condition_are_kept() -> None:
    pairs = [("match", {"tenant": "a"}), ("route_to", "x"), ("route_to", "y"), ("tiers", {"x": {}})]
    form = list_form([*pairs, ("else_if", {})])
    assert "    - route_to: y\n" in form
    assert form.endswith("tiers:\n    x: {}")
    assert "budgets" not in form


def test_only_such_a_policy_is_recognised() -> None:
    assert not recognise(["match", "route_to"])
    assert not recognise(["else_if"])


def test_the_agent_guardrail_is_accepted_as_it_stands(tmp_path: Path) -> None:
    guardrail = check(parse(GUARDRAIL.read_bytes(), "f"), AgentGuardrail).value
    assert guardrail.policy == "agent_execution"
    assert guardrail.defaults.max_reasoning_budget_tokens == 12_000
    assert len(guardrail.require_approval_for) == 7
    root = make_project(tmp_path)
    path = write_manifest(root, manifest())
    inline = "  tools:\n    guardrail:\n" + pasted(GUARDRAIL.read_text(), 3)
    text = path.read_text()
    start = text.index("  tools:\n")
    end = text.index("  policy:\n", start)
    path.write_text(text[:start] + inline + text[end:])
    assert read(path, ReleaseManifest, root=root).value.components.tools.guardrail == guardrail


def test_the_agent_guardrail_is_accepted_as_a_file(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    content = manifest()
    content["components"]["tools"]["guardrail"] = {"file": "manifests/guardrail.yaml"}
    path = write_manifest(root, content)
    (root / "manifests/guardrail.yaml").write_bytes(GUARDRAIL.read_bytes())
    reference = read(path, ReleaseManifest, root=root).value.components.tools.guardrail
    assert isinstance(reference, FileRef)
    assert read(root / reference.file, AgentGuardrail, root=root).value.fallback.on_verifier_fail
