"""The samples that moved an estimate the wrong way more than others did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.metrics import units
from gatekeeper.adapters.sides import ARM, SAMPLE
from gatekeeper.model.verdict import Contribution

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from gatekeeper.core.metrics.metric import Metric

_ALONE: Final = """
SELECT trial, y AS c0, d AS c1, 0 AS b0, 0 AS b1 FROM unnamed WHERE side = 1 AND NOT silent
"""
_PAIRED: Final = """
SELECT trial, c.y AS c0, c.d AS c1, b.y AS b0, b.d AS b1
FROM (FROM unnamed WHERE side = 1 AND NOT silent) c
JOIN (FROM unnamed WHERE side = 0 AND NOT silent) b USING (trial)
"""
_EXCESS: Final = """
CREATE OR REPLACE TEMP TABLE excesses AS
WITH told AS ({source})
FROM (SELECT trial, {excess} AS excess FROM told) WHERE excess > 0
"""
"""An integer, so that neither the order of the rows nor threads change the ranks."""
_RANKED: Final = """
WITH ranked AS (
  SELECT suite, sample, {fold}(excess) AS excess
  FROM (SELECT trial, suite, sample FROM trials WHERE side = 1 AND trial IN
    (SELECT trial FROM excesses)) JOIN excesses USING (trial)
  GROUP BY suite, sample
),
top AS MATERIALIZED (
  SELECT *, excess / (SELECT sum(excess) FROM ranked) AS share FROM ranked
  ORDER BY excess DESC, suite, sample LIMIT {limit}
),
named AS MATERIALIZED (
  SELECT trial, replicate, top.* FROM trials JOIN top USING (suite, sample) WHERE side = 1
)
SELECT suite, sample, any_value(share) AS share, count(*) AS n,
  sum(c0)::BIGINT AS c0, sum(c1)::BIGINT AS c1, sum(b0)::BIGINT AS b0, sum(b1)::BIGINT AS b1,
  arg_min(replicate, (-coalesce(excesses.excess, 0), replicate)) AS worst,
  max(c0) AS slowest, max(b0) AS slowest_b
FROM ({source}) JOIN named USING (trial) LEFT JOIN excesses USING (trial)
GROUP BY suite, sample ORDER BY any_value(named.excess) DESC, suite, sample
"""
_FIRST: Final = f"""
SELECT request_id FROM requests
WHERE {ARM} = 'candidate' AND coalesce(suite, '') = $suite AND {SAMPLE} = $sample
  AND replicate = $replicate
ORDER BY turn, time, request_id LIMIT 1
"""  # noqa: S608 - constants only


def contributions(
    connection: DuckDBPyConnection, metric: Metric, candidate: str, *, paired: bool, limit: int
) -> tuple[Contribution, ...]:
    """The worst samples of the view `metric`, the worst first.

    Of a share, those that fail, or fail where the baseline does not; of a ratio, those whose
    numerator is furthest above what their denominator would cost at the rate of all (of the
    baseline, in a comparison); of a quantile, the slowest.
    """
    source = _PAIRED if paired else _ALONE
    excess = _excess(metric, paired=paired)
    connection.execute(_EXCESS.format(source=source, excess=excess))
    if not units.row(connection, "SELECT count(*) FROM excesses")[0]:
        return ()
    fold = "max" if metric.kind == "quantile" else "sum"
    cursor = connection.execute(_RANKED.format(source=source, fold=fold, limit=limit))
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tuple(
        Contribution(
            sample=row["sample"],
            suite=row["suite"],
            candidate=_own(metric, row, "c"),
            baseline=_own(metric, row, "b") if paired else None,
            share=None if metric.kind == "quantile" else round(float(row["share"]), 10),
            request=_first(connection, candidate, row),
        )
        for row in rows
    )


def _excess(metric: Metric, *, paired: bool) -> str:
    """SQL of how far a trial is on the wrong side, as an integer; nothing where it is not."""
    wrong = 1 if metric.better == "low" else -1
    match metric.kind:
        case "proportion":
            bad, was = ("c0 > 0", "b0 > 0") if wrong == 1 else ("c0 = 0", "b0 = 0")
            return f"({bad} AND NOT {was})::INT" if paired else f"({bad})::INT"
        case "quantile" | "census":
            return "c0"
        case _:
            of = "b" if paired else "c"
            y, d = (f"(SELECT sum({of}{number})::HUGEINT FROM told)" for number in (0, 1))  # noqa: S608
            change = f"(c0 - b0) * {d} - {y} * (c1 - b1)"
            return f"greatest({wrong} * ({change}), 0)"


def _own(metric: Metric, row: dict[str, int], side: str) -> float:
    """What a sample has of its own, in the unit of the metric."""
    y, d = row[f"{side}0"], row[f"{side}1"]
    match metric.kind:
        case "proportion":
            value = y / row["n"]
        case "quantile":
            value = float(row["slowest" if side == "c" else "slowest_b"])
        case "census":
            value = float(y)
        case _:
            value = y / max(d, 1)
    return float(f"{value * metric.scale:.10g}")


def _first(connection: DuckDBPyConnection, candidate: str, row: dict[str, object]) -> str:
    values = {
        "candidate": candidate,
        "suite": row["suite"],
        "sample": row["sample"],
        "replicate": row["worst"],
    }
    found = connection.execute(_FIRST, values).fetchone()
    return str(found[0]) if found else ""
