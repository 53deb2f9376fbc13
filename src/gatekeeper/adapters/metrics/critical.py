"""Whether the samples that a policy calls critical pass, in every replicate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.sides import ARM, FAULTY, SAMPLE
from gatekeeper.core.observation import Critical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.record import Arm

_TALKS: Final = f"""
WITH meant AS (
  SELECT DISTINCT coalesce(suite, '') AS suite, {SAMPLE} AS sample FROM requests
  WHERE {ARM} = $arm AND (
    {SAMPLE} = $wanted OR list_contains(tags, $wanted)
    OR len(list_filter(tags, lambda tag: starts_with(tag, $wanted || '='))) > 0)
), said AS (
  SELECT request_id, bool_or(error IS NOT NULL OR value <= 0) AS bad FROM scores GROUP BY request_id
), fate AS (
  SELECT request_id, bool_and(resolved) AS resolved FROM outcomes GROUP BY request_id
), talks AS (
  SELECT sample, suite, replicate, bool_or(
    {FAULTY} OR resolved IS NOT DISTINCT FROM false OR coalesce(bad, false)) AS failed
  FROM (SELECT * REPLACE (coalesce(suite, '') AS suite), {SAMPLE} AS sample FROM requests
    WHERE {ARM} = $arm)
  SEMI JOIN meant USING (suite, sample)
  LEFT JOIN said USING (request_id) LEFT JOIN fate USING (request_id)
  GROUP BY sample, suite, replicate
)
"""  # noqa: S608 - constants only
"""A conversation fails as `gatekeeper.core.failing` has it."""
_WHOLE: Final = f"""{_TALKS}
SELECT count(DISTINCT (suite, sample)), count(*),
  coalesce(list_sort(list(DISTINCT sample) FILTER (failed)), [])
FROM talks
"""  # noqa: S608 - constants only
_EACH: Final = f"""{_TALKS}
SELECT suite, sample, bool_or(failed) FROM talks GROUP BY suite, sample
"""  # noqa: S608 - constants only


def critical(connection: DuckDBPyConnection, candidate: str, wanted: str) -> Critical:
    """What became of the samples with an id, a tag, or a ``tag=value``."""
    values = {"candidate": candidate, "wanted": wanted, "arm": "candidate"}
    samples, trials, failed = connection.execute(_WHOLE, values).fetchall()[0]
    return Critical(wanted, int(samples), tuple(failed), int(trials))


def critical_samples(
    connection: DuckDBPyConnection, candidate: str, arm: Arm, wanted: Sequence[str]
) -> dict[tuple[str, str], bool]:
    """By suite and sample, whether one side failed at least once what a policy calls critical."""
    found: dict[tuple[str, str], bool] = {}
    for name in wanted:
        values = {"candidate": candidate, "wanted": name, "arm": arm}
        for suite, sample, failed in connection.execute(_EACH, values).fetchall():
            found[suite, sample] = bool(failed)
    return dict(sorted(found.items()))
