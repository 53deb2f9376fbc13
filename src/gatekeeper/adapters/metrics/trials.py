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

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.metrics.columns import COUNTS, FATE, FLAGS, LONGEST, SPENT, SUMS, TYPES
from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from duckdb import DuckDBPyConnection

TRIAL: Final = f"md5_number(coalesce(suite, '') || chr(31) || {SAMPLE} || chr(31) || replicate)"
"""SQL of what joins the two sides of a trial: 128 bits of the names of suite, sample, replicate."""
_SIDE: Final = f"({ARM} = 'candidate')::TINYINT"
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
SCORED: Final = """
CREATE OR REPLACE TEMP TABLE scored AS
SELECT side, trial, suite, scorer,
  count(*) FILTER (value >= 1)::INTEGER AS perfect,
  count(*) FILTER (value < 1)::INTEGER AS wrong,
  count(*) FILTER (error IS NOT NULL)::INTEGER AS crashed,
  coalesce(sum(round(value * 1000000)::BIGINT), 0)::BIGINT AS millionths
FROM ({}) GROUP BY side, trial, suite, scorer
"""
"""What scorers said of each trial, of scores that know theirs."""
_SCORES: Final = f"""
SELECT {_SIDE} AS side, {TRIAL} AS trial, coalesce(suite, '') AS suite, scorer, value, scores.error
FROM scores JOIN requests USING (request_id) WHERE {_BELONGS}
"""  # noqa: S608 - constants only
_ASKED: Final = """
SELECT {side} AS side, {trial} AS trial, coalesce(suite, '') AS suite, {sample} AS sample,
  replicate::INTEGER AS replicate, cluster, scheduled_us AS due, {columns}
FROM {requests} LEFT JOIN ({spent}) USING (request_id) LEFT JOIN ({fate}) USING (request_id)
WHERE {where}
"""


def make_trials(
    connection: DuckDBPyConnection, candidate: str, baseline: str, columns: Collection[str]
) -> None:
    """Make the tables `trials`, with some of `COLUMNS`, and `scored` of two releases."""

    def run(sql: str) -> None:
        """Carry out a statement that names the two releases."""
        found = sql.replace("$candidate", literal(candidate))
        connection.execute(found.replace("$baseline", literal(baseline)))

    def asked(requests: str, calls: str, outcomes: str, where: str) -> str:
        """The `SELECT` of what was asked of one side."""
        return _asked(requests, calls, outcomes, where, columns)

    run(_SEVERAL)
    run(_LONG)
    short = asked("requests", "calls", "outcomes", f"{_BELONGS} AND {_KEY} NOT IN (FROM several)")
    here = "(FROM {} SEMI JOIN long_requests USING (request_id))"
    long = asked("long_requests", here.format("calls"), here.format("outcomes"), "true")
    folded = _folded(long, columns)
    run(f"CREATE OR REPLACE TEMP TABLE trials AS {short} UNION ALL BY NAME {folded}")
    run("CREATE OR REPLACE TEMP VIEW unnamed_trials AS FROM trials")
    run(DEPENDENCE)
    if "scored" in columns:
        run(SCORED.format(_SCORES))


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
