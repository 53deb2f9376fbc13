from __future__ import annotations

import pytest

from gatekeeper.core.change_class import SECTIONS, SUITES, Part, classify, demand


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], "none"),
        (["prompt"], "prompt-only"),
        (["router"], "routing"),
        (["budgets"], "routing"),
        (["router", "budgets"], "routing"),
        (["retrieval"], "context"),
        (["model"], "model"),
        (["serving"], "model"),
        (["model", "serving"], "model"),
        (["tools"], "policy"),
        (["tools", "policy", "governance"], "policy"),
        (["prompt", "router"], "system"),
        (["prompt", "retrieval", "model"], "system"),
    ],
)
def test_classes(parts: list[Part], expected: str) -> None:
    assert classify(parts) == expected


def test_whatever_changes_quality_is_asked_for() -> None:
    for name in ("prompt-only", "routing", "context", "model", "policy", "system"):
        found = demand(name)  # type: ignore[arg-type]
        assert "quality" in found.sections
        assert set(found.sections) <= set(SECTIONS)
        assert set(found.suites) <= set(SUITES)
        assert found.reason
    assert demand("system").sections == demand("model").sections == SECTIONS
    assert demand("none").sections == ()
