"""Pairs that cannot be compared: how many there are, why, and the worst that they may be.

A failed request of the baseline is no measure of what a good one costs or takes, and where one side
has nothing to measure there is no pair. The estimate does without them. They are not chosen at
random, though: a baseline may fail on what is dear for the candidate. So bounds are also found with
every such pair in the sums, its unknown side as bad for what is to be shown as it can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.metrics import units
from gatekeeper.core.observation import LeftOut

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from gatekeeper.core.metrics.metric import Metric

_LOST: Final = "(failed OR b_silent)"
BOTH: Final = f"NOT {_LOST} AND NOT c_silent"
"""SQL of the pairs in which both sides were measured."""
_GAPS: Final = f"""
SELECT count(*) FILTER (failed), count(*) FILTER (NOT ({BOTH}) AND NOT failed),
  count(*) FILTER (c_failed AND NOT {_LOST})
FROM pairs
"""  # noqa: S608 - constants only
_ENDS: Final = ("min(c0)", "max(c0)", "min(c1)", "max(c1)", "min(b0)", "max(b0)")
_PER: Final = ("min(b1)", "max(b1)")


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is not known of some pairs.

    Attributes:
        left_out: Pairs that cannot be compared.
        failed: Others, on which the candidate failed.
    """

    left_out: LeftOut
    failed: int

    def uncertain(self, metric: Metric, *, high: bool) -> bool:
        """Whether an end of what the change may be differs from that of the pairs compared."""
        return bool(self.left_out.pairs) or (high and bool(self.failed) and _used(metric))


def gaps(connection: DuckDBPyConnection) -> Gaps:
    """Of the table `pairs`."""
    failed, unmeasured, own = units.row(connection, _GAPS)
    return Gaps(LeftOut(failed, unmeasured), own)


def completed(connection: DuckDBPyConnection, metric: Metric, source: str, *, high: bool) -> str:
    """SQL of all pairs of `source`, where what is unknown raises (`high`) or lowers the change.

    What a baseline that is not known would have used is nothing, or as much as it used on any
    sample; a score is as low or as high as scores are. A candidate that failed has used what is
    recorded, and for the upper end at least what the baseline used on that sample: a release must
    not become cheaper by failing on what is dear.
    """
    ends = units.row(connection, f"SELECT {', '.join((*_ENDS, *_PER))} FROM pairs WHERE {BOTH}")  # noqa: S608
    low_c, high_c, few_c, many_c, low_b, high_b, few_b, many_b = ends
    if metric.kind != "quantile":
        low_b = min(low_b, 0)
    if metric.kind == "mean":
        most = round(1 / metric.scale) if metric.unit == "rate" else 0
        low_c, high_c, high_b = min(low_c, 0), max(high_c, most), max(high_b, most)
    own = "CASE WHEN c_failed THEN greatest(c0, b0) ELSE c0 END" if high and _used(metric) else "c0"
    c0, c1, b0, b1 = (high_c, few_c, low_b, many_b) if high else (low_c, many_c, high_b, few_b)
    columns = (
        f"CASE WHEN c_silent THEN {c0} WHEN {_LOST} THEN c0 ELSE {own} END AS c0",
        f"CASE WHEN c_silent THEN {c1} ELSE c1 END AS c1",
        f"CASE WHEN {_LOST} THEN {b0} ELSE b0 END AS b0",
        f"CASE WHEN {_LOST} THEN {b1} ELSE b1 END AS b1",
    )
    return f"(SELECT * REPLACE ({', '.join(columns)}) FROM {source})"  # noqa: S608


def _used(metric: Metric) -> bool:
    """Whether a metric is of what is used up, so that failing early may look like saving."""
    return metric.kind in {"ratio", "mean"} and metric.better == "low"
