"""Whole evaluations with scorers of every kind: installed, of the project, asking a judge."""

from __future__ import annotations

import json

import pytest
from ruamel.yaml import YAML

from answering import answer
from builders import make_model, write, write_manifest
from evaluating import PRICES, SET, evaluate, runs
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.cli.main import run
from gatekeeper.errors import InputError, UsageError
from scoring_sets import install_example, mine

MINE = """
def crashes(talk): raise KeyError(talk.sample.id)
def nan(talk): return float("nan")
"""
REF = "manifests/desk-v1.yaml"
SCORED = """
SELECT scorer, count(value), count(error), round(avg(value), 3) FROM scores
GROUP BY ALL ORDER BY ALL
"""
JUDGED = "SELECT count(*), min(model), sum(nano_usd) FROM calls WHERE tier = ':judge'"


def declare(root, *scorers, **more):
    """The quality set with these scorers, and without the load suite."""
    plain = SET.replace("scorers: [facts, citations]\n", "")
    fields = {"scorers": list(scorers), **more}
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in fields.items())
    write(root / "eval_sets/quality.yaml", plain + lines)


def table(root, query):
    directory = runs(root)[-1]
    with open_tables(directory, read_run(directory)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """The example package, installed."""
    install_example(tmp_path, monkeypatch)


@pytest.mark.usefixtures("site")
def test_plugins_score_a_run_and_what_crashes_is_counted(root, capsys, serve):
    serve()
    write(root / "scorers/mine.py", MINE)
    short = {"scorer": "short_sentences", "name": "short", "most": 3}
    whole = {"scorer": "all", "name": "sound", "of": ["facts", short]}
    declare(root, "facts", short, whole, mine("crashes"), mine("nan", name="nan"))
    code, verdict = evaluate(root, capsys, REF, "--set", "quality")
    assert (code, verdict["outcome"]) == (0, "pass")
    assert table(root, SCORED) == [
        ("facts", 8, 0, 1),
        ("nan", 0, 8, None),
        ("python", 0, 8, None),
        ("short", 8, 0, 1),
        ("sound", 8, 0, 1),
    ]
    scorers = read_run(runs(root)[-1]).engines["scorers"]
    assert scorers["scorer short"] == "short-sentences 1.2.0"
    assert scorers["scorer python"].startswith("scorers/mine.py:crashes sha256:")


def test_a_crash_of_what_decides_the_task_never_passes(root, capsys, serve):
    serve()
    write(root / "scorers/mine.py", MINE)
    declare(root, "facts", mine("crashes", role="task"))
    code, verdict = evaluate(root, capsys, REF, "--set", "quality")
    assert (code, verdict["outcome"]) == (3, "error")
    assert table(root, "SELECT DISTINCT resolved FROM outcomes") == [(None,)]


def test_a_crash_of_what_decides_the_policy_is_no_clean_record(root, capsys, serve):
    serve()
    write(root / "scorers/mine.py", MINE)
    declare(root, "facts", mine("crashes", role="policy"))
    evaluate(root, capsys, REF, "--set", "quality")
    assert table(root, "SELECT DISTINCT policy_violation FROM requests") == [(None,)]


def test_a_scorer_that_is_not_there_stops_the_run_before_it_begins(root, serve):
    serve()
    declare(root, "facts", "short_sentences_of_nobody")
    before = runs(root) if (root / ".gatekeeper/runs").is_dir() else []
    with pytest.raises(InputError, match="there is no scorer 'short_sentences_of_nobody'"):
        run(["evaluate", REF, "--project", str(root)])
    assert (runs(root) if (root / ".gatekeeper/runs").is_dir() else []) == before


@pytest.fixture
def judged(root):
    """The desk, with a model that grades, at a price of its own."""
    make_model(root / "models/grader", seed=2)
    content = YAML(typ="safe").load((root / REF).read_text())
    grader = {"role": "judge", "source": {"directory": "models/grader"}}
    content["components"]["model"]["models"]["grader"] = grader
    write_manifest(root, content)
    price = PRICES.splitlines()[-1]
    write(root / "gates/prices.yaml", f"{PRICES}{price.replace('small', 'grader')}\n")
    assert run(["build", REF, "--project", str(root)]) == 0
    return root


def speak(prompt):
    if not prompt.startswith("You grade"):
        return answer(prompt)
    return json.dumps({"reason": "so", "points": 5 if '"assistant": "2 months' in prompt else 4})


def test_a_judge_of_the_release_grades_and_its_calls_are_recorded(judged, capsys, serve):
    serve(speak)
    declare(judged, "facts", {"scorer": "judge", "rubric": "Right.", "repeat": 2})
    code, verdict = evaluate(judged, capsys, REF, "--set", "quality")
    assert (code, verdict["outcome"]) == (0, "pass")
    assert table(judged, SCORED) == [
        ("facts", 8, 0, 1),
        ("judge", 8, 0, round((1 + 7 * 0.75) / 8, 3)),
        ("judge.agreement", 8, 0, 1),
    ]
    ((calls, model, cost),) = table(judged, JUDGED)
    assert (calls, model) == (16, "grader")
    assert cost > 0
    stored = read_run(runs(judged)[-1])
    scorers = stored.engines["scorers"]
    assert scorers["judge grader"].startswith("sha256:")
    assert scorers["judge grader engine"] == "openai"
    ((own,),) = table(judged, "SELECT sum(nano_usd) FROM calls WHERE tier <> ':judge'")
    assert stored.spend.nano_usd == own + cost
    (usd,) = [one for one in verdict["rules"] if "usd_per_resolved" in one["rule"]]
    assert usd["outcome"] == "not_applicable"


def test_a_judge_that_talks_gives_errors_and_the_run_goes_on(judged, capsys, serve):
    serve(lambda prompt: "Very good!" if "You grade" in prompt else answer(prompt))
    declare(judged, "facts", {"scorer": "judge", "rubric": "Right.", "threshold": 0.5})
    code, verdict = evaluate(judged, capsys, REF, "--set", "quality")
    assert (code, verdict["outcome"]) == (3, "error")
    assert table(judged, SCORED) == [("facts", 8, 0, 1), ("judge", 0, 8, None)]


def test_a_set_that_needs_a_judge_is_refused_without_one(root, serve):
    serve()
    declare(root, {"scorer": "judge", "rubric": "Right."})
    with pytest.raises(UsageError, match="no judge model is named"):
        run(["evaluate", REF, "--project", str(root)])


def test_a_pairwise_judge_compares_two_releases(judged, capsys, serve):
    def pick(prompt):
        if "You compare" in prompt:
            return json.dumps({"reason": "so", "better": "neither"})
        return answer(prompt)

    serve(pick)
    declare(judged, "facts", {"scorer": "pairwise", "rubric": "Right."})
    evaluate(judged, capsys, REF, "--set", "quality", "--baseline", "manifests/desk-v2.yaml")
    found = {scorer: (n, errors, mean) for scorer, n, errors, mean in table(judged, SCORED)}
    assert found["pairwise"] == (8, 0, 0.5)
    assert found["pairwise.consistent"] == (8, 0, 1)
    assert found["pairwise.first"] == (8, 0, 0.5)
