"""Queries that mean harm or are merely wrong, each in a process of its own over real records."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from builders_metrics import declared_facts
from builders_runs import BASELINE, CANDIDATE, Behaviour, describe, make_run
from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.own_metrics import records_of
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.sandbox import process
from gatekeeper.adapters.sandbox.confine import Limits, connect
from gatekeeper.adapters.sandbox.program import answered
from gatekeeper.adapters.sandbox.statement import Fault
from gatekeeper.adapters.sandbox.views import Records, empty_views, record_views
from gatekeeper.model.record import RequestRow

TIGHT = Limits(seconds=1.5, memory_mb=128)
PATIENT = Limits(seconds=30, memory_mb=128)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    directory = tmp_path_factory.mktemp("run")
    make_run(
        directory,
        Behaviour(errors={"quality": 3}),
        run=describe({"quality": 40, "safety": 30}, baseline_suites=("quality",)),
    )
    facts = declared_facts(review_hours=2.5)
    with duckdb.connect() as connection:
        return records_of(connection, directory, CANDIDATE, BASELINE, facts)


def ask(
    records: Records,
    sql: str,
    kind: str = "ratio",
    *,
    suites: tuple[str, ...] = ("quality",),
    limits: Limits = PATIENT,
) -> Fault | list[dict[str, Any]]:
    sides = [record_views(records, side, suites) for side in records.arms]
    return process.rows(process.Question(sql, kind, records.paths, sides, 1000), limits)


def numbers(found: Fault | list[dict[str, Any]]) -> list[tuple[list[int], list[int]]]:
    assert not isinstance(found, Fault), found
    return [(sorted(side["y"].tolist()), side["d"].tolist()) for side in found]


@pytest.mark.parametrize(
    ("select", "column"),
    [
        ("release = 'sha256:1'", "release"),
        ("requests.release = 'sha256:1'", "release"),
        ("arm = 'candidate'", "arm"),
        ("serial > 3", "serial"),
    ],
)
def test_no_query_may_know_whose_records_it_sees(
    records: Records, select: str, column: str
) -> None:
    sql = f"SELECT sample, {select} y FROM requests"  # noqa: S608
    (told,) = process.check([(sql, "ratio")], empty_views())
    found = ask(records, sql)
    assert isinstance(found, Fault)
    assert [one.message for one in (*told, found)] == [
        f"it asks for {column!r}, and no metric may know which release it measures"
    ] * 2
    assert found.code == "identity"


def test_nor_does_a_whole_row_tell(records: Records) -> None:
    sql = "SELECT sample, position('sha256:c' IN requests::VARCHAR) y FROM requests"
    whole = ask(records, sql, limits=PATIENT)
    assert numbers(whole)[0][0] == [0] * 40


def test_each_side_sees_its_own_records_of_the_suites(records: Records) -> None:
    candidate, baseline = numbers(ask(records, "SELECT sample, status = 'error' y FROM requests"))

    assert candidate == ([0] * 37 + [1] * 3, [1] * 40)
    assert baseline == ([0] * 40, [1] * 40)


def test_other_tables_name_the_sample_of_their_request(records: Records) -> None:
    both = numbers(ask(records, "SELECT sample, count(*) AS y FROM calls GROUP BY sample"))

    assert [sum(y) for y, _ in both] == [42, 42]


def test_declared_facts_are_there(records: Records) -> None:
    sql = "SELECT sample, value AS y FROM requests, facts WHERE name = 'review_hours'"

    assert numbers(ask(records, sql))[0] == ([2_500_000] * 40, [1_000_000] * 40)


def test_what_is_asked_for_in_all_suites_is_told_by_suite(records: Records) -> None:
    sql = "SELECT suite, sample, 1 AS y FROM requests"

    assert [len(y) for y, _ in numbers(ask(records, sql, suites=()))] == [70, 40]


SAME = """
WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i FROM r)
SELECT 'quality-00001' AS sample, i AS y FROM r
"""
WRONG = [
    ("incomplete", "SELECT sample, NULL::INT AS y FROM requests"),
    ("incomplete", "SELECT sample, CASE WHEN status = 'ok' THEN 1 END AS y FROM requests"),
    ("incomplete", "SELECT NULL::VARCHAR AS sample, 1 AS y FROM requests"),
    ("not_finite", "SELECT sample, 'nan'::DOUBLE AS y FROM requests"),
    ("not_finite", "SELECT sample, '-inf'::FLOAT AS y FROM requests"),
    ("not_finite", "SELECT sample, 1 / 0 AS y FROM requests"),
    ("negative", "SELECT sample, 1 AS y, -1 AS d FROM requests"),
    ("too_large", "SELECT sample, 1e300 AS y FROM requests"),
    ("too_large", "SELECT sample, 2::HUGEINT ** 100 AS y FROM requests"),
    ("too_large", "SELECT sample, 1000000000000001 AS y FROM requests"),
    ("unknown_sample", "SELECT sample || '!' AS sample, 1 AS y FROM requests"),
    ("unknown_sample", "SELECT sample, replicate + 1 AS replicate, 1 AS y FROM requests"),
    ("unknown_sample", "SELECT sample, 'safety' AS suite, 1 AS y FROM requests"),
    ("twice", "SELECT sample, 1 AS y FROM requests, range(2)"),
    ("twice", "SELECT 'quality-00001' AS sample, 1 AS y FROM range(1000000000)"),
    ("twice", SAME),
    ("no_rows", "SELECT sample, 1 AS y FROM requests WHERE false"),
    ("type", "SELECT sample, answer AS y FROM requests"),
    ("columns", "SELECT sample FROM requests"),
    ("binding", "SELECT sample, marks AS y FROM requests"),
    ("failed", "SELECT sample, answer::INT AS y FROM requests"),
    ("outside", "SELECT sample, 1 AS y FROM read_text('/etc/passwd'), requests"),
    ("not_select", "DROP VIEW requests"),
    ("syntax", "SELECT"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "sql"), WRONG)
def test_rows_that_are_no_metric_are_refused(records: Records, code: str, sql: str) -> None:
    """What runs in a process of its own, run in this one: the answer is the same."""
    views = record_views(records, "candidate", ("quality",))
    with connect(TIGHT, records.paths) as connection:
        told, arrays = answered(
            connection, {"ask": "rows", "query": sql, "kind": "ratio", "sides": [views]}
        )

    ((found, message, accepted),) = (side["fault"] for side in told["sides"])
    assert (found, arrays) == (code, [])
    assert message
    assert accepted


def test_a_refusal_crosses_from_the_process(records: Records) -> None:
    found = ask(records, "SELECT sample, NULL::INT AS y FROM requests")

    assert found == Fault("incomplete", "it gives a NULL in 40 of 40 rows", "a value in each row")


def test_a_share_is_of_what_is_so_or_is_not(records: Records) -> None:
    found = ask(records, "SELECT sample, turn + 2 AS y FROM requests", "proportion")

    assert isinstance(found, Fault)
    assert found.message == "y is neither 0 nor 1 in 40 of 40 rows"


def test_a_name_of_samples_in_two_suites_needs_the_suite(tmp_path: Path) -> None:
    row = RequestRow(
        request_id="1", time=0, lane="offline", release=CANDIDATE, suite="quality",
        sample_id="same", status="ok", latency_us=1,
    )  # fmt: skip
    with RunRecords(tmp_path) as written:
        written.write([row, row.model_copy(update={"request_id": "2", "suite": "safety"})])
    seal(tmp_path, describe({}))
    with duckdb.connect() as connection:
        records = records_of(connection, tmp_path, CANDIDATE)

    once = ask(records, "SELECT DISTINCT sample, 1 AS y FROM requests", suites=())
    told = ask(records, "SELECT suite, sample, 1 AS y FROM requests", suites=())

    assert isinstance(once, Fault)
    assert once.message == "'same' is a sample of several suites"
    assert numbers(told) == [([1, 1], [1, 1])]


ENDLESS = [
    SAME.replace("SELECT i FROM", "SELECT i + 1 FROM").replace("i AS y", "max(i) AS y"),
    "SELECT sample, (SELECT count(*) FROM range(1000000000000)) AS y FROM requests",
    "SELECT a.sample, 1 y FROM calls a, calls b, calls c, calls d, calls e, calls f GROUP BY 1",
]


@pytest.mark.parametrize("sql", ENDLESS)
def test_a_query_without_end_is_stopped(records: Records, sql: str) -> None:
    start = time.monotonic()

    found = ask(records, sql, limits=TIGHT)

    assert found == Fault(
        "timeout", "it was not done after 1.5 seconds, and was stopped", "a query that ends in time"
    )
    assert time.monotonic() - start < 10


GREEDY = [
    "SELECT sample, len(l) AS y FROM requests, (SELECT list(i) AS l FROM range(1000000000) t(i))",
    "SELECT sample, length(repeat('x', 2000000000)) AS y FROM requests",
    "SELECT sample, len(range(1000000000)) AS y FROM requests",
    "SELECT sample, count(DISTINCT i) AS y FROM requests, range(100000000) t(i) GROUP BY ALL",
]


@pytest.mark.parametrize("sql", GREEDY)
def test_a_query_without_measure_gets_no_more_memory(records: Records, sql: str) -> None:
    found = ask(records, sql, limits=TIGHT)

    assert isinstance(found, Fault)
    assert found.code in {"memory", "crashed", "timeout"}


def test_the_process_itself_can_read_and_write_nothing_else(records: Records) -> None:
    """Even past the first wall: the database refuses what the reading of the query let through."""
    secret = f"{records.paths[0]}.secret"
    with connect(TIGHT, records.paths) as connection:
        for sql in (
            f"SELECT * FROM read_text('{secret}')",  # noqa: S608
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM 'https://example.com/a.parquet'",
            f"COPY (SELECT 1) TO '{secret}'",
            f"ATTACH '{secret}'",
            "INSTALL httpfs",
            "LOAD httpfs",
            "SET enable_external_access = true",
            "SET memory_limit = '1TB'",
            "RESET lock_configuration",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(sql)
        requests = connection.read_parquet(records.paths[0])
        assert requests.count("*").fetchall() == [(110,)]


def test_a_process_can_write_no_file_and_grow_no_further(tmp_path: Path) -> None:
    target = tmp_path / "written"
    program = (
        "import sys; from gatekeeper.adapters.sandbox.confine import *\n"
        "limit_process(Limits(seconds=0, memory_mb=16))\n"
        "try: bytearray(2 << 30)\n"
        "except MemoryError: print('no memory', flush=True)\n"
        f"file = open({str(target)!r}, 'wb', buffering=0)\n"
        "try: file.write(b'x')\n"
        "except OSError as error: print(error.strerror, flush=True)\n"
        "while True: pass\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=30
    )

    assert done.stdout.splitlines() == ["no memory", "File too large"]
    assert done.returncode < 0
    assert target.read_bytes() == b""


def test_nothing_is_written_beside_the_records(records: Records) -> None:
    directory = Path(records.paths[0]).parent
    before = sorted((path.name, path.stat().st_mtime_ns) for path in directory.iterdir())

    for sql in (f"COPY (SELECT 1) TO '{directory}/x'", ENDLESS[0], GREEDY[0]):
        assert isinstance(ask(records, sql), Fault)

    assert before == sorted((path.name, path.stat().st_mtime_ns) for path in directory.iterdir())


def test_all_queries_of_a_policy_are_checked_at_once_without_records() -> None:
    found = process.check(
        [
            ("SELECT sample, refused AS y FROM requests", "proportion"),
            ("SELECT sample, samples AS y FROM requests", "proportion"),
            ("SELECT 1; SELECT 2", "mean"),
        ],
        empty_views(),
    )

    assert [[fault.code for fault in faults] for faults in found] == [
        [],
        ["binding"],
        ["statements"],
    ]


def test_a_query_that_ends_the_process_is_told_from_the_others() -> None:
    deep = "SELECT " + "[" * 300_000 + "]" * 300_000

    found = process.check(
        [("SELECT sample, 1 AS y FROM facts, calls", "mean"), (deep, "mean")], empty_views()
    )

    assert found[0] == []
    assert found[1][0].code in {"crashed", "memory", "syntax"}


def test_views_have_the_columns_that_are_documented(records: Records) -> None:
    with duckdb.connect() as connection:
        for statement in record_views(records, "candidate", ()):
            connection.execute(statement)
        seen = {
            table.name: dict(
                connection.execute(f"DESCRIBE {table.name}").fetchall()
                and [row[:2] for row in connection.execute(f"DESCRIBE {table.name}").fetchall()]
            )
            for table in TABLES
        }
    with duckdb.connect() as connection:
        for statement in empty_views():
            connection.execute(statement)
        for name, columns in seen.items():
            found = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {name}").fetchall()}
            assert found == columns


def test_nothing_is_drawn_into_the_answer_of_a_query_that_takes_long() -> None:
    code = (
        "from gatekeeper.adapters.sandbox.confine import Limits, connect;"
        "print(connect(Limits(), ()).sql(\"SELECT current_setting('enable_progress_bar')\"))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert "false" in done.stdout


def test_an_answer_that_is_none_is_a_fault() -> None:
    talking = subprocess.Popen([sys.executable, "-c", ""])
    talking.wait()
    found = process._answer(talking, b"100% done\n", TIGHT, late=False)
    assert isinstance(found, Fault)
    assert found.code == "crashed"
