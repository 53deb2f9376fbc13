"""From flat records to the four tables, as SQL that streams from file to file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.importers.records import ROW_GROUP
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_REQUESTS: Final = """
SELECT $prefix || request_id AS request_id, coalesce(time, $time) AS time, 'offline' AS lane,
  CASE WHEN is_baseline THEN $baseline ELSE $candidate END AS release,
  coalesce(sample_id, conversation, request_id) AS sample_id, $set_digest AS set_digest,
  coalesce(suite, $suite) AS suite, cluster, coalesce(replicate, 0) AS replicate,
  coalesce(turn, 0) AS turn, CASE WHEN is_baseline THEN 'baseline' ELSE 'candidate' END AS arm,
  conversation, tenant, task_class, route, status, reason, refused, policy_violation, schema_valid,
  breach_actions, forbidden_tool_calls, latency_us, scheduled_us, list_sort(tags) AS tags,
  fell_back, limited,
  -- What the first of several attempts used is not known.
  CASE WHEN attempts <= 1 THEN continues END AS continues,
  coalesce(input, '') AS input, coalesce(answer, '') AS answer
FROM {view}
"""
_CALLS: Final = """
SELECT $prefix || request_id AS request_id, unnest(CASE WHEN attempts IS NULL THEN [NULL]
    ELSE range(attempts) END)::BIGINT AS attempt,
  coalesce(model, 'unknown') AS model, input_tokens,
  CASE WHEN input_tokens IS NULL THEN cached_input_tokens ELSE coalesce(cached_input_tokens, 0) END
    AS cached_input_tokens,
  output_tokens, time_to_first_token_us, queue_us, inter_token_us, latency_us, reason,
  input_nano_usd, saved_nano_usd,
  coalesce(nano_usd, round(usd * 1e9)::BIGINT) AS nano_usd, attempts, status = 'error' AS failed
FROM {view}
WHERE NOT (status = 'blocked' AND coalesce(model, attempts::VARCHAR, output_tokens::VARCHAR,
  nano_usd::VARCHAR, usd::VARCHAR) IS NULL)
"""
_ATTEMPTS: Final = f"""
SELECT * EXCLUDE (input_tokens, cached_input_tokens, output_tokens, nano_usd, input_nano_usd,
    saved_nano_usd),
  -- What was used stands on the last attempt; the sum over all is what the record says.
  CASE WHEN last THEN input_tokens ELSE 0 END AS input_tokens,
  CASE WHEN last THEN cached_input_tokens ELSE 0 END AS cached_input_tokens,
  CASE WHEN last THEN output_tokens ELSE 0 END AS output_tokens,
  CASE WHEN last THEN nano_usd ELSE 0 END AS nano_usd,
  CASE WHEN last THEN input_nano_usd ELSE 0 END AS input_nano_usd,
  CASE WHEN last THEN saved_nano_usd ELSE 0 END AS saved_nano_usd,
  CASE WHEN last AND NOT failed THEN 'ok' ELSE 'error' END AS outcome,
  CASE WHEN last AND NOT failed THEN NULL ELSE reason END AS error,
  CASE WHEN nano_usd IS NULL THEN NULL ELSE $price_book END AS price_book
FROM (SELECT *, attempt IS NULL OR attempt = attempts - 1 AS last FROM ({_CALLS}))
"""  # noqa: S608
_SCORES: Final = """
SELECT $prefix || request_id AS request_id, scorer, scores[scorer] AS value,
  coalesce(score_errors[scorer], CASE WHEN scores[scorer] IS NULL THEN 'no value' END) AS error
FROM (SELECT *, unnest(list_distinct(list_concat(coalesce(map_keys(scores), []),
  coalesce(map_keys(score_errors), [])))) AS scorer FROM {view})
"""
_OUTCOMES: Final = """
SELECT $prefix || request_id AS request_id, coalesce(time, $time) AS time, 'scorer' AS source,
  resolved, follow_up, corrected, dissatisfied, reviewed
FROM {view}
WHERE coalesce(resolved, follow_up, corrected, dissatisfied, reviewed) IS NOT NULL
"""
_SELECTS: Final = {
    "requests": _REQUESTS,
    "calls": _ATTEMPTS,
    "scores": _SCORES,
    "outcomes": _OUTCOMES,
}
_DEFAULTS: Final[dict[str, str]] = {
    "serial": "0",
    "kind": "'model'",
    "sources": "[]",
    "from_cache": "false",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A view of flat records and the values that its rows share."""

    view: str
    values: dict[str, Any]


def write_tables(connection: DuckDBPyConnection, parts: list[Part], directory: Path) -> None:
    """Write the four tables of several views, sealed."""
    for table in TABLES:
        selects = [
            _literal(_SELECTS[table.name].format(view=one.view), one.values) for one in parts
        ]
        union = " UNION ALL BY NAME ".join(f"({select})" for select in selects)
        names = {row[0] for row in connection.execute(f"DESCRIBE {union}").fetchall()}
        columns = ", ".join(
            f"{name if name in names else _DEFAULTS.get(name, 'NULL')}::{kind} AS {name}"
            for name, kind in table.columns.items()
        )
        connection.execute(
            f"COPY (SELECT {columns} FROM ({union})) TO {literal(directory / table.sealed)} "  # noqa: S608
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )


def _literal(sql: str, values: dict[str, Any]) -> str:
    """COPY takes no parameters: the values stand in the text, quoted."""
    for name, value in values.items():
        written = literal(value) if isinstance(value, str) else str(value)
        sql = sql.replace(f"${name}", "NULL" if value is None else written)
    return sql
