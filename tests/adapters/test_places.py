"""Lines of manifests and policies that a verdict points at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.places import places
from gatekeeper.adapters.project import Project
from verdicts import failing, rule

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "apiVersion: gatekeeper/v1\ncomponents:\n  prompt:\n    system: x\n  router: {}\n"
POLICY = """apiVersion: gatekeeper/v1
sections:
  quality:
    owner: support
    resolved_rate_min: 0.8
    rules:
      - {metric: groundedness, min: 0.9}
      - {metric: follow_up_ratio, max: 0.2, name: patience}
  cost: {usd_per_resolved_request_max_increase: 0.1}
require:
  - success_rate >= 0.99
  - sbom_attached: true
deny_if:
  - regression_vs_current <= 0.02
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "repository" / "desk"
    (root / "manifests").mkdir(parents=True)
    (root / "manifests/desk.yaml").write_text(MANIFEST)
    (root / "gate.yaml").write_text(POLICY)
    return Project(root)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("quality.resolved_rate_min", 5),
        ("quality.groundedness_min", 7),
        ("quality.patience", 8),
        ("cost.usd_per_resolved_request_max_increase", 9),
        ("reliability.success_rate_min", 11),
        ("supply_chain.sbom_attached", 12),
        ("quality.regression_vs_current_max", 14),
        ("run.complete", 1),
        ("quality.unheard_of_max", 1),
    ],
)
def test_a_rule_is_at_the_line_that_made_it(project: Project, name: str, line: int) -> None:
    found = places(project, None, project.root / "gate.yaml", [name])
    assert (found.rules[name].file, found.rules[name].line) == ("gate.yaml", line)


def test_the_short_form_in_json(project: Project) -> None:
    policy = project.root / "gate.json"
    policy.write_text('{"release_gate": {\n "quality": {\n  "resolved_rate_min": 0.8}}}')
    found = places(project, None, policy, ["quality.resolved_rate_min"])
    assert found.rules["quality.resolved_rate_min"].line == 3


def test_components_are_at_their_keys(project: Project) -> None:
    found = places(project, "manifests/desk.yaml", None, [])
    assert {name: (one.line, one.column) for name, one in found.components.items()} == {
        "prompt": (3, 3),
        "router": (5, 3),
    }
    assert found.of(failing()) == found.components["prompt"]
    assert found.of(rule("quality.x_max", "error")) == found.manifest


def test_paths_start_at_the_root_of_the_repository(project: Project) -> None:
    (project.root.parent / ".git").mkdir()
    found = places(project, "manifests/desk.yaml", project.root / "gate.yaml", [])
    assert found.manifest is not None
    assert found.manifest.file == "desk/manifests/desk.yaml"
    assert found.policy is not None
    assert found.policy.file == "desk/gate.yaml"


@pytest.mark.parametrize("content", [None, b"a: [", b"\xff\xfe", b"- 1\n"])
def test_what_cannot_be_read_is_left_out(project: Project, content: bytes | None) -> None:
    path = project.root / "manifests/desk.yaml"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    found = places(project, "manifests/desk.yaml", project.root / "absent.yaml", ["a.b"])
    assert found.components == {}
    assert found.rules == {}
    assert found.of(rule("a.b", "fail")) is found.manifest


def test_files_outside_are_not_pointed_at(project: Project, tmp_path: Path) -> None:
    (tmp_path / "gate.yaml").write_text(POLICY)
    assert places(project, None, tmp_path / "gate.yaml", ["a.b"]).rules == {}
