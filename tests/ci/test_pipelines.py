"""The action, the component and every workflow, by the platforms' schemas and an auditor."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

import pytest

from pipelines import ACTION, ROOT, TEMPLATE, documents, interpolated

BIN: Final = Path(sysconfig.get_path("scripts"))
WORKFLOWS: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
FENCE: Final = re.compile(r"^```yaml\n(# \.github/workflows/.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    """The workflow of the guide, as somebody would copy it."""
    [workflow] = FENCE.findall((ROOT / "docs/ci.md").read_text(encoding="utf-8"))
    path = tmp_path / ".github/workflows/gatekeeper.yml"
    path.parent.mkdir(parents=True)
    path.write_text(workflow.replace("OWNER/gatekeeper@COMMIT", f"acme/gatekeeper@{'0' * 40}"))
    return path


def said(program: str, *words: str | Path) -> tuple[int, str]:
    """How a program ended, and what it said."""
    command = [BIN / program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def fits(schema: str, *files: Path) -> None:
    code, text = said("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    assert code == 0, text


def test_the_action_is_one() -> None:
    fits("github-actions", ACTION)


def test_the_workflows_are_some(guide: Path) -> None:
    assert WORKFLOWS
    fits("github-workflows", guide, *WORKFLOWS)


def test_a_schema_refuses_what_is_none(tmp_path: Path) -> None:
    (tmp_path / "action.yml").write_text("name: x\nruns: {using: composite}\n")
    code, text = said(
        "check-jsonschema", "--builtin-schema", "vendor.github-actions", tmp_path / "action.yml"
    )
    assert (code, "'description' is a required property" in text) == (1, True)


def test_the_component_is_a_pipeline_of_gitlab(tmp_path: Path) -> None:
    header, _ = documents(TEMPLATE)
    inputs = {name: one.get("default") for name, one in header["spec"]["inputs"].items()}
    _, body = TEMPLATE.read_text(encoding="utf-8").split("\n---\n")
    header_file, job = tmp_path / "header.json", tmp_path / "job.yml"
    header_file.write_text(json.dumps(header))
    job.write_text(interpolated(body, inputs))
    fits("gitlab-ci", header_file, job)


def test_an_auditor_finds_nothing(guide: Path) -> None:
    code, text = said("zizmor", "--offline", "--no-progress", ACTION, *WORKFLOWS, guide)
    assert code == 0, text


def test_the_auditor_sees_an_injection(tmp_path: Path) -> None:
    text = ACTION.read_text(encoding="utf-8").replace('"$COMMAND" ci', "${{ inputs.options }} ci")
    (tmp_path / "action.yml").write_text(text)
    code, told = said("zizmor", "--offline", "--no-progress", tmp_path / "action.yml")
    assert code != 0
    assert "template-injection" in told
