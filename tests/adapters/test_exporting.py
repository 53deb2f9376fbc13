"""Runs as flat files."""

from __future__ import annotations

import csv
import json

import duckdb
import pytest

from builders_runs import BASELINE, CANDIDATE, Behaviour, describe, make_run
from gatekeeper.adapters.exporting import export
from gatekeeper.adapters.looking import opened
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.errors import UnavailableError, UsageError
from gatekeeper.model.record import CallRow, RequestRow, ScoreRow

SIZES = {"quality": 20, "safety": 10}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run")
    return directory, make_run(
        directory, Behaviour(retries=3, errors={"safety": 1}), run=describe(SIZES)
    )


def exported(made, kind, target):
    directory, run = made
    with opened(directory, run) as connection:
        return export(connection, run, kind, target)


def test_a_line_is_a_request_with_all_that_is_known_of_it(made, tmp_path):
    target = tmp_path / "out.jsonl"
    assert exported(made, "jsonl", target) == 20 * 2 + 10
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert {row["release"] for row in rows} == {"candidate", "baseline"}
    twice = [row for row in rows if row["attempts"] == 2]
    assert twice
    assert all(row["input_tokens"] == 100 for row in twice)
    safe = next(row for row in rows if row["suite"] == "safety" and row["status"] == "ok")
    assert safe["scores"] == {"pii": 1.0, "tenant": 1.0}
    failed = next(row for row in rows if row["suite"] == "safety" and row["status"] == "error")
    assert failed["scores"] == {"pii": None, "tenant": None}
    assert failed["score_errors"] == {"pii": "no answer", "tenant": "no answer"}
    assert next(row for row in rows if row["suite"] == "quality")["resolved"] in {True, False}


def test_every_format_says_the_same_in_the_same_order(made, tmp_path):
    for kind in ("jsonl", "csv", "parquet"):
        exported(made, kind, tmp_path / kind)
    lines = [json.loads(line) for line in (tmp_path / "jsonl").read_text().splitlines()]
    with (tmp_path / "csv").open() as file:
        cells = list(csv.DictReader(file))
    found = duckdb.read_parquet(str(tmp_path / "parquet"))
    assert [row["request_id"] for row in cells] == [row["request_id"] for row in lines]
    assert [row[0] for row in found.fetchall()] == [row["request_id"] for row in lines]
    assert found.columns == list(lines[0]) == list(cells[0])
    assert json.loads(cells[-1]["scores"]) == lines[-1]["scores"]
    again = tmp_path / "again"
    exported(made, "parquet", again)
    assert again.read_bytes() == (tmp_path / "parquet").read_bytes()


def test_what_is_not_known_stays_unknown(tmp_path):
    request = RequestRow(
        request_id="r", time=1, lane="offline", release=CANDIDATE, status="ok", latency_us=None
    )
    call = CallRow(
        request_id="r", attempt=None, model="m", input_tokens=None, nano_usd=None, latency_us=None,
        outcome="ok",
    )  # fmt: skip
    other = request.model_copy(update={"request_id": "s", "release": BASELINE, "arm": "candidate"})
    with RunRecords(tmp_path / "run") as records:
        records.write([request, call, ScoreRow(request_id="r", scorer="x", value=None, error="e")])
        records.write([other])
    run = seal(tmp_path / "run", describe({"quality": 1}))
    exported((tmp_path / "run", run), "jsonl", tmp_path / "out")
    first, second = (json.loads(line) for line in (tmp_path / "out").read_text().splitlines())
    names = ("attempts", "input_tokens", "nano_usd", "latency_us", "suite", "resolved")
    assert {first[name] for name in names} == {None}
    assert (first["output_tokens"], first["model"]) == (0, "m")
    assert (second["release"], second["attempts"], second["scores"]) == ("candidate", 0, None)


def test_nothing_is_left_behind_where_a_file_cannot_be_written(made, tmp_path):
    for target in (tmp_path, tmp_path / "no" / "file"):
        with pytest.raises(UsageError, match="there can be no such file"):
            exported(made, "csv", target)
    with pytest.raises(UnavailableError, match="cannot be written"):
        exported(made, "csv", tmp_path / ("x" * 254))
    assert list(tmp_path.iterdir()) == []
