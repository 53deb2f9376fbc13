"""`gatekeeper evaluate --engine recorded`: the answers of another run, given again."""

from __future__ import annotations

import json

import pytest

from builders import write
from evaluating import evaluate, runs
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.cli.main import run
from gatekeeper.errors import EnvironmentDriftError, InputError, UnavailableError, UndecidedError

REF = "manifests/desk-v1.yaml"
ENGINE = ("--engine", "recorded", "--set", "quality")
SAID = """
SELECT sample_id, turn, input, answer, status FROM requests WHERE suite = 'quality' ORDER BY ALL
"""


@pytest.fixture
def recorded(root, capsys, serve):
    """A desk that has answered once over HTTP, and that accepts what was recorded of it."""
    path = root / REF
    path.write_text(
        path.read_text().replace("- name: openai", "- name: openai\n    - name: recorded")
    )
    assert run(["build", REF, "--project", str(root)]) == 0
    serve()
    evaluate(root, capsys, REF, "--engine", "openai", "--set", "quality")
    to = root / "responses.jsonl"
    words = ["--format", "responses", "--to", str(to), "--project", str(root)]
    assert run(["runs", "export", runs(root)[0].name, *words]) == 0
    return root


def said(directory):
    with open_tables(directory, read_run(directory)) as tables:
        return tables.execute(SAID).fetchall()


def test_recorded_answers_come_to_the_same_verdict(recorded, capsys):
    responses = str(recorded / "responses.jsonl")
    code, verdict = evaluate(recorded, capsys, REF, *ENGINE, "--responses", responses)
    assert (code, verdict["outcome"]) == (0, "pass")
    assert said(runs(recorded)[1]) == said(runs(recorded)[0])
    served = read_run(runs(recorded)[1]).engines["small"]
    assert served["engine"] == "recorded"
    assert served["responses"].startswith("sha256:")


def test_without_a_file_or_with_a_bad_one_nothing_is_asked(recorded):
    with pytest.raises(UnavailableError, match="no file of responses is named"):
        run(["evaluate", REF, *ENGINE, "--project", str(recorded)])
    path = write(recorded / "bad.jsonl", '{"model": "small"}\n')
    with pytest.raises(InputError, match="it lacks 'text'"):
        run(["evaluate", REF, *ENGINE, "--responses", str(path), "--project", str(recorded)])
    assert len(runs(recorded)) == 2
    assert read_run(runs(recorded)[1]).status == "interrupted"


def test_a_run_goes_on_with_what_it_began_with(recorded, capsys):
    path = recorded / "responses.jsonl"
    words = [*ENGINE, "--responses", str(path), "--concurrency", "1", "--max-tokens", "700"]
    with pytest.raises(UndecidedError, match="the run has reached its ceiling"):
        run(["evaluate", REF, *words, "--project", str(recorded)])
    name = runs(recorded)[1].name
    kept = path.read_text()
    path.write_text(kept + json.dumps({**json.loads(kept.splitlines()[0]), "seed": 99}) + "\n")
    again = ["--resume", name, "--max-tokens", "1000000"]
    with pytest.raises(EnvironmentDriftError, match="the run was begun with something else"):
        run(["evaluate", *again, "--project", str(recorded)])
    path.write_text(kept)
    assert evaluate(recorded, capsys, *again)[0] == 0
    assert said(runs(recorded)[1]) == said(runs(recorded)[0])
