"""From one row a trial to what a decision needs: of the candidate alone, or of pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics import units
from gatekeeper.core.observation import (
    Census,
    Missing,
    PairedProportion,
    Pairs,
    Proportion,
    Sums,
    Times,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy import int64
    from numpy.typing import NDArray

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation

_ALONE: Final = "(FROM metric WHERE side = 1 AND NOT silent)"
_ONE: Final = f"""
SELECT count(*), count(*) FILTER (y IS NULL OR d IS NULL), sum(y), sum(d), sum(unknown)
FROM {_ALONE}
"""  # noqa: S608 - constants only
_PAIRS: Final = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT trial, c.y AS c0, c.d AS c1, b.y AS b0, b.d AS b1,
  c.unknown > 0 OR c.silent AS cu, b.unknown > 0 OR b.silent AS bu,
  coalesce(b.failed > 0, false) AS failed, c.silent OR b.silent AS silent
FROM (FROM metric WHERE side = 1) c FULL JOIN (FROM metric WHERE side = 0) b USING (trial)
WHERE NOT (coalesce(c.silent, true) AND coalesce(b.silent, true))
"""
_SOUND: Final = """
SELECT count(*), count(*) FILTER (cu IS NULL), count(*) FILTER (bu IS NULL),
  count(*) FILTER (c0 IS NULL OR c1 IS NULL OR b0 IS NULL OR b1 IS NULL),
  count(*) FILTER (failed OR silent)
FROM pairs
"""
_NAMES: Final = "trial, suite, sample, replicate, cluster, due"
PAIRED: Final = (
    f"(SELECT * FROM pairs JOIN (SELECT {_NAMES} FROM trials WHERE side = 1) USING (trial))"  # noqa: S608
)
"""Pairs with the names of their samples."""
_MEASURED: Final = "WHERE NOT failed AND NOT silent"
"""A failed request of the baseline is no measure of what a good one costs or takes."""
_SHARES: Final = """
WITH seen AS (
  SELECT c0 > 0 AS c, b0 > 0 AS b, c0 > 0 OR cu AS c_worst,
    b0 > 0 AND NOT failed AS b_least, b0 > 0 OR bu OR failed AS b_worst
  FROM pairs
)
SELECT count(*) FILTER (c), count(*) FILTER (b),
  count(*) FILTER (c_worst AND NOT b_least), count(*) FILTER (NOT c_worst AND b_least),
  count(*) FILTER (c AND NOT b_worst), count(*) FILTER (NOT c AND b_worst)
FROM seen
"""
_EXPOSURES: Final = "(FROM metric WHERE side = 1 AND NOT silent AND d > 0)"
_EXPOSED: Final = "least(y, d) AS e, d AS t"
_EVENTS: Final = "(y > 0)::INT AS e, 1 AS t"
_MOST: Final = "(y > 0 OR unknown > 0)::INT AS e, 1 AS t"
_DIFFERENCE: Final = "(c0 > 0)::INT - (b0 > 0)::INT AS e, 1 AS t"
_HIGH: Final = "(c0 > 0 OR cu)::INT - (b0 > 0 AND NOT failed)::INT AS e, 1 AS t"
_LOW: Final = "(c0 > 0)::INT - (b0 > 0 OR bu OR failed)::INT AS e, 1 AS t"
_DUE: Final = "due NULLS LAST, suite, sample, replicate"


def alone(connection: DuckDBPyConnection, metric: Metric) -> Observation:
    """What the view `metric` shows of the candidate."""
    n, missing, y, d, unknown = units.row(connection, _ONE)
    if missing:
        return _incomplete(metric, missing, n)
    found = units.layout(connection, _ALONE)
    if metric.kind == "census":
        return Census(d, y, unknown, _clusters(connection, _EXPOSED, _EXPOSURES, found))
    match metric.kind:
        case "proportion":
            return Proportion(
                n,
                y,
                unknown,
                _clusters(connection, _EVENTS, _ALONE, found),
                units.samples(connection, _ALONE, found),
                _clusters(connection, _MOST, _ALONE, found) if unknown else None,
            )
        case "quantile":
            return _times(connection, ("y",), _ALONE, found)
        case _:
            return _sums(connection, ("y", "d"), _ALONE, found)


def paired(connection: DuckDBPyConnection, metric: Metric) -> Observation:
    """What the view `metric` shows of both on the same samples."""
    connection.execute(_PAIRS)
    n, baseline_only, candidate_only, missing, failed = units.row(connection, _SOUND)
    if baseline_only or candidate_only:
        return _unpaired(baseline_only, candidate_only, n)
    if missing:
        return _incomplete(metric, missing, n)
    if metric.kind in {"proportion", "census"}:
        return _shares(connection, n)
    if failed and failed == n:
        return _no_measure(n)
    source = f"(FROM {PAIRED} {_MEASURED})"
    found = units.layout(connection, source)
    if metric.kind in {"ratio", "mean"} and n - failed > units.MOST_GROUPS and not found.grouped:
        source = f"(FROM pairs {_MEASURED})"  # no name is needed
    if metric.kind == "quantile":
        return _times(connection, ("c0", "b0"), source, found)
    return _sums(connection, ("c0", "c1", "b0", "b1"), source, found)


def _shares(connection: DuckDBPyConnection, n: int) -> PairedProportion:
    candidate, baseline, *rest = units.row(connection, _SHARES)
    found = units.layout(connection, PAIRED)
    known = rest[:2] == rest[2:]
    return PairedProportion(
        Proportion(n, candidate),
        Proportion(n, baseline),
        high=Pairs(n, rest[0], rest[1]),
        low=Pairs(n, rest[2], rest[3]),
        clusters=_clusters(connection, _DIFFERENCE, PAIRED, found),
        samples=units.samples(connection, PAIRED, found),
        most=None if known else _clusters(connection, _HIGH, PAIRED, found),
        least=None if known else _clusters(connection, _LOW, PAIRED, found),
    )


def _clusters(
    connection: DuckDBPyConnection, columns: str, source: str, found: units.Layout
) -> Sums | None:
    if not found.grouped:
        return None
    counted = f"(SELECT {columns}, suite, sample, cluster FROM {source})"  # noqa: S608
    return units.sums(connection, ("e", "t"), units.by_unit(("e", "t"), counted, found))


def _sums(
    connection: DuckDBPyConnection,
    columns: tuple[str, ...],
    source: str,
    found: units.Layout,
) -> Sums:
    y, d = columns[:2]
    extremes = f"SELECT count(*), min({y}) = max({y}) AND min({d}) = max({d}) FROM {source}"  # noqa: S608
    n, tied = units.row(connection, extremes)
    if found.repeated:
        n = units.samples(connection, source, found)
    made = units.sums(connection, columns, units.by_unit(columns, source, found))
    return replace(
        made,
        samples=0 if n == made.n else n,
        tied=bool(tied),
        groups=units.groups(connection, columns, source, found),
    )


def _times(
    connection: DuckDBPyConnection, columns: tuple[str, ...], source: str, found: units.Layout
) -> Times:
    numbers = f", dense_rank() OVER (ORDER BY {units.UNIT}) - 1 AS unit" if found.grouped else ""
    table = connection.execute(
        f"SELECT {', '.join(columns)}{numbers} FROM {source} ORDER BY {_DUE}"  # noqa: S608
    ).fetchnumpy()
    sides = [_integers(table[name]) for name in columns]
    return Times(
        sides[0],
        sides[1] if len(sides) > 1 else None,
        _integers(table["unit"]) if found.grouped else None,
    )


def _integers(values: Any) -> NDArray[int64]:
    import numpy as np

    return np.asarray(values, dtype=np.int64)


def _incomplete(metric: Metric, missing: int, n: int) -> Missing:
    return Missing(
        "incomplete",
        f"{missing:,} of {n:,} samples lack what it is made of: {metric.source}",
        "a run whose scorers and pipeline fill it in",
    )


def _no_measure(n: int) -> Missing:
    return Missing(
        "no_measure",
        f"all {n:,} samples ended in an error for the baseline: it is no measure of anything",
        "a run in which the baseline answers",
    )


def _unpaired(baseline_only: int, candidate_only: int, n: int) -> Missing:
    return Missing(
        "unpaired",
        f"of {n:,} samples the candidate lacks {baseline_only:,} and the baseline "
        f"{candidate_only:,}; only the same samples can be compared",
        "one run in which both answer the same samples",
    )
