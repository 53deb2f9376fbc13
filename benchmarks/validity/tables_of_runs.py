"""Runs of drawn conversations as the tables that an evaluation leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    Columns = Mapping[str, NDArray[np.generic]]

RELEASES = {"candidate": "sha256:" + "c" * 64, "baseline": "sha256:" + "b" * 64}
DEFAULTS: Mapping[str, object] = {
    "draw": 0,
    "suite": "quality",
    "replicate": 0,
    "cluster": "",
    "resolved": True,
    "usd": 1.0,
    "grounded": 1.0,
    "facts": True,
    "number": True,
    "seconds": 1.0,
    "attempts": 1,
    "turns": 1,
    "fell_back": False,
    "error": False,
}
"""Of a conversation, beside `candidate` (which release) and `sample`.

`draw` is which of several sets of samples it belongs to, the value of `tenant`; `usd` what it
cost, in thousandths; `grounded`, `facts` and `number` what scorers say; `seconds` how long it took,
in the suite `load`; `attempts` the calls of the model of its first turn. Later turns only cost.
"""
_TABLES = {
    "requests": """
SELECT name || ':' || turn AS request_id, sample AS time, 'offline' AS lane, release,
  printf('%05d', draw) AS tenant, printf('%05d:%03d', draw, sample) AS sample_id,
  'sha256:e' AS set_digest, suite,
  CASE WHEN cluster <> '' THEN draw || ':' || cluster END AS cluster,
  replicate, turn, CASE WHEN error THEN 'error' ELSE 'ok' END AS status, false AS refused,
  round(seconds * 1e6)::BIGINT AS latency_us,
  CASE WHEN suite = 'load' THEN sample * 1000000 END AS scheduled_us, fell_back,
  false AS limited, false AS continues
FROM turns
""",
    "calls": """
SELECT name || ':' || turn AS request_id, attempt, 'model' AS kind, 'small' AS model,
  50 AS input_tokens, 0 AS cached_input_tokens, 10 AS output_tokens, 1000 AS latency_us,
  'ok' AS outcome,
  CASE WHEN error THEN 0 ELSE round(usd * 1e6 / (attempts + turns - 1))::BIGINT END AS nano_usd,
  0 AS input_nano_usd, 0 AS saved_nano_usd, 'sha256:e' AS price_book
FROM (
  SELECT *, unnest(range(1, CASE WHEN turn = 0 THEN attempts + 1 ELSE 2 END)) AS attempt FROM turns
)
""",
    "outcomes": """
SELECT name || ':0' AS request_id, 0 AS time, 'scorer' AS source, resolved, false AS follow_up
FROM told WHERE suite = 'quality' AND NOT error
""",
    "scores": """
SELECT name || ':0' AS request_id, unnest(['lexical_support', 'facts', 'number']) AS scorer,
  unnest([grounded, facts::DOUBLE, number::DOUBLE]) AS value
FROM told WHERE suite = 'quality' AND NOT error
""",
}


def measured(conversations: Columns) -> RunMeasurements:
    """What is asked of a run with these conversations, one a row; `DEFAULTS` for what is absent."""
    connection = database(threads=1)
    rows = len(conversations["sample"])
    given = {name: np.full(rows, value) for name, value in DEFAULTS.items()} | dict(conversations)
    _load(connection, given)
    for table in TABLES:
        columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
        connection.execute(f"CREATE TABLE {table.name} ({columns})")
        connection.execute(f"INSERT INTO {table.name} BY NAME {_TABLES[table.name]}")
    return RunMeasurements(connection, RELEASES["candidate"], RELEASES["baseline"])


def _load(connection: DuckDBPyConnection, given: Columns) -> None:
    given = {  # found by DuckDB under its name
        name: column.astype(object) if column.dtype.kind == "U" else column
        for name, column in given.items()
    }
    connection.execute(
        "CREATE TABLE told AS SELECT *, CASE WHEN candidate THEN $new ELSE $old END AS release, "
        "concat_ws(':', candidate, suite, draw, sample, replicate) AS name FROM given",
        {"new": RELEASES["candidate"], "old": RELEASES["baseline"]},
    )
    connection.execute("CREATE VIEW turns AS SELECT *, unnest(range(turns)) AS turn FROM told")
