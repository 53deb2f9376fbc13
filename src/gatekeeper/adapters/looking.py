"""Looking into a run: what its tables hold of suites and samples, for people to read."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.adapters.tables import open_lines, open_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.base import Frozen
    from gatekeeper.model.record import Arm, RequestRow
    from gatekeeper.model.run import Run

_Row = TypeVar("_Row", bound="Frozen")
_SUITES: Final = f"""
WITH spent AS (
  SELECT request_id, sum(input_tokens + cached_input_tokens + output_tokens) AS tokens,
    sum(nano_usd) AS nano_usd
  FROM calls WHERE {OWN_CALL} GROUP BY request_id
)
SELECT {ARM} AS arm, coalesce(suite, '') AS suite,
  count(DISTINCT {SAMPLE}) AS samples,
  count(*) AS requests,
  count(*) FILTER (status = 'ok') AS ok,
  count(*) FILTER (status = 'degraded') AS degraded,
  count(*) FILTER (status = 'needs_review') AS needs_review,
  count(*) FILTER (status = 'blocked') AS blocked,
  count(*) FILTER (status = 'error') AS error,
  coalesce(sum(tokens), 0)::BIGINT AS tokens,
  coalesce(sum(nano_usd), 0)::BIGINT AS nano_usd
FROM requests LEFT JOIN spent USING (request_id)
GROUP BY ALL ORDER BY arm DESC, suite
"""  # noqa: S608 - constants only
_ORDER: Final = {"calls": "attempt", "scores": "scorer", "outcomes": "time"}
_SWAPPED: Final = """
CREATE TEMP VIEW requests AS SELECT * REPLACE (
  CASE arm WHEN 'candidate' THEN 'baseline' WHEN 'baseline' THEN 'candidate' END AS arm)
FROM memory.main.requests
"""


@dataclass(frozen=True, slots=True)
class SuiteCounts:
    """What became of the requests of one suite on one side."""

    arm: str
    suite: str
    samples: int
    requests: int
    ok: int
    degraded: int
    needs_review: int
    blocked: int
    error: int
    tokens: int
    nano_usd: int


@contextmanager
def opened(directory: Path, run: Run) -> Iterator[DuckDBPyConnection]:
    """The tables of a run, sealed and verified or still being written.

    Raises:
        IntegrityError: A table is not what it should be.
    """
    connection = open_tables(directory, run) if run.files else open_lines(directory)[0]
    with connection:
        yield connection


def measured(connection: DuckDBPyConnection, run: Run, arm: Arm) -> RunMeasurements:
    """The measurements of one side: the baseline's are those of a run with the sides exchanged."""
    cursor, baseline = connection.cursor(), run.baseline or run.candidate
    if arm == "candidate":
        return RunMeasurements(cursor, run.candidate.digest, baseline.digest)
    cursor.execute(_SWAPPED)
    return RunMeasurements(cursor, baseline.digest, run.candidate.digest)


def suites(connection: DuckDBPyConnection, run: Run) -> tuple[SuiteCounts, ...]:
    """Requests by status, candidate first, suites by name."""
    found = connection.execute(_SUITES, {"candidate": run.candidate.digest}).fetchall()
    return tuple(SuiteCounts(*row) for row in found)


def dicts(
    connection: DuckDBPyConnection, sql: str, values: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The rows of a query by column."""
    cursor = connection.execute(sql, values or {})
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def as_row(kind: type[_Row], row: dict[str, Any]) -> _Row:
    """A row of its type; the lists of a database are tuples there."""
    fixed = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items()
    }
    return kind.model_validate(fixed)


def rows_of(
    connection: DuckDBPyConnection, kind: type[_Row], requests: Sequence[RequestRow]
) -> dict[str, list[_Row]]:
    """The calls, scores or outcomes of some requests, by request."""
    [table] = [one.name for one in TABLES if one.row is kind]
    sql = f"SELECT * FROM {table} WHERE list_contains($ids, request_id) ORDER BY {_ORDER[table]}"  # noqa: S608
    found: dict[str, list[_Row]] = {}
    for row in dicts(connection, sql, {"ids": [one.request_id for one in requests]}):
        found.setdefault(row["request_id"], []).append(as_row(kind, row))
    return found
