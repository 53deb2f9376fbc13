"""The GitLab component: its script, run as a runner runs it, against a real repository."""

import json
import re
import subprocess

import pytest

from forges import gitlab_note
from gatekeeper.cli.verbs import app
from pipelines import TEMPLATE, Component, documents, interpolated

MARKER = "<!-- gatekeeper ci: . -->"


@pytest.fixture
def component(desk, base, gitlab, tmp_path):
    settings = {"CI_API_V4_URL": gitlab.address, "GATEKEEPER_COMMENT_TOKEN": "project-token"}
    return Component(tmp_path, desk, base, **settings)


@pytest.mark.usefixtures("kinder")
def test_a_merge_request_that_fails_is_reported_and_its_note_corrected(
    component, evasive_model, gitlab, desk
):
    component.job.settings.update(evasive_model)
    stranger = gitlab_note(1, f"{MARKER}\nof somebody who wants to be us", author=1)
    gitlab.kept += [stranger, gitlab_note(2, f"{MARKER}\n## pass, of the push before")]
    done = component.run(install="none")
    assert done.code == 1, done.err
    assert [call.split()[0] for call in gitlab.written] == ["PUT"]
    assert "somebody" in gitlab.bodies[0]
    assert gitlab.bodies[1].startswith(f"{MARKER}\n## ❌ gatekeeper: fail\n")
    assert "https://gitlab.example/acme/desk/-/jobs/99" in gitlab.bodies[1]
    assert gitlab.tokens == {"project-token"}
    (job,) = component.jobs.values()
    artifacts = job["artifacts"]
    for pattern in (*artifacts["paths"], *artifacts["reports"].values()):
        assert list(desk.glob(pattern)), pattern
    dotenv = (desk / "gatekeeper-reports/outputs.env").read_text()
    assert "GATEKEEPER_OUTCOME=fail\n" in dotenv
    findings = json.loads((desk / "gatekeeper-reports/code-quality.json").read_text())
    assert [one["location"]["path"] for one in findings]
    assert all((desk / one["location"]["path"]).is_file() for one in findings)


def test_without_a_token_the_exit_code_stands_and_the_log_says_how_to_get_one(component, gitlab):
    component.job.settings.pop("GATEKEEPER_COMMENT_TOKEN")
    done = component.run(install="none")
    assert done.code == 0, done.err
    assert "project access token" in done.err
    assert gitlab.calls == []
    again = component.run(install="none", comment=False)
    assert "holds something already" in again.err  # a job starts from a clean directory


def test_inputs_are_never_run(component, tmp_path):
    words = f'"; touch {tmp_path}/ran; $(touch {tmp_path}/ran) #'
    assert component.run(install="none", since=words, baseline=words).code == 2
    assert not (tmp_path / "ran").exists()


# -- the file itself ------------------------------------------------------------------------------


def test_no_input_stands_in_a_script_and_every_input_is_used():
    spec, jobs = documents(TEMPLATE)
    ((name, job),) = jobs.items()
    assert name == "$[[ inputs.job ]]"
    assert not any("$[[" in line for line in job["script"])
    text = TEMPLATE.read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.(\w+)", text)) == set(spec["spec"]["inputs"])
    script = "\n".join(job["script"])
    assert subprocess.run(["bash", "-n", "-c", script], check=False).returncode == 0
    assert interpolated("$[[ inputs.a ]]", {"a": True}) == "true"


def test_variables_are_those_that_the_command_reads():
    from typer.main import get_command

    command = get_command(app).loaded("ci")
    read = {one.envvar for one in command.params if one.envvar}
    (job,) = documents(TEMPLATE)[1].values()
    assert {name for name in job["variables"] if name.startswith("GATEKEEPER_CI_")} == read
