"""The table `trials`: one row a conversation, made of the records of all its requests.

A trial is a sample, once for each replicate. Its columns are sums over the requests of all turns;
one named `…_missing` counts requests that should have a value and have none. Everything is an
integer, so no result depends on the order of rows, on files, or on threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TOKENS: Final = "input_tokens + cached_input_tokens + output_tokens"
_MODEL: Final = "kind = 'model'"
_ANSWERED: Final = "kind = 'model' AND outcome = 'ok'"
_COUNTS: Final = {
    "requests": "true",
    "errors": "status = 'error'",
    "conversations": "turn = 0",
    "resolved": "turn = 0 AND status <> 'error' AND resolved",
    "resolved_missing": "turn = 0 AND status <> 'error' AND resolved IS NULL",
    "follow_up": "turn = 0 AND (status = 'error' OR follow_up)",
    "follow_up_missing": "turn = 0 AND status <> 'error' AND follow_up IS NULL",
    "declined": "refused OR status = 'blocked'",
    "declined_missing": "refused IS NULL AND status NOT IN ('error', 'blocked')",
    "violations": "policy_violation",
    "violations_missing": "turn = 0 AND policy_violation IS NULL AND status <> 'error'",
    "schema_valid": "schema_valid AND status <> 'error'",
    "schema_missing": "schema_valid IS NULL AND status NOT IN ('error', 'blocked') "
    "AND refused IS NOT TRUE",
    "breaches": "len(breach_actions) > 0 OR reason = 'budget_breach'",
    "breaches_missing": "breach_actions IS NULL AND status <> 'error'",
    "tool_calls_missing": "forbidden_tool_calls IS NULL AND status <> 'error'",
    "unauthorised_missing": "coalesce(unapproved_missing, 0) > 0",
    "degraded": "status = 'degraded'",
    "fell_back": "fell_back",
    "fell_back_missing": "fell_back IS NULL",
    "limited": "limited",
    "limited_missing": "limited IS NULL",
    "latency_missing": "latency_us IS NULL AND status <> 'error'",
    "due_missing": "scheduled_us IS NULL",
    "answering": "answered > 0",
    "first_token_missing": "answered > 0 AND after_first_us IS NULL",
    "inter_token_known": "inter_token_us IS NOT NULL",
    "inter_token_missing": "answered > 0 AND inter_token_us IS NULL "
    "AND last_output IS DISTINCT FROM 1",
    "calling": "attempts > 0",
    "attempts_missing": "uncounted",
    "prices_missing": "unpriced",
    "tokens_missing": "unmetered",
    "input_prices_missing": "unsplit",
    "savings_missing": "unsaved",
    "surface_missing": "continues IS NULL AND attempts > 0",
}
"""Conditions on a request: how many requests of the trial meet them."""
_SUMS: Final = {
    "forbidden_tool_calls": "forbidden_tool_calls",
    "unauthorised": "unapproved",
    "attempts": "attempts",
    "nano_usd": "nano_usd",
    "input_nano_usd": "input_nano_usd",
    "saved_nano_usd": "saved_nano_usd",
    "tokens": "tokens",
    "surface_tokens": "CASE WHEN parent IS NULL AND NOT continues THEN first_tokens END",
}
_LONGEST: Final = {
    "latency_us": "latency_us",
    "first_token_us": "latency_us - coalesce(after_first_us, 0)",
    "inter_token_us": "inter_token_us",
}
COLUMNS: Final = (*_COUNTS, *_SUMS, *_LONGEST)
"""Names of what the metrics read, beside the keys."""
_SPENT: Final = f"""
SELECT request_id,
  count(*) FILTER ({_MODEL}) AS attempts,
  count(*) FILTER ({_ANSWERED}) AS answered,
  sum(nano_usd)::BIGINT AS nano_usd,
  sum(input_nano_usd)::BIGINT AS input_nano_usd,
  sum(saved_nano_usd)::BIGINT AS saved_nano_usd,
  sum({_TOKENS})::BIGINT AS tokens,
  arg_min({_TOKENS}, coalesce(attempt, 0)) FILTER ({_ANSWERED}) AS first_tokens,
  arg_max(latency_us - time_to_first_token_us, coalesce(attempt, 0)) FILTER ({_ANSWERED})
    AS after_first_us,
  arg_max(inter_token_us, coalesce(attempt, 0)) FILTER ({_ANSWERED}) AS inter_token_us,
  arg_max(output_tokens, coalesce(attempt, 0)) FILTER ({_ANSWERED}) AS last_output,
  bool_or(attempt IS NULL) AS uncounted,
  bool_or(nano_usd IS NULL) AS unpriced,
  bool_or({_TOKENS} IS NULL) AS unmetered,
  bool_or({_MODEL} AND input_nano_usd IS NULL) AS unsplit,
  bool_or({_MODEL} AND saved_nano_usd IS NULL) AS unsaved,
  count(*) FILTER (kind = 'tool' AND unauthorised) AS unapproved,
  count(*) FILTER (kind = 'tool' AND unauthorised IS NULL) AS unapproved_missing
FROM calls WHERE {OWN_CALL} GROUP BY request_id
"""  # noqa: S608 - constants only
_ASKED: Final = f"""
CREATE OR REPLACE TEMP VIEW asked AS
WITH spent AS ({_SPENT}), fate AS (
  -- Where several rows speak of one request, the worst counts.
  SELECT request_id, bool_and(resolved) AS resolved, bool_or(follow_up) AS follow_up
  FROM outcomes GROUP BY request_id
)
SELECT ({ARM} = 'candidate')::TINYINT AS side, coalesce(suite, '') AS suite, {SAMPLE} AS sample,
  replicate, * EXCLUDE (suite, replicate, input, answer)
FROM requests LEFT JOIN spent USING (request_id) LEFT JOIN fate USING (request_id)
WHERE release IN ($candidate, $baseline)
"""  # noqa: S608 - constants only


def make_trials(connection: DuckDBPyConnection, candidate: str, baseline: str) -> None:
    """Make the table `trials` of the records of two releases."""
    sides = _ASKED.replace("$candidate", literal(candidate)).replace("$baseline", literal(baseline))
    connection.execute(sides)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE trials AS {_numbered()}")


def _numbered() -> str:
    """SQL of the trials, those of the same sample and replicate with one number.

    The numbers join sides and depend on nothing else; nothing is ordered by them.
    """
    keys = "suite, sample, replicate"
    return f"""
WITH found AS MATERIALIZED ({_folded()}),
one AS (SELECT row_number() OVER () AS trial, * FROM found WHERE side = 1),
other AS (SELECT row_number() OVER () AS trial, * FROM found WHERE side = 0)
SELECT * FROM one UNION ALL BY NAME
SELECT coalesce(one.trial, -other.trial) AS trial, other.* EXCLUDE (trial)
FROM other LEFT JOIN one USING ({keys})
"""  # noqa: S608 - constants only


def _folded() -> str:
    counts = [f"count(*) FILTER ({sql})::INTEGER AS {name}" for name, sql in _COUNTS.items()]
    sums = [f"coalesce(sum({sql}), 0)::BIGINT AS {name}" for name, sql in _SUMS.items()]
    longest = [f"coalesce(max({sql}), 0)::BIGINT AS {name}" for name, sql in _LONGEST.items()]
    columns = ", ".join(
        ("min(cluster) AS cluster", "min(scheduled_us) AS due", *counts, *sums, *longest)
    )
    return (
        f"SELECT side, suite, sample, replicate::INTEGER AS replicate, {columns} "  # noqa: S608
        "FROM asked GROUP BY side, suite, sample, replicate"
    )


SCORED: Final = f"""
CREATE OR REPLACE TEMP TABLE scored AS
SELECT side, trial, suite, scorer,
  count(*) FILTER (value >= 1)::INTEGER AS perfect,
  count(*) FILTER (value < 1)::INTEGER AS wrong,
  count(*) FILTER (error IS NOT NULL)::INTEGER AS crashed,
  coalesce(sum(round(value * 1000000)::BIGINT), 0)::BIGINT AS millionths
FROM (
  SELECT ({ARM} = 'candidate')::TINYINT AS side, coalesce(suite, '') AS suite, {SAMPLE} AS sample,
    replicate, scorer, value, error
  FROM scores JOIN requests USING (request_id) WHERE release IN ($candidate, $baseline)
) JOIN trials USING (side, suite, sample, replicate)
GROUP BY ALL
"""  # noqa: S608 - constants only
