"""What each scorer said of each release of a run: mean, standard error, and what is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.sides import SAMPLE
from gatekeeper.core.statistics.standard_errors import described

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from gatekeeper.core.statistics.standard_errors import Mean

_BATCH: Final = 10_000
_VALUES: Final = f"""
SELECT release, coalesce(arm, '') AS arm, coalesce(suite, '') AS suite, scorer,
  {SAMPLE} AS sample,
  any_value(cluster) AS cluster,
  list(value ORDER BY request_id) FILTER (value IS NOT NULL) AS found,
  count(*) FILTER (error IS NOT NULL) AS errors
FROM scores JOIN requests USING (request_id)
GROUP BY ALL
ORDER BY release, arm, suite, scorer, sample
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """One scorer on one suite of one release.

    Attributes:
        arm: ``candidate`` or ``baseline`` where one release is both; empty where it is not.
        mean: Over samples, the replicates of each averaged first.
        errors: Scores that are errors; they are in no mean.
    """

    release: str
    arm: str
    suite: str
    scorer: str
    mean: Mean
    errors: int


def score_summary(connection: DuckDBPyConnection) -> tuple[ScoreSummary, ...]:
    """Every scorer of every suite of every release, in that order of names.

    Args:
        connection: The tables as `gatekeeper.adapters.tables.open_tables` gives them.
    """
    cursor = connection.execute(_VALUES)
    rows = iter(lambda: cursor.fetchmany(_BATCH), [])
    flat = (row for batch in rows for row in batch)
    return tuple(_summary(key, members) for key, members in groupby(flat, key=lambda row: row[:4]))


def _summary(key: tuple[str, str, str, str], members: Iterator[tuple[Any, ...]]) -> ScoreSummary:
    values: list[float] = []
    clusters: list[str | None] = []
    errors = 0
    for *_, cluster, found, failed in members:
        errors += failed
        if found:
            values.append(math.fsum(found) / len(found))
            clusters.append(cluster)
    return ScoreSummary(*key, described(values, clusters), errors)
