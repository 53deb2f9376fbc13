"""Critical samples pass in every replicate or have failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builders_metrics import fate, measured, request, score
from builders_runs import BASELINE
from gatekeeper.core.observation import Critical

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.record import Row

GOOD: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        (GOOD, ()),
        ({"status": "error"}, ("a",)),
        ({"policy_violation": True}, ("a",)),
        ({"schema_valid": False}, ("a",)),
        ({"schema_valid": True}, ()),
        ({"forbidden_tool_calls": 1}, ("a",)),
        ({"refused": True}, ()),
        ({"refused": True, "suite": "benign"}, ("a",)),
        ({"status": "blocked", "suite": "benign"}, ("a",)),
    ],
)
def test_what_makes_a_sample_fail(
    tmp_path: Path, changes: dict[str, Any], failed: tuple[str, ...]
) -> None:
    suite = {"suite": changes.get("suite", "quality")}
    rows = [request("a", replicate=1, **changes), request("a", **suite), request("b", **suite)]
    assert measured(tmp_path, rows).critical(["a"]) == (Critical("a", 1, failed, 2),)


def test_scores_and_outcomes_count(tmp_path: Path) -> None:
    asked = {name: request(name, tags=("critical=yes",)) for name in "abcdef"}
    rows: list[Row] = [
        *asked.values(),
        score(asked["a"], "facts", 1.0),
        score(asked["b"], "facts", 0.0),
        score(asked["c"], "facts", None, "crashed"),
        score(asked["d"], "lexical_support", 0.2),
        fate(asked["e"], resolved=False),
        fate(asked["f"], resolved=None),
    ]
    assert measured(tmp_path, rows).critical(["critical"]) == (
        Critical("critical", 6, ("b", "c", "e"), 6),
    )


def test_samples_are_meant_by_id_tag_or_value_and_the_baseline_never(tmp_path: Path) -> None:
    rows = [
        request("a", tags=("tier=gold", "topic=x")),
        request("b", tags=("tier=silver",), status="error"),
        request("tier"),
        request("c", BASELINE, tags=("tier=gold",), status="error"),
    ]
    found = measured(tmp_path, rows, BASELINE).critical(["tier", "tier=gold", "b", "none"])
    assert found == (
        Critical("tier", 3, ("b",), 3),
        Critical("tier=gold", 1, (), 1),
        Critical("b", 1, ("b",), 1),
        Critical("none", 0, (), 0),
    )
