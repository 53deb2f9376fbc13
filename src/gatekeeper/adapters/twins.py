"""The tables of an A/A run: the same samples, twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.model.noise import Flips

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TALKS: Final = """
CREATE TEMP TABLE talks AS
SELECT arm, coalesce(suite, '') AS suite, sample_id, replicate,
  list(answer ORDER BY turn) AS answer, list(status ORDER BY turn) AS status,
  min_by(request_id, turn) AS request_id
FROM requests WHERE arm IS NOT NULL GROUP BY ALL
"""
_PAIRS: Final = """
CREATE TEMP TABLE twins AS
SELECT one.request_id AS first, two.request_id AS second, one.answer = two.answer AS same,
  one.status = two.status AS same_status
FROM talks one JOIN talks two USING (suite, sample_id, replicate)
WHERE one.arm = 'baseline' AND two.arm = 'candidate'
"""
_FLIPS: Final = """
SELECT 'answer' AS what, count(*), count(*) FILTER (NOT same), count(*) FILTER (same), 0 FROM twins
UNION ALL
SELECT 'status', count(*), count(*) FILTER (NOT same_status), count(*) FILTER (same),
  count(*) FILTER (same AND NOT same_status) FROM twins
UNION ALL
SELECT 'resolved', count(*), count(*) FILTER (one.resolved <> two.resolved),
  count(*) FILTER (same), count(*) FILTER (same AND one.resolved <> two.resolved)
FROM twins JOIN outcomes one ON one.request_id = first JOIN outcomes two ON two.request_id = second
UNION ALL
(SELECT one.scorer, count(*), count(*) FILTER (one.value IS DISTINCT FROM two.value),
  count(*) FILTER (same), count(*) FILTER (same AND one.value IS DISTINCT FROM two.value)
FROM twins JOIN scores one ON one.request_id = first
  JOIN scores two ON two.request_id = second AND one.scorer = two.scorer
GROUP BY one.scorer ORDER BY one.scorer)
"""


class TwinMeasurements(RunMeasurements):
    """An A/A run's tables; the baseline's arm is the first time, the candidate's the second."""

    def __init__(self, connection: DuckDBPyConnection, release: str) -> None:
        super().__init__(connection, release, release)
        connection.execute(_TALKS)
        connection.execute(_PAIRS)
        self._tables = connection

    def flips(self) -> tuple[Flips, ...]:
        """What differs between the two times."""
        return tuple(
            Flips(what=what, pairs=pairs, flips=flips, same_answer=same, same_answer_flips=odd)
            for what, pairs, flips, same, odd in self._tables.execute(_FLIPS).fetchall()
            if pairs
        )

    def answered(self) -> int:
        """Requests that did not end in an error."""
        found = self._tables.execute("SELECT count(*) FROM requests WHERE status <> 'error'")
        return int((found.fetchone() or (0,))[0])
