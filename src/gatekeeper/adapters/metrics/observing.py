"""From one row a trial to what a decision needs: of the candidate alone, or of pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics import incomplete, units
from gatekeeper.core.observation import (
    Census,
    LeftOut,
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

_ALONE: Final = "(FROM unnamed WHERE side = 1 AND NOT silent)"
_NAMED: Final = "(FROM metric WHERE side = 1 AND NOT silent)"
_ONE: Final = f"""
SELECT count(*), count(*) FILTER (y IS NULL OR d IS NULL), sum(y), sum(d), sum(unknown)
FROM {_ALONE}
"""  # noqa: S608 - constants only
_PAIRS: Final = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT trial, c.y AS c0, c.d AS c1, b.y AS b0, b.d AS b1,
  c.unknown > 0 OR c.silent AS cu, b.unknown > 0 OR b.silent AS bu,
  coalesce(b.failed > 0, false) AS failed, coalesce(c.failed > 0, false) AS c_failed,
  coalesce(c.silent, false) AS c_silent, coalesce(b.silent, false) AS b_silent
FROM (FROM unnamed WHERE side = 1) c FULL JOIN (FROM unnamed WHERE side = 0) b USING (trial)
WHERE NOT (coalesce(c.silent, true) AND coalesce(b.silent, true))
"""
_SOUND: Final = """
SELECT count(*), count(*) FILTER (cu IS NULL), count(*) FILTER (bu IS NULL),
  count(*) FILTER (c0 IS NULL OR c1 IS NULL OR b0 IS NULL OR b1 IS NULL)
FROM pairs
"""
_NAMES: Final = "trial, suite, sample, replicate, cluster, due"
_PAIRED: Final = (
    f"(SELECT * FROM pairs JOIN (SELECT {_NAMES} FROM trials WHERE side = 1) USING (trial))"  # noqa: S608
)
"""Pairs with the names of their samples."""
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
    found = units.layout(connection, _NAMED)
    if metric.kind == "census":
        return Census(d, y, unknown, _clusters(connection, _EXPOSED, _EXPOSURES, found))
    match metric.kind:
        case "proportion":
            return Proportion(
                n,
                y,
                unknown,
                _clusters(connection, _EVENTS, _NAMED, found),
                units.samples(connection, _NAMED, found),
                _clusters(connection, _MOST, _NAMED, found) if unknown else None,
            )
        case "quantile":
            return _times(connection, ("y",), _NAMED, found)
        case _:
            named = found.grouped or n <= units.MOST_GROUPS
            return _sums(connection, ("y", "d"), _NAMED if named else _ALONE, found)


def paired(connection: DuckDBPyConnection, metric: Metric) -> Observation:
    """What the view `metric` shows of both on the same samples."""
    connection.execute(_PAIRS)
    n, baseline_only, candidate_only, missing = units.row(connection, _SOUND)
    if baseline_only or candidate_only:
        return _unpaired(baseline_only, candidate_only, n)
    if missing:
        return _incomplete(metric, missing, n)
    if metric.kind in {"proportion", "census"}:
        return _shares(connection, n)
    return _compared(connection, metric, n)


def _compared(connection: DuckDBPyConnection, metric: Metric, n: int) -> Observation:
    """The pairs that both answered, and with the others the worst that they may be."""
    gaps = incomplete.gaps(connection)
    if gaps.left_out.pairs == n > 0:
        return _no_measure(gaps.left_out)
    source = f"(FROM {_PAIRED} WHERE {incomplete.BOTH})"
    found = units.layout(connection, source)
    many = n - gaps.left_out.pairs > units.MOST_GROUPS
    if metric.kind in {"ratio", "mean"} and many and not found.grouped:
        source = f"(FROM pairs WHERE {incomplete.BOTH})"  # no name is needed
    measure = _times if metric.kind == "quantile" else _sums
    columns = ("c0", "b0") if metric.kind == "quantile" else ("c0", "c1", "b0", "b1")

    def end(*, high: bool) -> Any:
        if not gaps.uncertain(metric, high=high):
            return None
        told = incomplete.completed(connection, metric, _PAIRED, high=high)
        return measure(connection, columns, told, units.layout(connection, _PAIRED))

    return replace(
        measure(connection, columns, source, found),
        left_out=gaps.left_out,
        high=end(high=True),
        low=end(high=False),
    )


def _shares(connection: DuckDBPyConnection, n: int) -> PairedProportion:
    candidate, baseline, *rest = units.row(connection, _SHARES)
    found = units.layout(connection, _PAIRED)
    known = rest[:2] == rest[2:]
    return PairedProportion(
        Proportion(n, candidate),
        Proportion(n, baseline),
        high=Pairs(n, rest[0], rest[1]),
        low=Pairs(n, rest[2], rest[3]),
        clusters=_clusters(connection, _DIFFERENCE, _PAIRED, found),
        samples=units.samples(connection, _PAIRED, found),
        most=None if known else _clusters(connection, _HIGH, _PAIRED, found),
        least=None if known else _clusters(connection, _LOW, _PAIRED, found),
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
        alone=units.sums(connection, columns, source) if found.grouped else None,
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


def _no_measure(left_out: LeftOut) -> Missing:
    if not left_out.unmeasured:
        reason = f"all {left_out.pairs:,} samples ended in an error for the baseline"
    else:
        reason = f"none of {left_out.pairs:,} samples was measured on both sides"
    return Missing(
        "no_measure",
        f"{reason}: it is no measure of anything",
        "a run in which the baseline answers",
    )


def _unpaired(baseline_only: int, candidate_only: int, n: int) -> Missing:
    return Missing(
        "unpaired",
        f"of {n:,} samples the candidate lacks {baseline_only:,} and the baseline "
        f"{candidate_only:,}; only the same samples can be compared",
        "one run in which both answer the same samples",
    )
