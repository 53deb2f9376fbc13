"""`gatekeeper runs calibrate`: from a sealed run and a file of labels to a report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from builders_runs import CANDIDATE, SET_DIGEST, describe
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal, write_run
from gatekeeper.cli.main import run
from gatekeeper.errors import GatekeeperError, InputError
from gatekeeper.model.policy import Calibration
from gatekeeper.model.record import RequestRow, ScoreRow

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.record import Row

VALUES = [1.0, 1.0, 0.75, 0.25, 0.0, 0.0, 1.0, None]
LABELS = [1, 1, 1, 0, 0, 1, 0, 1]


def rows(number: int, value: float | None) -> list[Row]:
    request = RequestRow(
        request_id=f"r{number}",
        time=0,
        lane="offline",
        release=CANDIDATE,
        sample_id=f"s{number}",
        set_digest=SET_DIGEST,
        suite="quality",
        status="ok",
        latency_us=1,
        answer="a" * (number + 1),
    )
    error = "broken" if value is None else None
    scores = [ScoreRow(request_id=f"r{number}", scorer="judge", value=value, error=error)]
    scores.append(ScoreRow(request_id=f"r{number}", scorer="facts", value=1.0))
    if value is not None:
        first = 0.5 if number % 3 else 1.0
        scores.append(ScoreRow(request_id=f"r{number}", scorer="pair", value=value))
        scores.append(ScoreRow(request_id=f"r{number}", scorer="pair.first", value=first))
    return [request, *scores]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".gatekeeper").mkdir()
    described = describe()
    directory = tmp_path / ".gatekeeper/runs" / described.id
    with RunRecords(directory) as records:
        write_run(directory, described)
        for number, value in enumerate(VALUES):
            records.write(rows(number, value))
    seal(directory, described)
    return tmp_path


def labels(project: Path, *rows: Any, name: str = "labels.jsonl") -> Path:
    path = project / name
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in rows))
    return path


def people(project: Path, **extra: Any) -> Path:
    found = [{"sample_id": f"s{n}", "label": label} for n, label in enumerate(LABELS)]
    return labels(project, *found, *([extra] if extra else []))


def call(project: Path, path: Path, *options: str) -> int:
    name = next((project / ".gatekeeper/runs").iterdir()).name
    return run(
        ["runs", "calibrate", name, "--labels", str(path), "--project", str(project), *options]
    )


def test_a_judge_is_compared_with_people(project, capsys):
    path = people(project, sample_id="stranger", label=1)
    assert call(project, path, "--scorer", "judge", "-o", "json") == 0
    answer = capsys.readouterr()
    found = json.loads(answer.out)
    assert (found["n"], found["agreement"]["count"]) == (7, 5)
    assert (found["sensitivity"]["count"], found["sensitivity"]["n"]) == (3, 4)
    assert (found["specificity"]["count"], found["specificity"]["n"]) == (2, 3)
    assert found["kappa"]["value"] == pytest.approx(1 - (2 / 7) / (24 / 49))
    assert found["left_out"] == {"failed": 1, "unlabelled": 0, "strangers": 1}
    assert "1 left out: the scorer gave an error" in answer.err


def test_the_report_reads_well(project, capsys, golden, request):
    assert call(project, people(project), "--scorer", "pair") == 0
    golden(request.path.parents[1] / "golden/calibration.txt", capsys.readouterr().out)


def test_the_counts_of_a_rule_are_told_for_both_things_that_a_metric_may_count(project, capsys):
    assert call(project, people(project), "--scorer", "judge") == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    told = [line.removeprefix("of a rule").strip() for line in lines if "calibration: " in line]
    good, bad = (Calibration(**YAML(typ="safe").load(line)["calibration"]) for line in told)
    assert (good.true_events, good.missed_events, good.true_others, good.false_events) == (
        3,
        1,
        2,
        1,
    )
    assert (bad.true_events, bad.missed_events, bad.true_others, bad.false_events) == (2, 1, 3, 1)


def test_what_cannot_be_computed_is_said(project, capsys):
    path = labels(project, {"sample_id": "s0", "label": 1})
    assert call(project, path, "--scorer", "judge") == 0
    told = capsys.readouterr().out
    assert "agreement      1.000  (0.025 to 1.000)  1 of 1" in told
    assert "specificity    none to count" in told
    assert "not defined: everything has the same verdict" in told
    assert "not defined: too few conversations" in told


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("a.csv", 'sample_id,label\ns0,"1', "is not CSV"),
        ("a.csv", "sample_id,label\ns0,", "has no label"),
        ("a.csv", "sample_id,label\ns0,maybe", "found the label 'maybe'"),
        ("a.jsonl", "[" * 100_000, "is nested too deeply"),
        ("a.jsonl", '{"sample_id": "s0", "label": [1]}', "found the label"),
    ],
)
def test_odd_labels_are_told(project, name, row, message):
    with pytest.raises(InputError) as caught:
        call(project, labels(project, row, name=name), "--scorer", "judge")
    assert message in str(caught.value)


def test_labels_may_be_csv(project, capsys):
    lines = ["sample_id,label,replicate", "s0,true,", "s1,0.0,0", "s2,YES,0"]
    path = labels(project, *lines, name="labels.csv")
    assert call(project, path, "--scorer", "judge", "-o", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["agreement"]["count"]) == (3, 2)
    assert found["left_out"]["unlabelled"] == 5


def test_everything_wrong_with_labels_is_told_at_once(project):
    path = labels(
        project,
        '{"sample_id": "s0", "label": 2}',
        '{"sample_id": "s0"}',
        '{"label": 1}',
        "[1]",
        "{",
        '{"sample_id": "s1", "label": true, "replicate": -1}',
        '{"sample_id": "s1", "label": true}',
        '{"sample_id": "s1", "label": false}',
        '{"sample_id": "s2", "label": NaN}',
    )
    with pytest.raises(InputError) as caught:
        call(project, path, "--scorer", "judge")
    told = str(caught.value)
    for line, message in [
        (1, "found the label 2"),
        (2, "has no label"),
        (3, "has no sample_id"),
        (4, "is no object"),
        (5, "is not JSON"),
        (6, "found the replicate -1"),
        (8, "'s1' has a label already"),
        (9, "found the label nan"),
    ]:
        assert f"labels.jsonl:{line}:" in told
        assert message in told
    assert "labels.jsonl:7:" not in told


@pytest.mark.parametrize(
    ("rows", "scorer", "message"),
    [
        ([{"sample_id": "s0", "label": 1}], "jugde", "it has facts, judge, pair, pair.first"),
        ([{"sample_id": "x", "label": 1}], "judge", "no labelled sample has a score"),
        ([""], "judge", "has no labels"),
    ],
)
def test_nothing_to_compare_is_an_error(project, rows, scorer, message):
    with pytest.raises(GatekeeperError) as caught:
        call(project, labels(project, *rows), "--scorer", scorer)
    assert caught.value.exit_code == 2
    assert message in str(caught.value)
