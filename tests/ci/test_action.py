"""The GitHub Action: its steps, run as a runner runs them, against a real repository."""

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from builders import write
from forges import github_comment
from gatekeeper.cli.verbs import app
from pipelines import ACTION, Workflow, documents
from repositories import commit, git

INSTALL = "Install gatekeeper"
JUDGE = "Build, evaluate, gate, comment"
MARKER = "<!-- gatekeeper ci: . -->"


@pytest.fixture
def workflow(desk, base, github, tmp_path):
    """A pull request's job; `head` is what people know the commit as."""
    event = {"pull_request": {"number": 7, "base": {"sha": base}, "head": {"sha": "e" * 40}}}
    return Workflow(tmp_path, desk, event, GITHUB_API_URL=github.address)


def reports(workflow):
    """Every report of the one manifest, by its file name."""
    root = Path(workflow.outputs["reports"]) / "manifests-desk-v1-yaml"
    return {path.name: path.read_text(encoding="utf-8") for path in root.iterdir()}


@pytest.mark.usefixtures("kinder")
def test_a_change_that_passes_is_judged_reported_and_commented(workflow, model, github, base, desk):
    workflow.job.settings.update(model)
    before = git(desk, "status", "--porcelain")
    done = workflow.step(JUDGE, options="--limit=8 --no-cache")
    assert done.code == 0, done.err
    (comment,) = github.bodies
    assert comment.startswith(f"{MARKER}\n## ✅ gatekeeper: pass\n")
    assert f"Commit {'e' * 12} against {base[:12]}" in comment
    assert "https://github.example/acme/desk/actions/runs/99" in comment
    assert "`manifests/desk/system.jinja`" in comment  # what touches it
    assert "prompt-only" in comment  # the change class
    assert "<ins>kind" in comment  # the words that changed
    assert f"Compared with the same manifest at {base[:12]}" in comment
    assert "resolved_rate_min" in comment
    assert comment.removeprefix(f"{MARKER}\n").strip() == workflow.summary.strip()
    assert github.tokens == {"Bearer job-token"}
    outputs = workflow.outputs
    assert outputs["outcome"] == "pass"
    assert json.loads(outputs["manifests"]) == ["manifests/desk-v1.yaml"]
    verdict = json.loads(Path(outputs["verdict"]).read_text(encoding="utf-8"))
    assert (verdict["release"], verdict["run"]) == (outputs["release"], outputs["run"])
    found = reports(workflow)
    assert ET.fromstring(found["junit.xml"]).tag == "testsuites"
    sarif = json.loads(found["verdict.sarif"])
    assert sarif["version"] == "2.1.0"
    assert sarif["runs"][0]["automationDetails"]["id"] == "gatekeeper/manifests-desk-v1-yaml/"
    assert found["verdict.html"].lower().startswith("<!doctype html>")
    assert "$ gatekeeper evaluate" in done.err  # as a person would type it
    assert "--limit=8 --no-cache" in done.err
    assert git(desk, "status", "--porcelain") == before


@pytest.mark.usefixtures("kinder")
def test_a_change_that_fails_corrects_the_comment_of_the_push_before(
    workflow, evasive_model, github, desk
):
    workflow.job.settings.update(evasive_model)
    stranger = github_comment(1, f"{MARKER}\nof somebody who wants to be us", "User")
    github.kept += [stranger, github_comment(2, f"{MARKER}\n## pass, of the push before")]
    policy = desk / "gates/desk.yaml"
    policy.write_text(policy.read_text().replace("0.5", "0.4"))
    commit(desk, "and ask for less")
    done = workflow.step(JUDGE)
    assert done.code == 1, done.err
    assert [call.split()[0] for call in github.written] == ["PATCH"]
    assert "somebody" in github.bodies[0]
    comment = github.bodies[1]
    assert comment.startswith(f"{MARKER}\n## ❌ gatekeeper: fail\n")
    assert "**fail**: `quality.resolved_rate_min`" in comment
    assert "The gate policy changes together with what it judges" in comment
    assert "`gates/desk.yaml` **demands less**" in comment
    assert "`0.5` became `0.4`" in comment
    assert workflow.outputs["outcome"] == "fail"
    assert "::error" in done.err
    assert ET.fromstring(reports(workflow)["junit.xml"]).get("failures") != "0"


def test_a_manifest_that_cannot_be_built_is_an_error_with_its_place(workflow, github, desk):
    """In a project that is a directory of its repository."""
    inner = desk / "products/desk"
    for part in (".gatekeeper", "manifests", "gates", "eval_sets", "models"):
        (desk / part).rename(write(inner / "README.md", "the desk\n").parent / part)
    write(inner / "manifests/desk/system.jinja", "You are {{ nobody_knows }}.\n")
    commit(desk, "move it, and break it")
    done = workflow.step(JUDGE, project="products/desk")
    assert done.code == 2, done.err
    (comment,) = github.bodies
    marker = MARKER.replace(" . ", " products/desk ")
    assert comment.startswith(f"{marker}\n## ⚠️ gatekeeper in `products/desk`: error\n")
    assert "it cannot be built" in comment
    assert "manifests/desk/system.jinja:1:1: components.prompt.system" in comment
    assert "nobody_knows" in comment
    assert ET.fromstring(reports(workflow)["junit.xml"]).get("errors") == "1"
    assert workflow.outputs["outcome"] == "error"
    assert workflow.outputs["verdict"] == ""


def test_a_fork_may_not_comment_and_that_changes_no_exit_code(workflow, desk, github):
    (desk / "manifests/desk-v1.yaml").unlink()
    commit(desk, "take it away")
    github.refuse["POST"] = [403]
    done = workflow.step(JUDGE)
    assert done.code == 0, done.err
    assert "no comment: " in done.err
    assert "403 not here" in done.err
    assert github.bodies == []
    assert "Taken away, and so not judged: `manifests/desk-v1.yaml`" in workflow.summary
    assert "job-token" not in done.err + done.out


def test_a_change_that_touches_no_release_passes_and_opens_no_comment(workflow, desk, github):
    write(desk / "README.md", "new\n")
    commit(desk, "a readme")
    done = workflow.step(JUDGE)
    assert done.code == 0, done.err
    assert "no manifest is touched" in done.out
    assert github.written == []
    assert workflow.outputs["outcome"] == "none"
    github.kept.append(github_comment(1, f"{MARKER}\nof an earlier push"))
    assert workflow.step(JUDGE).code == 0
    assert "no release is touched" in github.bodies[0]


def test_what_people_write_into_inputs_is_never_run(workflow, github, tmp_path):
    words = f'"; touch {tmp_path}/ran; $(touch {tmp_path}/ran) `touch {tmp_path}/ran` #'
    action = documents(ACTION)[0]
    names = [one.replace("-", "_") for one in action["inputs"]]
    given = dict.fromkeys([one for one in names if one not in {"comment", "project"}], words)
    assert workflow.step(JUDGE, **given).code == 2
    assert workflow.step(JUDGE, project=words).code == 2
    assert not (tmp_path / "ran").exists()
    assert github.calls == []


def test_the_install_step_installs_what_it_is_told_into_a_place_of_its_own(workflow, tmp_path):
    """A real wheel, without dependencies, so that the network is not asked; its name is no code."""
    package = tmp_path / "a $(touch ran) `touch ran` b"
    write(package / "gatekeeper.py", "def main():\n    print('gatekeeper 0 of the test')\n")
    write(
        package / "pyproject.toml",
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
        "[project]\nname = 'gatekeeper'\nversion = '0'\n"
        "[project.scripts]\ngatekeeper = 'gatekeeper:main'\n"
        "[tool.hatch.build.targets.wheel]\ninclude = ['gatekeeper.py']\n",
    )
    build = "from hatchling.build import build_wheel; print(build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=package, check=True, capture_output=True, text=True
    )
    wheel = package / done.stdout.splitlines()[-1]
    workflow.job.settings["PYTHONPATH"] = ""
    found = workflow.step(INSTALL, install=str(wheel))
    assert found.code == 0, found.err
    assert found.out == "gatekeeper 0 of the test\n"
    assert not (workflow.job.checkout / "ran").exists()
    command = Path(workflow.outputs["command"])
    assert command.is_relative_to(workflow.temporary)
    judged = workflow.step(JUDGE)  # by what was installed, whatever else is on the path
    assert judged.out == "gatekeeper 0 of the test\n"


def test_an_installed_gatekeeper_is_taken_where_that_is_wanted(workflow):
    done = workflow.step(INSTALL, install="none")
    assert done.code == 0, done.err
    assert done.out.startswith("gatekeeper ")
    assert list(workflow.temporary.iterdir()) == []
    assert workflow.outputs["command"] == "gatekeeper"


# -- the file itself ------------------------------------------------------------------------------


def steps():
    return documents(ACTION)[0]["runs"]["steps"]


def test_no_expression_stands_in_a_script_and_every_script_is_bash():
    scripts = [step["run"] for step in steps() if "run" in step]
    assert len(scripts) == 2
    for script in scripts:
        assert "${{" not in script
        assert script.startswith("set -euo pipefail\n")
        assert subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0


def test_actions_of_others_are_pinned_to_a_commit():
    used = [step["uses"] for step in steps() if "uses" in step]
    assert len(used) == 3
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one) for one in used)


def test_uploads_run_after_a_failed_verdict_and_cannot_change_it():
    uploads = steps()[-2:]
    assert all("!cancelled()" in step["if"] for step in uploads)
    assert all(step["continue-on-error"] is True for step in uploads)


def test_every_input_is_described_and_used_and_no_other():
    action, text = documents(ACTION)[0], ACTION.read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
    assert all(one["description"] for one in (action["inputs"] | action["outputs"]).values())


def test_the_workflow_in_the_guide_can_be_pasted():
    from ruamel.yaml import YAML

    text = (ACTION.parent / "docs/ci.md").read_text(encoding="utf-8")
    blocks = [
        YAML(typ="safe").load(one) for one in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    ]
    (workflow,) = [one for one in blocks if "jobs" in one]
    (job,) = workflow["jobs"].values()
    assert job["steps"][0]["with"]["fetch-depth"] == 0
    inputs = documents(ACTION)[0]["inputs"]
    used = [one for block in blocks if isinstance(block, list) for one in block] + job["steps"]
    ours = [step["with"] for step in used if step.get("uses", "").startswith("OWNER/gatekeeper")]
    assert len(ours) == 2
    assert all(set(one) <= set(inputs) for one in ours)
    table = text.split("| input |")[1].split("\n\n")[0]
    first = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert set(re.findall(r"`([\w-]+)`", "".join(first))) == set(inputs)


def test_variables_are_those_that_the_command_reads():
    from typer.main import get_command

    command = get_command(app).loaded("ci")
    read = {one.envvar for one in command.params if one.envvar}
    (judge,) = [one for one in steps() if one.get("name") == JUDGE]
    told = {name for name in judge["env"] if name.startswith("GATEKEEPER_CI_")}
    assert told | {"GATEKEEPER_CI_REPORTS"} == read
