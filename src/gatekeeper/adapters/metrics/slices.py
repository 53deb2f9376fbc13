"""Parts of a run by the value of a tag or of a column of its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.metrics import units
from gatekeeper.adapters.metrics.views import show
from gatekeeper.adapters.sides import ARM, SAMPLE
from gatekeeper.adapters.tables import literal
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection

COLUMNS: Final = (
    "suite",
    "cluster",
    "tenant",
    "workload",
    "feature",
    "journey",
    "task_class",
    "route",
    "product",
)
"""Columns of requests that have slices; any other name is that of a tag."""
MOST: Final = 1000
_TAG: Final = "substr(list_filter(tags, lambda tag: starts_with(tag, {start}))[1], {after})"
_VALUES: Final = f"""
CREATE OR REPLACE TEMP TABLE slice_of AS
WITH said AS (
  SELECT ({ARM} = 'candidate')::TINYINT AS side, coalesce(suite, '') AS suite, {SAMPLE} AS sample,
    replicate, {{value}} AS value
  FROM requests WHERE release IN ($candidate, $baseline) AND turn = 0
)
SELECT trial,
  -- Where the sides differ, as by route, the candidate's value counts.
  coalesce(max(value) FILTER (side = 1), max(value) FILTER (side = 0)) AS slice
FROM said JOIN trials USING (side, suite, sample, replicate) WHERE value IS NOT NULL
GROUP BY trial
"""  # noqa: S608 - constants only
_SLICED: Final = """
CREATE OR REPLACE TEMP TABLE sliced AS
SELECT metric.*, coalesce(slice, '') AS slice FROM metric LEFT JOIN slice_of USING (trial)
ORDER BY slice
"""
_NAMES: Final = f"""
SELECT slice, count(*) FILTER (side = 1 AND NOT silent) FROM sliced
GROUP BY slice HAVING count(*) FILTER (side = 1 AND NOT silent) > 0
ORDER BY slice LIMIT {MOST + 1}
"""  # noqa: S608 - constants only


_MEMBERS: Final = """
SELECT suite, sample, replicate FROM trials LEFT JOIN slice_of USING (trial)
WHERE side = 1 AND list_contains($values, coalesce(slice, ''))
"""
MOST_TOLD: Final = 50
"""Values that a tag may have to be looked through for what went wrong."""
_TAGS: Final = f"""
WITH said AS (
  SELECT DISTINCT unnest(tags) AS tag FROM requests
  WHERE {ARM} = 'candidate' AND turn = 0 AND (len($suites) = 0 OR list_contains($suites, suite))
)
SELECT split_part(tag, '=', 1) AS name FROM said
GROUP BY name HAVING count(*) BETWEEN 2 AND {MOST_TOLD} ORDER BY name
"""  # noqa: S608 - constants only


def tags(connection: DuckDBPyConnection, candidate: str, suites: Sequence[str]) -> tuple[str, ...]:
    """Tags whose few values part the candidate's samples in `suites`, or in all; sorted."""
    found = connection.execute(_TAGS, {"candidate": candidate, "suites": list(suites)})
    return tuple(str(name) for (name,) in found.fetchall())


def sliced(
    connection: DuckDBPyConnection, by: str, sides: dict[str, str]
) -> Iterator[tuple[str, int]]:
    """Make the view `metric` that of one slice after the other; gives each value and its trials.

    Nothing is given where no sample has `by`. Samples without it are the slice "".

    Raises:
        InputError: There are more than 1,000 slices.
    """
    connection.execute(_VALUES.format(value=_value(by)), sides)
    if not units.row(connection, "SELECT count(*) FROM slice_of")[0]:
        return
    connection.execute(_SLICED)
    names = connection.execute(_NAMES).fetchall()
    if len(names) > MOST:
        what = f"{by} has more than {MOST:,} values, and each would be a rule of its own"
        raise InputError([Problem(what, accepted=f"a tag or one of {', '.join(COLUMNS)}")])
    for name, trials in names:
        show(connection, f"SELECT * EXCLUDE (slice) FROM sliced WHERE slice = {literal(name)}")  # noqa: S608
        yield str(name), int(trials)


def members(
    connection: DuckDBPyConnection, by: str, sides: dict[str, str], values: Sequence[str]
) -> frozenset[tuple[str, str, int]]:
    """Suite, sample and replicate of the candidate's trials in some slices; "" of those in none."""
    connection.execute(_VALUES.format(value=_value(by)), sides)
    found = connection.execute(_MEMBERS, {"values": list(values)}).fetchall()
    return frozenset(found)


def _value(by: str) -> str:
    """SQL of what a request has of `by`; null where it has nothing."""
    tag = _TAG.format(start=literal(f"{by}="), after=len(by) + 2)
    return f"coalesce({by}, {tag})" if by in COLUMNS else tag
