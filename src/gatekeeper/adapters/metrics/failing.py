"""How much of a run is errors and why, and the price books that its calls were priced with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.metrics.units import row
from gatekeeper.adapters.sides import ARM, OWN_CALL
from gatekeeper.core.answering import Answered, Failures

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PRICED: Final = """
SELECT DISTINCT coalesce(price_book, '') FROM calls
WHERE kind = 'model' AND outcome = 'ok' AND nano_usd IS NOT NULL
ORDER BY ALL
"""
_FAILURES: Final = f"""
SELECT status = 'error' AS hit, CASE WHEN hit THEN coalesce(reason, 'no reason') END AS why
FROM requests WHERE {ARM} = 'candidate'
"""  # noqa: S608 - constants only
_CALLED: Final = """
SELECT coalesce(sum(attempts), 0), coalesce(sum(answers), 0) FROM unnamed_trials WHERE side = 1
"""
_ANSWERED: Final = f"""
SELECT coalesce(suite, ''), count(*), count(*) FILTER (status = 'error')
FROM requests WHERE {ARM} = 'baseline' GROUP BY ALL ORDER BY ALL
"""  # noqa: S608 - constants only
_CALLED_BY_SUITE: Final = """
SELECT suite, coalesce(sum(attempts), 0)::BIGINT, coalesce(sum(answers), 0)::BIGINT
FROM trials WHERE side = 0 GROUP BY suite
"""
_CAUSES: Final = f"""
SELECT true AS hit, error AS why
FROM (
  SELECT * FROM calls
  WHERE kind = 'model' AND outcome NOT IN ('ok', 'circuit_open') AND {OWN_CALL}
) JOIN requests USING (request_id)
WHERE {ARM} = 'candidate'
"""  # noqa: S608 - constants only
_CRASHED: Final = "SELECT count(error) FROM scores"
_CRASHES: Final = f"""
SELECT scores.error IS NOT NULL AS hit, scores.error AS why
FROM scores JOIN requests USING (request_id)
WHERE {ARM} = 'candidate'
"""  # noqa: S608 - constants only
_TALLY: Final = """
WITH told AS (
  SELECT hit, why, count(*) AS times FROM ({source}) GROUP BY hit, why
)
SELECT coalesce(sum(times), 0), coalesce(sum(times) FILTER (hit), 0), coalesce((
  SELECT why FROM told WHERE why IS NOT NULL
  GROUP BY why ORDER BY sum(times) DESC, why LIMIT 1
), '') FROM told
"""


def failures(connection: DuckDBPyConnection, candidate: str) -> Failures:
    """How much of the candidate's requests and scores are errors; reads the table `trials` too."""
    calls, answered = row(connection, _CALLED)
    asked = _tally(connection, _FAILURES, candidate)
    # Calls and scores are many and know their request by its name alone.
    cause = _tally(connection, _CAUSES, candidate)[2] if calls > answered else ""
    crashed = row(connection, _CRASHED)[0]
    scored = _tally(connection, _CRASHES, candidate) if crashed else (0, 0, "")
    return Failures(*asked, calls, answered, cause, *scored)


def answered(connection: DuckDBPyConnection, candidate: str) -> dict[str, Answered]:
    """What the baseline answered, by suite; reads the table `trials` too."""
    asked = connection.execute(_ANSWERED, {"candidate": candidate}).fetchall()
    called = {suite: counts for suite, *counts in connection.execute(_CALLED_BY_SUITE).fetchall()}
    return {suite: Answered(*counts, *called.get(suite, (0, 0))) for suite, *counts in asked}


def price_books(connection: DuckDBPyConnection) -> tuple[str, ...]:
    """Digests of the price books that calls were priced with; "" for a call without one."""
    return tuple(found for (found,) in connection.execute(_PRICED).fetchall())


def _tally(connection: DuckDBPyConnection, source: str, candidate: str) -> tuple[int, int, str]:
    """Rows, hits, and the most common reason, the first by name of those that are."""
    sql = _TALLY.format(source=source)
    ((rows, hits, why),) = connection.execute(sql, {"candidate": candidate}).fetchall()
    return int(rows), int(hits), str(why)
