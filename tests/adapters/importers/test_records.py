"""Our own records: which field goes where, what may be absent, and every fault by its place."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from gatekeeper.adapters.importers.flat_record import COLUMNS, FlatRecord
from gatekeeper.errors import InputError
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow

if TYPE_CHECKING:
    from pathlib import Path

    from importing import Desk

FULL = {
    "request_id": "r1",
    "sample_id": "s1",
    "suite": "quality",
    "status": "ok",
    "conversation": "c1",
    "turn": 0,
    "replicate": 0,
    "cluster": "billing",
    "time": 1_795_700_000_000_000,
    "resolved": True,
    "follow_up": False,
    "refused": False,
    "policy_violation": False,
    "schema_valid": True,
    "forbidden_tool_calls": 0,
    "breach_actions": ["truncate"],
    "latency_us": 120_000,
    "scheduled_us": 5,
    "time_to_first_token_us": 40_000,
    "model": "small",
    "attempts": 2,
    "input_tokens": 50,
    "output_tokens": 7,
    "usd": 0.000123,
    "tenant": "acme",
    "input": "How?",
    "answer": 'So: {"a": 1}',
    "scores": {"facts": 1.0, "citations": 0},
    "score_errors": {"judge": "timeout"},
}


def write(path: Path, *rows: Any) -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n")
    return path


def parquet(path: Path, lines: Path) -> Path:
    duckdb.sql(f"COPY (FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
    return path


def test_every_field_has_a_column_and_every_column_a_field() -> None:
    assert set(COLUMNS) == set(FlatRecord.model_fields)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_fields_go_to_the_tables_that_they_belong_to(desk: Desk, tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.jsonl", FULL)
    found = desk.load(path if kind == "jsonl" else parquet(tmp_path / "a.parquet", path))
    (request,) = found.rows("SELECT * FROM requests")
    request_row = dict(zip(RequestRow.model_fields, request, strict=True))
    same = set(FULL) & set(RequestRow.model_fields)
    assert {key: request_row[key] for key in same} == {key: FULL[key] for key in same}
    calls = found.rows("SELECT * FROM calls ORDER BY attempt")
    first, last = (dict(zip(CallRow.model_fields, call, strict=True)) for call in calls)
    assert (first["outcome"], first["nano_usd"], first["attempt"]) == ("error", 0, 0)
    assert (last["outcome"], last["nano_usd"], last["attempt"]) == ("ok", 123_000, 1)
    assert (last["model"], last["input_tokens"], last["output_tokens"]) == ("small", 50, 7)
    assert found.rows("SELECT scorer, value, error FROM scores ORDER BY scorer") == [
        ("citations", 0.0, None),
        ("facts", 1.0, None),
        ("judge", None, "timeout"),
    ]
    (outcome,) = found.rows("SELECT * FROM outcomes")
    outcome_row = dict(zip(OutcomeRow.model_fields, outcome, strict=True))
    assert (outcome_row["resolved"], outcome_row["corrected"]) == (True, None)
    assert found.run.ended is not None
    assert found.run.ended.timestamp() == 1_795_700_000


def rows_of(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [{"request_id": f"r{n}", "status": "ok", **fields} for n in range(count)]


def test_only_what_a_metric_needs_is_required(desk: Desk, tmp_path: Path) -> None:
    found = desk.load(write(tmp_path / "a.jsonl", *rows_of(300, resolved=True)))
    verdict = found.gate(quality={"resolved_rate_min": 0.9}, reliability={"success_rate_min": 0.9})
    assert (verdict["outcome"], verdict["exit"]) == ("pass", 0)
    more = found.gate(
        quality={"follow_up_ratio_max": 0.99},
        cost={"usd_per_resolved_request_max": 1, "tokens_per_verified_outcome_max": 1},
        reliability={"retry_amplification_max": 5},
    )
    assert {(rule["outcome"], rule["code"]) for rule in more["rules"]} == {("error", "incomplete")}


def test_some_prices_are_no_prices(desk: Desk, tmp_path: Path) -> None:
    rows = rows_of(300, resolved=True, usd=0.001)
    del rows[7]["usd"]
    found = desk.load(write(tmp_path / "a.jsonl", *rows))
    verdict = found.gate(cost={"usd_per_resolved_request_max": 1})
    assert [rule["code"] for rule in verdict["rules"]] == ["incomplete"]


def test_suites_are_told_apart(desk: Desk, tmp_path: Path) -> None:
    rows = rows_of(3, suite="safety", policy_violation=False)
    rows += [{**row, "request_id": f"q{n}", "suite": None} for n, row in enumerate(rows_of(2))]
    found = desk.load(write(tmp_path / "a.jsonl", *rows), "--suite", "benign", "--set-name", "mine")
    assert [(used.name, used.suite, used.samples) for used in found.run.sets] == [
        ("mine-benign", "benign", 2),
        ("mine-safety", "safety", 3),
    ]


def test_a_baseline_in_a_file_of_its_own_is_paired_by_sample(desk: Desk, tmp_path: Path) -> None:
    good = [row | {"sample_id": row["request_id"], "resolved": True} for row in rows_of(400)]
    bad = [row | {"resolved": int(row["request_id"][1:]) % 4 > 0} for row in good]
    old, new = write(tmp_path / "old.jsonl", *good), write(tmp_path / "new.jsonl", *bad)
    verdict = desk.load(new, "--baseline-file", str(old)).gate(
        quality={"resolved_rate_max_decrease": 0.05}
    )
    (rule,) = verdict["rules"]
    assert (rule["outcome"], rule["estimate"], rule["n"]) == ("fail", 0.25, 400)
    same = desk.load(old, "--baseline-file", str(new)).gate(
        quality={"resolved_rate_max_decrease": 0.05}
    )
    assert same["outcome"] == "pass"


def test_rows_may_say_which_side_they_are(desk: Desk, tmp_path: Path) -> None:
    rows = rows_of(2) + [
        {"request_id": f"b{n}", "status": "ok", "release": "baseline"} for n in range(2)
    ]
    path = write(tmp_path / "a.jsonl", *rows)
    with pytest.raises(InputError, match="rows are about 'baseline'"):
        desk.load(path)


def test_all_errors_are_an_error_that_names_the_most_common(desk: Desk, tmp_path: Path) -> None:
    rows = [*rows_of(9, reason="timeout"), {"request_id": "x", "reason": "dns"}]
    rows = [row | {"status": "error"} for row in rows]
    verdict = desk.load(write(tmp_path / "a.jsonl", *rows)).gate(
        reliability={"success_rate_min": 0.9}
    )
    assert (verdict["outcome"], verdict["exit"]) == ("error", 3)
    assert verdict["rules"][0]["reason"] == (
        "all 10 requests ended in an error, most often: timeout"
    )


def test_all_scorers_crashed_is_an_error_that_says_so(desk: Desk, tmp_path: Path) -> None:
    rows = rows_of(300, resolved=True, score_errors={"judge": "no answer"})
    verdict = desk.load(write(tmp_path / "a.jsonl", *rows)).gate(quality={"resolved_rate_min": 0.5})
    assert (verdict["outcome"], verdict["exit"]) == ("error", 3)
    assert verdict["rules"][0]["reason"] == "all 300 scores are errors, most often: no answer"


# -- bad input ------------------------------------------------------------------------------------

GOOD = {"request_id": "r", "status": "ok"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (GOOD | {"latency_ms": 3}, "2:37: latency_ms: unknown key 'latency_ms'"),
        (GOOD | {"latency_us": "3"}, '2:51: latency_us: found the text "3"'),
        (GOOD | {"latency_us": 3.5}, "2:51: latency_us: found the number 3.5"),
        (GOOD | {"resolved": 1}, "2:49: resolved: found the number 1"),
        (GOOD | {"suite": "qualty"}, "did you mean 'quality'?"),
        (GOOD | {"scores": {"facts": math.nan}}, "2:57: scores.facts: found the text"),
        (GOOD | {"usd": 1.0, "nano_usd": 1}, "give `usd` or `nano_usd`, not both"),
        ({"status": "ok"}, "missing key 'request_id'"),
        ("[1]", "2:1:"),
        ('{"request_id": "r", ', "2:"),
        ("{" * 5000, "2:1"),
        ("[" * 100_000, "nested too deeply"),
        ('{"request_id": "r", "status": "ok", "status": "error"}', "2:37: status"),
    ],
)
def test_a_bad_line_is_told_by_its_place(desk: Desk, tmp_path: Path, row: Any, told: str) -> None:
    path = write(tmp_path / "a.jsonl", GOOD | {"request_id": "first"}, row)
    with pytest.raises(InputError) as caught:
        desk.load(path, "--format", "records")
    assert told in str(caught.value)
    assert not list((desk.root / ".gatekeeper/runs").glob("*"))


def test_everything_wrong_is_told_at_once(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", GOOD | {"turn": -1}, GOOD | {"status": "fine", "x": 1})
    with pytest.raises(InputError) as caught:
        desk.load(path)
    assert [problem.line for problem in caught.value.problems] == [1, 2, 2]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_two_rows_of_one_request_are_refused(desk: Desk, tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "a.jsonl", GOOD, GOOD)
    with pytest.raises(InputError, match="2 rows are of the request 'r'"):
        desk.load(path if kind == "jsonl" else parquet(tmp_path / "a.parquet", path))


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT 'r' AS request_id, 'ok' AS status, 3 AS latency", "unknown column 'latency'"),
        ("SELECT 'r' AS request_id", "lacks the column 'status'"),
        ("SELECT 1 AS request_id, 'ok' AS status", "column 'request_id' is INTEGER"),
        ("SELECT 'r' AS request_id, 'odd' AS status", "row 1: found 'odd'"),
        ("SELECT 'r' AS request_id, 'ok' AS status, -1 AS latency_us", "row 1: found -1"),
        ("SELECT 'r' AS request_id, 'ok' AS status WHERE false", "has no records"),
        (
            "SELECT 'r' AS request_id, 'ok' AS status, MAP {'facts': 'nan'::DOUBLE} AS scores",
            "row 1: found nan",
        ),
    ],
)
def test_a_bad_parquet_file_is_told(desk: Desk, tmp_path: Path, sql: str, told: str) -> None:
    path = tmp_path / "a.parquet"
    duckdb.sql(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")
    with pytest.raises(InputError) as caught:
        desk.load(path)
    assert told in str(caught.value)


def test_a_cut_parquet_file_is_told(desk: Desk, tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", write(tmp_path / "a.jsonl", GOOD))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="is not sound Parquet"):
        desk.load(path)
