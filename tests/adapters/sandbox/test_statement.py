"""What a query may be made of: read in this process, where nothing is run."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.adapters.sandbox.columns import Columns
from gatekeeper.adapters.sandbox.statement import refusals
from gatekeeper.adapters.sandbox.views import empty_views


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(config={"threads": 1, "python_enable_replacements": False})
    for statement in empty_views():
        made.execute(statement)
    return made


ACCEPTED = [
    "SELECT sample, sum(output_tokens) AS y FROM calls GROUP BY sample",
    "FROM requests SELECT sample, refused AS y;",
    "SELECT sample, 1 AS y FROM requests -- with a word at the end",
    "WITH long AS (FROM requests) SELECT sample, count(*) AS y FROM long GROUP BY ALL",
    "SELECT r.sample, max(len(s)) AS y FROM requests r, unnest(sources) AS t(s) GROUP BY 1",
    "SELECT sample, y FROM (SELECT sample, 1 AS y FROM requests) UNION SELECT 'a', 2",
    "SELECT sample, (SELECT value FROM facts WHERE name = 'hours') AS y FROM requests",
    "SELECT sample, value * 2 AS y FROM scores WHERE scorer = 'facts'",
    "SELECT sample, date_part('hour', make_timestamp(time)) AS y FROM requests",
]
REFUSED = {
    "statements": ["", ";", "-- nothing", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE requests"],
    "not_select": [
        "INSERT INTO requests (sample) VALUES ('a')",
        "UPDATE requests SET sample = 'a'",
        "DELETE FROM requests",
        "CREATE TABLE t (a INT)",
        "COPY requests TO '/tmp/stolen.csv'",
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "PRAGMA enable_external_access = true",
        "RESET lock_configuration",
        "EXPORT DATABASE '/tmp/all'",
        "CALL duckdb_settings()",
        "EXPLAIN ANALYZE SELECT 1",
        "BEGIN",
        "CHECKPOINT",
        "USE memory",
        "PIVOT requests ON sample",
        "WITH w AS (INSERT INTO requests (sample) VALUES ('a') RETURNING *) SELECT * FROM w",
        "WITH w AS (DELETE FROM requests RETURNING *) SELECT sample, 1 AS y FROM w",
        "SELECT * FROM (WITH w AS (UPDATE requests SET turn = 1 RETURNING *) FROM w)",
    ],
    "outside": [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM read_parquet('https://example.com/a.parquet')",
        "SELECT * FROM read_json_auto('s3://bucket/a.json')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '/tmp/*.parquet'",
        "SELECT * FROM glob('/home/*')",
        "SELECT sample, (SELECT count(*) FROM glob('/*')) AS y FROM requests",
        "SELECT sample, 1 AS y FROM requests WHERE sample IN (FROM read_text('/etc/passwd'))",
        "WITH a AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM a",
        "SELECT 1 UNION ALL SELECT 2 FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM duckdb_settings()",
        "SELECT * FROM query('DROP TABLE requests')",
        "SELECT * FROM query_table('requests')",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_class",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM other.requests",
        "SELECT * FROM wishes",
        "SELECT * FROM connection",
        "SELECT * FROM parquet_metadata('requests.parquet')",
        "SELECT * FROM json_execute_serialized_sql('{}')",
        "SELECT * FROM requests, LATERAL (SELECT * FROM read_text(sample))",
        "SELECT sample, len(array(SELECT content FROM read_text('/etc/passwd'))) y FROM requests",
    ],
    "changing": [
        "SELECT sample, random() AS y FROM requests",
        "SELECT sample, 1 AS y FROM requests ORDER BY random()",
        "SELECT sample, count(*) FILTER (random() < 0.5) AS y FROM requests GROUP BY 1",
        "SELECT sample, sum(1) OVER (ORDER BY uuid()) AS y FROM requests",
        "SELECT sample, epoch(now()) AS y FROM requests",
        "SELECT sample, 1 AS y FROM requests WHERE current_date > '2030-01-01'",
        "SELECT sample, 1 AS y FROM requests USING SAMPLE 10%",
        "SELECT sample, 1 AS y FROM requests TABLESAMPLE 5 ROWS",
        "SELECT sample, pg_sleep(1000) AS y FROM requests",
        "SELECT sample, sleep_ms(1000) AS y FROM requests",
        "SELECT sample, current_setting('memory_limit') AS y FROM requests",
        "SELECT sample, nextval('s') AS y FROM requests",
        "SELECT getvariable('x') AS y",
        "SELECT user AS sample, 1 AS y",
    ],
    "unsupported": ["DESCRIBE requests", "SHOW TABLES", "SUMMARIZE requests"],
    "parameter": ["SELECT sample, $1 AS y FROM requests", "SELECT ? AS sample, 1 AS y"],
    "syntax": [
        "SELEC 1",
        "SELECT (1",
        "SELECT 1) FROM requests",
        "SELECT 'open",
        "SELECT 1 /* open",
        "SELECT * FROM (INSERT INTO requests VALUES (1))",
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    ],
}


@pytest.mark.parametrize("sql", ACCEPTED)
def test_a_select_from_views_is_accepted(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert refusals(connection, sql) == []


@pytest.mark.parametrize(
    ("code", "sql"), [(code, sql) for code, queries in REFUSED.items() for sql in queries]
)
def test_anything_else_is_refused_by_name(
    connection: duckdb.DuckDBPyConnection, code: str, sql: str
) -> None:
    found = refusals(connection, sql)

    assert {fault.code for fault in found} >= {code}
    assert all(fault.message and fault.accepted for fault in found)


def test_faults_are_all_told_each_with_its_place(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT sample,\n  random() AS y\nFROM requests, read_text('/etc/passwd')"

    told = [fault.message for fault in refusals(connection, sql)]

    assert told == [
        "line 2, column 3: random() is of the moment or of the system",
        "line 3, column 16: read_text() reads something other than the records",
    ]


def test_a_syntax_error_has_the_words_of_duckdb_and_its_place(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    (fault,) = refusals(connection, "SELECT sample\nFROM requests WHERE WHERE")

    assert fault.code == "syntax"
    assert fault.message == 'line 2, column 21: syntax error at or near "WHERE"'


@given(st.text(max_size=40))
@settings(max_examples=50, deadline=None)
def test_no_text_at_all_breaks_the_reading(text: str) -> None:
    with duckdb.connect() as made:
        assert isinstance(refusals(made, text), list)


@pytest.mark.parametrize(
    ("select", "kind", "message"),
    [
        ("1 AS y", "ratio", "it gives no column 'sample'"),
        ("sample", "ratio", "it gives no column 'y'"),
        ("sample, 1 AS y, 2 AS z", "ratio", "it gives a column 'z' too"),
        ("sample, answer AS y", "ratio", "its column 'y' is VARCHAR, no number"),
        ("sample, make_timestamp(time)::DATE AS y", "ratio", "its column 'y' is DATE, no number"),
        ("sample, sources AS y", "ratio", "its column 'y' is VARCHAR[], no number"),
        ("time AS sample, 1 AS y", "ratio", "its column 'sample' is BIGINT, no text"),
        ("sample, 1 AS y, 0.5 AS replicate", "mean", "its column 'replicate' is DECIMAL(2,1)"),
        ("sample, 1 AS y, 1 AS d", "proportion", "it gives a column 'd', and a proportion has"),
        ("sample, 0.5 AS y", "quantile", "its column 'y' is DECIMAL(2,1), and a quantile is of"),
        ("sample, 1::DECIMAL(38,20) AS y", "ratio", "its column 'y' is DECIMAL(38,20), no number"),
    ],
)
def test_columns_of_the_wrong_sort_are_told_without_a_record(
    connection: duckdb.DuckDBPyConnection, select: str, kind: str, message: str
) -> None:
    columns = Columns.of(connection.sql(f"SELECT {select} FROM requests"))  # noqa: S608

    assert [fault.message[: len(message)] for fault in columns.faults(kind)] == [message]


@pytest.mark.parametrize(
    ("y", "d", "numerator", "denominator"),
    [
        ("3", "2", 3, 2),
        ("-1.25", "2", -125, 200),
        ("0.5::DOUBLE", "3", 500_000, 3_000_000),
        ("0.1::DECIMAL(9,3)", "0.25", 100, 250),
        ("17::HUGEINT", "1", 17, 1),
    ],
)
def test_numbers_become_whole_and_keep_their_ratio(
    connection: duckdb.DuckDBPyConnection, y: str, d: str, numerator: int, denominator: int
) -> None:
    bound = connection.sql(f"SELECT 'a' AS sample, {y} AS y, {d} AS d")
    columns = Columns.of(bound)

    found = bound.project(f"{columns.whole('y')}, {columns.whole('d')}").fetchall()

    assert found == [(numerator, denominator)]
