"""`gatekeeper attribute` where an endpoint answers, which may have changed since the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from attributing import attributed, told
from evaluating import evaluate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def changed_twice(root: Path) -> Path:
    """A third release: another prompt than the first, and the cap of the second."""
    (root / "manifests/desk/system.jinja").write_text("You are the desk of Northwind. Be kind.\n")
    text = (root / "manifests/desk-v2.yaml").read_text()
    (root / "manifests/desk-v3.yaml").write_text(text)
    told(["build", "manifests/desk-v3.yaml", "--project", str(root)])
    return root


def test_the_baseline_is_asked_again_beside_each_mix(
    changed_twice: Path, serve: Callable[[], None], capsys: pytest.CaptureFixture[str]
) -> None:
    serve()
    root = changed_twice
    first = told(["list", "--project", str(root)]).splitlines()[1].split()[1]
    _, verdict = evaluate(root, capsys, "manifests/desk-v3.yaml", "--baseline", f"sha256:{first}")
    found = attributed(root, verdict["run"], "--all", "--no-advise")
    assert found["changed"] == ["prompt", "serving"]
    for mix in found["mixes"]:
        assert (mix["conversations"], mix["reused"]) == (16, 0)
        assert mix["asked"] >= 16
    assert "the baseline was asked again beside each mix" in found["notes"][0]
    cost = next(rule for rule in found["rules"] if rule["section"] == "cost")
    assert (cost["samples"], len(cost["components"])) == (8, 2)
    planned = attributed(root, verdict["run"], "--all", "--dry-run")
    assert [mix["requests"] for mix in planned["mixes"]] == [32, 32]
