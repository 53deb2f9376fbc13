"""From one row a trial to what a decision needs: of the candidate alone, or of pairs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics import incomplete, units
from gatekeeper.adapters.metrics.reducing import by_name, clusters, in_order, sums, times
from gatekeeper.adapters.metrics.views import NAMELESS
from gatekeeper.core.observation import (
    Census,
    LeftOut,
    Missing,
    PairedProportion,
    Pairs,
    Proportion,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from duckdb import DuckDBPyConnection

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.core.observation import Observation, Sums, Times

_ALONE: Final = "(FROM unnamed WHERE side = 1 AND NOT silent)"
_NAMED: Final = "(FROM metric WHERE side = 1 AND NOT silent)"
_ONE: Final = f"""
SELECT count(*), count(*) FILTER (y IS NULL OR d IS NULL), sum(y), sum(d), sum(unknown)
FROM {_ALONE}
"""  # noqa: S608 - constants only
_PAIRS: Final = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT trial, c.due, c.y AS c0, c.d AS c1, b.y AS b0, b.d AS b1,
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
_PAIRS_ALONE: Final = f"(SELECT *, '' AS suite, {', '.join(NAMELESS)} FROM pairs)"  # noqa: S608
_NAMES: Final = "trial, suite, sample, replicate, cluster"
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


def alone(connection: DuckDBPyConnection, metric: Metric) -> Observation:
    """What the view `metric` shows of the candidate."""
    n, missing, y, d, unknown = units.row(connection, _ONE)
    if missing:
        return _incomplete(metric, missing, n)
    found = units.layout(connection, _NAMED)
    if metric.kind == "census":
        return Census(d, y, unknown, clusters(connection, _EXPOSED, _EXPOSURES, found))
    match metric.kind:
        case "proportion":
            return Proportion(
                n,
                y,
                unknown,
                clusters(connection, _EVENTS, _NAMED, found),
                units.samples(connection, _NAMED, found),
                clusters(connection, _MOST, _NAMED, found) if unknown else None,
            )
        case "quantile":
            return times(connection, ("y",), in_order(connection, _ALONE, _NAMED, found), found)
        case _:
            source = by_name(connection, _ALONE, _NAMED, found)
            return sums(connection, ("y", "d"), source, found)


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
    timed = metric.kind == "quantile"
    columns = ("c0", "b0") if timed else ("c0", "c1", "b0", "b1")

    def seen(where: str, make: Callable[[str], str] = str) -> Sums | Times:
        """What the pairs that meet a condition show, read of what `make` makes of their table."""
        nameless, named = (f"(FROM {one} WHERE {where})" for one in (_PAIRS_ALONE, _PAIRED))
        found = units.layout(connection, named)
        source = (in_order if timed else by_name)(connection, nameless, named, found)
        return (times if timed else sums)(connection, columns, make(source), found)

    def end(*, high: bool) -> Any:
        """The same with what is missing completed for one bound; None where nothing is."""
        if not gaps.uncertain(metric, high=high):
            return None
        return seen("true", partial(incomplete.completed, connection, metric, high=high))

    made = seen(incomplete.BOTH)
    return replace(made, left_out=gaps.left_out, high=end(high=True), low=end(high=False))


def _shares(connection: DuckDBPyConnection, n: int) -> PairedProportion:
    candidate, baseline, *rest = units.row(connection, _SHARES)
    found = units.layout(connection, _PAIRED)
    known = rest[:2] == rest[2:]
    return PairedProportion(
        Proportion(n, candidate),
        Proportion(n, baseline),
        high=Pairs(n, rest[0], rest[1]),
        low=Pairs(n, rest[2], rest[3]),
        clusters=clusters(connection, _DIFFERENCE, _PAIRED, found),
        samples=units.samples(connection, _PAIRED, found),
        most=None if known else clusters(connection, _HIGH, _PAIRED, found),
        least=None if known else clusters(connection, _LOW, _PAIRED, found),
    )


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
