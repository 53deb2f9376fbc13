"""The command line starts at once: what it imports to answer is counted, not how long it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from typer.main import get_group

from gatekeeper.cli.verbs import app
from gatekeeper.cli.verbs.policy import app as policy
from gatekeeper.cli.verbs.runs import app as runs

OWN = {
    "gatekeeper",
    "gatekeeper.cli",
    "gatekeeper.cli.boundary",
    "gatekeeper.cli.main",
    "gatekeeper.cli.workflow_commands",
    "gatekeeper.cli.streams",
    "gatekeeper.errors",
}
OF_TYPER = {"typer", "annotated_doc", "shellingham", "typing_extensions"}
"""What `import typer` imports."""
GROUPS = {"": app, "policy": policy, "runs": runs}
PROGRAM = """
import contextlib, io, json, sys
before = set(sys.modules)
from gatekeeper.cli.main import run
with contextlib.redirect_stdout(io.StringIO()):
    for words in json.loads(sys.argv[1]):
        with contextlib.suppress(SystemExit):
            run(words)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported(*invocations: list[str], **environment: str) -> set[str]:
    """The modules that are there after the invocations, those of the standard library apart."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(invocations)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return {name for name in found if name.split(".")[0] not in sys.stdlib_module_names}


def packages(modules: set[str]) -> set[str]:
    """The packages that modules are of, without our own."""
    return {name.split(".")[0] for name in modules} - {"gatekeeper"}


def test_its_version_imports_nothing_but_the_boundary():
    assert imported(["--version"]) == OWN


def test_its_help_imports_typer_and_no_verb():
    found = imported(["--help"])
    assert packages(found) <= OF_TYPER
    own = {name for name in found if name.startswith("gatekeeper")}
    assert own == OWN | {"gatekeeper.cli.lazy", "gatekeeper.cli.verbs"}


def test_the_help_of_no_verb_imports_more_than_options_need():
    words = [
        [*filter(None, [group]), verb, "--help"]
        for group, one in GROUPS.items()
        for verb in get_group(one).commands
    ]
    assert len(words) > 30
    assert packages(imported(*words)) <= OF_TYPER


def test_to_complete_a_verb_imports_none():
    found = imported(
        [], _GATEKEEPER_COMPLETE="complete_bash", COMP_WORDS="gatekeeper ", COMP_CWORD="1"
    )
    assert packages(found) <= OF_TYPER
    assert "gatekeeper.cli.verbs.gate" not in found


@pytest.mark.parametrize("group", GROUPS)
def test_the_texts_of_a_group_are_what_its_verbs_say(group: str):
    verbs = get_group(GROUPS[group])
    said = {verb: verbs.loaded(verb).help.split("\n\n")[0] for verb in verbs.commands}
    assert {verb: " ".join(text.split()) for verb, text in said.items()} == verbs.texts()


@pytest.mark.parametrize("group", ["policy", "runs", "keys"])
def test_the_text_of_a_group_names_all_that_it_has(group: str):
    verbs = get_group(app).loaded(group)
    assert verbs.name == group
    assert verbs.help.endswith(f": {', '.join(verbs.commands)}.")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_words_are_completed(shell: str):
    typed = "gatekeeper gate --rec"
    done = subprocess.run(
        [sys.executable, "-m", "gatekeeper"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "_GATEKEEPER_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": typed,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "COMP_WORDS": typed,
            "COMP_CWORD": "2",
        },
    )
    assert "--record" in done.stdout
    assert "--policy" not in done.stdout
