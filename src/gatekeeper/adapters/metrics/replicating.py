"""What varies between samples and what between replicates of one, as exact sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.statistics.replicates import Replicated

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_STRATA: Final = """
WITH one AS (
  SELECT count(*) AS times, sum(y)::HUGEINT AS total, sum(y::HUGEINT * y) AS squares
  FROM metric WHERE side = 1 AND NOT silent GROUP BY suite, sample
)
SELECT times, count(*), sum(total), sum(total * total), sum(squares)
FROM one GROUP BY times ORDER BY times
"""


def strata(connection: DuckDBPyConnection) -> tuple[Replicated, ...]:
    """Of the view `metric`: sums over the samples with as many replicates, fewest first."""
    rows = connection.execute(_STRATA).fetchall()
    return tuple(Replicated(*(int(value or 0) for value in row)) for row in rows)
