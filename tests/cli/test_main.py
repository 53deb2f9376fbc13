"""The console script: verbs, usage errors, streams."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer
from typer.main import get_command

from gatekeeper import __version__
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import main, run
from gatekeeper.cli.verbs import Verbs, app
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def gatekeeper(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_prints_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"gatekeeper {__version__}\n"


@pytest.mark.parametrize("group", ["keys", "runs"])
def test_a_group_alone_says_what_it_has(group: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: run([group]), [group]) == 0
    told = capsys.readouterr()
    assert "list" in told.out
    assert told.err == ""


@pytest.mark.parametrize(
    ("arguments", "verb"),
    [
        (["evaluate", "--limt", "3"], "gatekeeper evaluate"),
        (["runs", "merge"], "gatekeeper runs merge"),
        (["runs", "shw"], "gatekeeper runs"),
        (["evaluat"], "gatekeeper"),
    ],
)
def test_bad_usage_names_the_help_of_what_was_typed(arguments: list[str], verb: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(arguments)
    assert caught.value.fix == f"see `{verb} --help`"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_helps(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in ("init", "build", "rollback"))


def test_options_stand_below_their_headings_in_one_column(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["ci", "--help"]) == 0
    printed = capsys.readouterr().out
    headings = [line for line in printed.splitlines() if line and not line.startswith(" ")]
    assert headings[1:] == [
        "Arguments:", "What is judged:", "How it is judged:", "Where it is told:", "Options:",
    ]  # fmt: skip
    judged = printed.split("How it is judged:\n")[1].split("\n\n")[0]
    assert all(option in judged for option in ("--env", "--policy", "--keys"))
    texts = ("What the change is against", "Decide by this policy", "Where this runs")
    lines = printed.splitlines()
    assert len({line.index(text) for text in texts for line in lines if text in line}) == 1


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in Verbs.texts():
        assert run([verb, "--help"]) == 0
        assert "Usage: gatekeeper" in capsys.readouterr().out


def test_every_verb_takes_the_project_and_the_output() -> None:
    group = get_command(app)
    assert isinstance(group, Verbs)
    for verb in Verbs.texts():
        names = {parameter.name for parameter in group.loaded(verb).params}
        project = "directory" if verb == "init" else "project"
        assert not names or {project, "output"} <= names, verb


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["buid"], "No such command 'buid'. Did you mean 'build'?"),
        (["schema"], "Missing argument 'kind'"),
        (["schema", "manifest", "x"], "unexpected extra argument"),
        (["schema", "manifest", "-o", "xml"], "'xml' is not one of"),
        (["--colour"], "No such option"),
    ],
)
def test_bad_usage_is_an_error_with_a_way_out(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(arguments)
    assert message.lower() in str(caught.value).lower()
    assert "--help" in caught.value.fix


def test_a_directory_that_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["list", "--project", str(tmp_path), "--output", "json"]
    assert guarded(lambda: run(arguments), arguments) == 2
    found = json.loads(capsys.readouterr().out)["error"]
    assert (found["code"], found["where"]) == ("bad-usage", str(tmp_path))


@pytest.mark.parametrize("how", [typer.Abort, KeyboardInterrupt])
def test_giving_up_is_an_interruption_and_said(
    how: type[BaseException],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def give_up(_: str) -> None:
        raise how

    monkeypatch.setattr("gatekeeper.cli.verbs.schema.document", give_up)
    assert guarded(lambda: run(["schema", "manifest"]), []) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_the_module_runs_as_a_program() -> None:
    done = gatekeeper("schema", "manifests")
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: no kind of file is called 'manifests'")


def test_prints_whatever_the_locale() -> None:
    done = gatekeeper("build", "größe-\udcff.yaml", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert done.returncode == 2
    assert b"bug" not in done.stderr


def test_streams_without_an_encoding_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["gatekeeper", "--version"])
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert sys.stdout.getvalue() == f"gatekeeper {__version__}\n"  # type: ignore[attr-defined]
