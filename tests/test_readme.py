"""What the README and the quickstart tell people to type exists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.cli.verbs import Verbs

ROOT = Path(__file__).parents[1]
SOURCES = (
    "README.md",
    "docs/quickstart.sh",
    "docs/ci.md",
    "docs/releases.md",
    "docs/delivery.md",
    "docs/evaluation.md",
    "docs/evalsets.md",
    "docs/importing.md",
    "docs/runtime.md",
    "docs/mlflow.md",
    "docs/safety-suites.md",
    "docs/reports.md",
    "docs/runs.md",
    "docs/scorers.md",
)


def commands() -> list[tuple[str, str]]:
    """Every `gatekeeper VERB …` in the documentation: the verb and the rest of the line."""
    found = set()
    for source in SOURCES:
        text = (ROOT / source).read_text(encoding="utf-8")
        for verb, rest in re.findall(r"(?<![\w/.\[-])gatekeeper ([a-z]+)\b([^\n`|]*)", text):
            found.add((verb, rest.split("#")[0].strip()))
    return sorted(found)


GROUPS = ("keys", "policy", "runs")
COMMANDS = [(verb, rest) for verb, rest in commands() if verb in Verbs.texts()]


def words(verb: str, rest: str) -> tuple[str, ...]:
    """The verb, with the verb of its group where it is one."""
    within = re.match(r"[a-z]+", rest) if verb in GROUPS else None
    return (verb, within[0]) if within else (verb,)


@pytest.fixture(scope="module")
def helps():
    """The help of every verb that the documentation uses."""
    found = {}
    for verb in {words(*command) for command in COMMANDS}:
        done = subprocess.run(
            [sys.executable, "-m", "gatekeeper", *verb, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "200", "PATH": "/usr/bin:/bin"},
        )
        found[verb] = done.stdout
    return found


def test_the_readme_names_most_verbs():
    assert len({verb for verb, _ in COMMANDS}) >= 10


def test_every_option_that_is_documented_exists(helps):
    missing = [
        (verb, option)
        for verb, rest in COMMANDS
        for option in re.findall(r"--[a-z-]+", rest)
        if option not in helps[words(verb, rest)]
    ]
    assert missing == []


def test_every_make_target_that_is_documented_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
