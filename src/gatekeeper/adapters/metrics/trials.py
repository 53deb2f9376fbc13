"""The table `trials`: one row a conversation, made of the records of all its requests.

A trial is a sample, once for each replicate. Its columns say of the requests of all turns whether
any meets a condition, how many do, or what they add up to; one named `…_missing` is 1 where a
request should have a value and has none. Everything is an integer, so no result depends on the
order of rows, on files, or on threads.

Most conversations are one request, and most requests one call: those are copied, and only the
others are grouped. Which are which is told by hashes; two that are equal by chance send their rows
the long way round, which changes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from duckdb import DuckDBPyConnection

    from gatekeeper.core.metrics.metric import Metric

TRIAL: Final = f"md5_number(coalesce(suite, '') || chr(31) || {SAMPLE} || chr(31) || replicate)"
"""SQL of what joins the two sides of a trial: 128 bits of the names of suite, sample, replicate."""
_SIDE: Final = f"({ARM} = 'candidate')::TINYINT"
_TOKENS: Final = "input_tokens + cached_input_tokens + output_tokens"
_MODEL: Final = "kind = 'model'"
_ANSWERED: Final = "kind = 'model' AND outcome = 'ok'"
FLAGS: Final = {
    "errors": "status = 'error'",
    "resolved_missing": "turn = 0 AND status <> 'error' AND resolved IS NULL",
    "follow_up": "turn = 0 AND (status = 'error' OR follow_up)",
    "follow_up_missing": "turn = 0 AND status <> 'error' AND follow_up IS NULL",
    "declined": "refused OR status = 'blocked'",
    "declined_missing": "refused IS NULL AND status NOT IN ('error', 'blocked')",
    "violations": "policy_violation",
    "violations_missing": "turn = 0 AND policy_violation IS NULL AND status <> 'error'",
    "schema_missing": "schema_valid IS NULL AND status NOT IN ('error', 'blocked') "
    "AND refused IS NOT TRUE",
    "breaches": "len(breach_actions) > 0 OR reason = 'budget_breach'",
    "breaches_missing": "breach_actions IS NULL AND status <> 'error'",
    "tool_calls_missing": "forbidden_tool_calls IS NULL AND status <> 'error'",
    "unauthorised_missing": "unapproved_missing",
    "degraded": "status = 'degraded'",
    "fell_back": "fell_back",
    "fell_back_missing": "fell_back IS NULL",
    "limited": "limited",
    "limited_missing": "limited IS NULL",
    "latency_missing": "latency_us IS NULL AND status <> 'error'",
    "due_missing": "scheduled_us IS NULL",
    "first_token_missing": "answered > 0 AND after_first_us IS NULL",
    "inter_token_known": "inter_token_us IS NOT NULL",
    "inter_token_missing": "answered > 0 AND inter_token_us IS NULL "
    "AND last_output IS DISTINCT FROM 1",
    "attempts_missing": "uncounted",
    "prices_missing": "unpriced",
    "tokens_missing": "unmetered",
    "input_prices_missing": "unsplit",
    "savings_missing": "unsaved",
    "surface_missing": "continues IS NULL AND attempts > 0",
}
"""Conditions on a request: 1 where any of the trial meets it, else 0."""
COUNTS: Final = {
    "requests": "true",
    "conversations": "turn = 0",
    "resolved": "turn = 0 AND status <> 'error' AND resolved",
    "schema_valid": "schema_valid AND status <> 'error'",
    "calling": "attempts > 0",
}
"""Conditions on a request: how many of the trial meet them."""
SUMS: Final = {
    "forbidden_tool_calls": "forbidden_tool_calls",
    "unauthorised": "unapproved",
    "attempts": "attempts",
    "answers": "answered",
    "nano_usd": "nano_usd",
    "input_nano_usd": "input_nano_usd",
    "saved_nano_usd": "saved_nano_usd",
    "tokens": "tokens",
    "surface_tokens": "CASE WHEN parent IS NULL AND NOT continues THEN first_tokens END",
}
LONGEST: Final = {
    "latency_us": "latency_us",
    "first_token_us": "latency_us - coalesce(after_first_us, 0)",
    "inter_token_us": "inter_token_us",
}
TYPES: Final = (
    ("UTINYINT", "false", FLAGS),
    ("INTEGER", "false", COUNTS),
    ("BIGINT", "0", SUMS),
    ("BIGINT", "0", LONGEST),
)
COLUMNS: Final = (*FLAGS, *COUNTS, *SUMS, *LONGEST)
"""Names of what the metrics read, beside the keys."""
ALWAYS: Final = frozenset({"requests", "conversations", "errors", "attempts", "answers"})
_WORD: Final = re.compile(r"\w+")
ORDER: Final = "coalesce(attempt, 0)"
SPENT: Final = {
    "attempts": (f"({_MODEL})::INT", f"count(*) FILTER ({_MODEL})"),
    "answered": (f"({_ANSWERED})::INT", f"count(*) FILTER ({_ANSWERED})"),
    "nano_usd": ("nano_usd", "sum(nano_usd)"),
    "input_nano_usd": ("input_nano_usd", "sum(input_nano_usd)"),
    "saved_nano_usd": ("saved_nano_usd", "sum(saved_nano_usd)"),
    "tokens": (_TOKENS, f"sum({_TOKENS})"),
    **{
        name: (
            f"CASE WHEN {_ANSWERED} THEN {sql} END",
            f"{pick}({sql}, {ORDER}) FILTER ({_ANSWERED})",
        )
        for name, pick, sql in (
            ("first_tokens", "arg_min", _TOKENS),
            ("after_first_us", "arg_max", "latency_us - time_to_first_token_us"),
            ("inter_token_us", "arg_max", "inter_token_us"),
            ("last_output", "arg_max", "output_tokens"),
        )
    },
    **{
        name: (sql, f"bool_or({sql})")
        for name, sql in (
            ("uncounted", "attempt IS NULL"),
            ("unpriced", "nano_usd IS NULL"),
            ("unmetered", f"{_TOKENS} IS NULL"),
            ("unsplit", f"{_MODEL} AND input_nano_usd IS NULL"),
            ("unsaved", f"{_MODEL} AND saved_nano_usd IS NULL"),
            ("unapproved_missing", "kind = 'tool' AND unauthorised IS NULL"),
        )
    },
    "unapproved": (
        "(kind = 'tool' AND unauthorised)::INT",
        "count(*) FILTER (kind = 'tool' AND unauthorised)",
    ),
}
"""What a request spent: of its one call, and of several."""
FATE: Final = {
    "resolved": ("resolved", "bool_and(resolved)"),
    "follow_up": ("follow_up", "bool_or(follow_up)"),
}
"""Where several rows speak of one request, the worst counts."""
_BELONGS: Final = "release IN ($candidate, $baseline)"
_KEY: Final = f"hash({_SIDE}, suite, {SAMPLE}, replicate)"
_SEVERAL: Final = f"""
CREATE OR REPLACE TEMP TABLE several AS
SELECT {_KEY} AS key FROM requests WHERE {_BELONGS} GROUP BY key HAVING count(*) > 1
"""  # noqa: S608 - constants only
_LONG: Final = f"""
CREATE OR REPLACE TEMP TABLE long_requests AS
SELECT * EXCLUDE (input, answer) FROM requests WHERE {_BELONGS} AND {_KEY} IN (FROM several)
"""  # noqa: S608 - constants only
DEPENDENCE: Final = """
CREATE OR REPLACE TEMP TABLE dependence AS
SELECT coalesce(bool_or(cluster IS NOT NULL), false) AS clustered,
  coalesce(bool_or(replicate > 0), false) AS repeated
FROM trials
"""
"""Whether any trials depend on each other."""
_ASKED: Final = """
SELECT {side} AS side, {trial} AS trial, coalesce(suite, '') AS suite, {sample} AS sample,
  replicate::INTEGER AS replicate, cluster, scheduled_us AS due, {columns}
FROM {requests} LEFT JOIN ({spent}) USING (request_id) LEFT JOIN ({fate}) USING (request_id)
WHERE {where}
"""


def documented() -> Iterator[tuple[str, str, str]]:
    """Every column of `trials` for people: its name, how requests become one, and its SQL."""
    ways = ("1 where any meets", "how many meet", "sum of", "largest")
    for way, (_, _, columns) in zip(ways, TYPES, strict=True):
        for name, sql in columns.items():
            yield name, way, sql


def columns_of(metrics: Iterable[Metric]) -> frozenset[str]:
    """The columns of `trials` that the SQL of metrics names, and those that all need."""
    words = {word for metric in metrics for word in _WORD.findall(metric.sql)}
    return frozenset(words.intersection(COLUMNS) | ALWAYS)


def make_trials(
    connection: DuckDBPyConnection, candidate: str, baseline: str, columns: Collection[str]
) -> None:
    """Make the table `trials` of the records of two releases, with some of `COLUMNS`."""

    def run(sql: str) -> None:
        found = sql.replace("$candidate", literal(candidate))
        connection.execute(found.replace("$baseline", literal(baseline)))

    def asked(requests: str, calls: str, outcomes: str, where: str) -> str:
        return _asked(requests, calls, outcomes, where, columns)

    run(_SEVERAL)
    run(_LONG)
    short = asked("requests", "calls", "outcomes", f"{_BELONGS} AND {_KEY} NOT IN (FROM several)")
    here = "(FROM {} SEMI JOIN long_requests USING (request_id))"
    long = asked("long_requests", here.format("calls"), here.format("outcomes"), "true")
    folded = _folded(long, columns)
    run(f"CREATE OR REPLACE TEMP TABLE trials AS {short} UNION ALL BY NAME {folded}")
    run(DEPENDENCE)


def _asked(requests: str, calls: str, outcomes: str, where: str, columns: Collection[str]) -> str:
    """SQL of one row a request, with the columns of `trials`."""
    wanted = [
        f"coalesce({sql}, {empty})::{kind} AS {name}"
        for kind, empty, several in TYPES
        for name, sql in several.items()
        if name in columns
    ]
    return _ASKED.format(
        side=_SIDE,
        trial=TRIAL,
        sample=SAMPLE,
        columns=", ".join(wanted),
        requests=requests,
        spent=_by_request(f"(FROM {calls} WHERE {OWN_CALL})", SPENT),
        fate=_by_request(outcomes, FATE),
        where=where,
    )


def _by_request(source: str, columns: Mapping[str, tuple[str, str]]) -> str:
    """SQL of one row a request: single rows as they are, several folded."""
    several = f"(SELECT hash(request_id) AS key FROM {source} GROUP BY key HAVING count(*) > 1)"  # noqa: S608
    ones = ", ".join(f"{one} AS {name}" for name, (one, _) in columns.items())
    folds = ", ".join(f"{fold} AS {name}" for name, (_, fold) in columns.items())
    return (
        f"SELECT request_id, {ones} FROM {source} WHERE hash(request_id) NOT IN {several} "  # noqa: S608
        f"UNION ALL BY NAME SELECT request_id, {folds} FROM {source} "
        f"WHERE hash(request_id) IN {several} GROUP BY request_id"
    )


def _folded(asked: str, columns: Collection[str]) -> str:
    """SQL of one row a trial."""
    folds = dict.fromkeys((*FLAGS, *LONGEST), "max({0}) AS {0}")
    folds |= dict.fromkeys(COUNTS, "sum({0})::INTEGER AS {0}")
    folds |= dict.fromkeys(SUMS, "sum({0})::BIGINT AS {0}")
    wanted = [fold.format(name) for name, fold in folds.items() if name in columns]
    keys = "side, trial, suite, sample, replicate"
    whole = ", ".join(("max(cluster) AS cluster", "min(due) AS due", *wanted))
    return f"SELECT {keys}, {whole} FROM ({asked}) GROUP BY {keys}"  # noqa: S608


SCORED: Final = f"""
CREATE OR REPLACE TEMP TABLE scored AS
SELECT {_SIDE} AS side, {TRIAL} AS trial, coalesce(suite, '') AS suite, scorer,
  count(*) FILTER (value >= 1)::INTEGER AS perfect,
  count(*) FILTER (value < 1)::INTEGER AS wrong,
  count(*) FILTER (scores.error IS NOT NULL)::INTEGER AS crashed,
  coalesce(sum(round(value * 1000000)::BIGINT), 0)::BIGINT AS millionths
FROM scores JOIN requests USING (request_id) WHERE {_BELONGS}
GROUP BY ALL
"""  # noqa: S608 - constants only
