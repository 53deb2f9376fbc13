"""Steps of action.yml and of the GitLab template, run in bash as the platforms run them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builders import write

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
TEMPLATE = ROOT / "templates/gatekeeper.yml"


def documents(path: Path) -> list[Any]:
    """The YAML documents of a file, as plain values."""
    from ruamel.yaml import YAML

    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Job:
    """A job on one machine: what it is told, and where it may write.

    Attributes:
        directory: Of its temporary files.
        checkout: The working directory.
        settings: Of the platform.
    """

    directory: Path
    checkout: Path
    settings: dict[str, str] = field(default_factory=dict)

    def bash(self, script: str, *options: str, **settings: str) -> Done:
        """A script, with nothing of this process's environment but what a runner has."""
        kept = {
            name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ
        }
        environment = {**kept, **self.settings, **settings}
        environment["PATH"] = f"{self._bin()}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *options, "-c", script],
            cwd=self.checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def _bin(self) -> Path:
        """A directory with the command `gatekeeper`, of the source under test."""
        command = self.directory / "bin/gatekeeper"
        if not command.exists():
            write(command, f'#!/bin/sh\nexec {sys.executable} -m gatekeeper "$@"\n')
            command.chmod(command.stat().st_mode | stat.S_IXUSR)
        return command.parent


@dataclass(frozen=True)
class Done:
    """How a script ended."""

    code: int
    out: str
    err: str


class Workflow:
    """The composite action in a job of GitHub Actions."""

    def __init__(
        self, directory: Path, checkout: Path, event: dict[str, Any], **settings: str
    ) -> None:
        self.temporary = directory / "runner"
        self.temporary.mkdir()
        told = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(write(directory / "event.json", json.dumps(event))),
            "GITHUB_REPOSITORY": "acme/desk",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "99",
            "GITHUB_SHA": "f" * 40,
            "RUNNER_TEMP": str(self.temporary),
        }
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            told[name] = str(write(directory / name.lower(), ""))
        self.job = Job(directory, checkout, {**told, **settings})
        (self.action,) = documents(ACTION)

    def step(self, name: str, **inputs: str) -> Done:
        """A step of the action by its name, with its inputs."""
        (step,) = [one for one in self.action["runs"]["steps"] if one.get("name") == name]
        values = {key: one.get("default", "") for key, one in self.action["inputs"].items()}
        given = {key.replace("_", "-"): value for key, value in inputs.items()}
        assert given.keys() <= values.keys()
        context = {f"inputs.{key}": value for key, value in (values | given).items()}
        context |= {"github.token": "job-token", "github.action_path": str(ROOT)}
        context |= {
            "steps.python.outputs.python-path": sys.executable,
            "steps.install.outputs.command": self.outputs.get("command", "gatekeeper"),
        }
        settings = {key: _expanded(value, context) for key, value in step["env"].items()}
        assert step["shell"] == "bash"
        return self.job.bash(step["run"], "-e", "-o", "pipefail", **settings)

    @property
    def outputs(self) -> dict[str, str]:
        """What the steps handed to later ones."""
        text = Path(self.job.settings["GITHUB_OUTPUT"]).read_text(encoding="utf-8")
        found = re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
        plain = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
        return {name: value for name, _, value in found} | dict(plain)

    @property
    def summary(self) -> str:
        return Path(self.job.settings["GITHUB_STEP_SUMMARY"]).read_text(encoding="utf-8")


class Component:
    """The GitLab component in a job of a merge request."""

    def __init__(self, directory: Path, checkout: Path, base: str, **settings: str) -> None:
        told = {
            "GITLAB_CI": "true",
            "CI_PROJECT_ID": "12",
            "CI_MERGE_REQUEST_PROJECT_ID": "11",
            "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.example/acme/desk",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
            "CI_COMMIT_SHA": "f" * 40,
            "CI_JOB_URL": "https://gitlab.example/acme/desk/-/jobs/99",
        }
        self.job = Job(directory, checkout, {**told, **settings})
        self.checkout = checkout
        self.spec, self.jobs = documents(TEMPLATE)

    def run(self, **inputs: str) -> Done:
        """The job's script, as the runner joins it."""
        values = {key: one.get("default", "") for key, one in self.spec["spec"]["inputs"].items()}
        values |= inputs
        ((_, job),) = self.jobs.items()
        variables = {key: interpolated(value, values) for key, value in job["variables"].items()}
        return self.job.bash("\n".join(job["script"]), "-e", "-o", "pipefail", **variables)


def _expanded(text: str, context: dict[str, str]) -> str:
    """Expressions of GitHub, as far as they are names; a default may hold one itself."""
    for _ in range(2):
        text = re.sub(r"\$\{\{ *([\w.-]+) *\}\}", lambda found: context[found[1]], text)
    return text


def interpolated(text: str, inputs: dict[str, Any]) -> str:
    """Inputs of a component of GitLab."""

    def value(found: re.Match[str]) -> str:
        one = inputs[found[1]]
        return str(one).lower() if isinstance(one, bool) else str(one)

    return re.sub(r"\$\[\[ *inputs\.([\w-]+) *\]\]", value, text)
