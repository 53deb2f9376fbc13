"""What a metric is: what it means, what it reads, and its SQL.

The SQL of a metric gives one row a trial, over the tables that `gatekeeper.adapters.metrics` makes
of the records (`trials` and `scored`). A trial is one conversation of one release: a sample, once
for each replicate, with all its turns. Its columns are

- `KEYS`: what the row is about; side 1 is the candidate, 0 the baseline, and a `trial` has the same
  number on both;
- `y`: the numerator, an integer; null where a record lacks what the metric needs, which makes
  the rule an error;
- `d`: the denominator, an integer;
- `unknown`: 1 where the trial ended in an error and nothing can be said of `y`; bounds then hold
  for the worst that it may have been;
- `failed`: 1 where an error decided what stands in `y`. That counts against the candidate, and
  must not count against a baseline: a shared outage would let anything pass;
- `silent`: whether there was nothing to measure. Alone, such a trial is left out; beside one of
  the other release that was measured, it is unknown.

Money is integer nano-USD, time integer microseconds: sums do not depend on the order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from gatekeeper.core.metrics.formula import Formula
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.evalset import Suite

Kind = Literal["proportion", "ratio", "mean", "quantile", "census", "declared"]
Unit = Literal[
    "rate", "usd", "tokens", "ms", "per_request", "count", "hours_per_hour", "wh", "gco2e"
]
Better = Literal["high", "low"]
KEYS: Final = "side, trial, suite, sample, replicate, cluster, due"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        kind: How its uncertainty is found: of a share of trials, of a ratio of two sums over
            trials, of a mean, of a quantile, of a count that has to be zero, or of what people
            declared.
        unit: Of the estimate of an absolute rule.
        scale: What an estimate is multiplied by to be in that unit as people read it.
        suites: Suites that it reads; empty means all. Under a relative rule the baseline must
            have run them too.
        exposed: Suites whose conversations a census counts as exposures, where it reads others too.
        watched: The scorer whose marks a census counts as exposures.
        sql: The trials, with the columns named above; empty for what is made of facts alone.
        source: Tables and columns it rests on.
        nulls: What a missing value does.
        look_at: Where to look when a rule on it does not pass.
        better: Which way is good; what a contributing sample and a loosened limit are judged by.
        components: Components that most likely move it, most likely first.
        formulas: How declared facts enter; the first whose facts are all there is used.
    """

    name: str
    section: str
    kind: Kind
    unit: Unit
    definition: str
    source: str
    nulls: str
    look_at: str
    sql: str = ""
    suites: tuple[Suite, ...] = ()
    exposed: tuple[Suite, ...] = ()
    watched: str = ""
    scale: float = 1.0
    quantile: float | None = None
    better: Better = "low"
    components: tuple[ComponentName, ...] = ()
    formulas: tuple[Formula, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """Declared facts that it needs; where one is absent, the rule is an error."""
        return self.formulas[0].names if self.formulas else ()


def of_trials(  # noqa: PLR0913 - the columns of a trial
    y: str,
    *,
    d: str = "1",
    unknown: str = "0",
    failed: str = "errors > 0",
    silent: str = "false",
    where: str = "true",
) -> str:
    """The SQL of a metric over the columns of `trials`."""
    return _select(y, d, unknown, failed, silent) + f" FROM trials WHERE {where}"


def of_scores(  # noqa: PLR0913 - the columns of a trial
    scorers: tuple[str, ...],
    y: str,
    *,
    d: str = "1",
    unknown: str = "0",
    failed: str = "0",
    silent: str = "perfect + wrong + crashed = 0",
    table: str = "scored",
) -> str:
    """The SQL of a metric over what some scorers said, with the columns of `trials` beside it.

    Its expressions may read `perfect`, `wrong` and `crashed`, the numbers of scores that are 1,
    less, and errors, and `millionths`, their sum.
    """
    names = ", ".join(f"'{scorer}'" for scorer in scorers)
    said = f"FROM {table} WHERE scorer IN ({names})"
    sums = ", ".join(
        f"sum({name})::BIGINT AS {name}" for name in ("perfect", "wrong", "crashed", "millionths")
    )
    columns = ", ".join(
        f"coalesce({name}, 0) AS {name}" for name in ("perfect", "wrong", "crashed", "millionths")
    )
    said_of = f"(SELECT side, trial, {sums} {said} GROUP BY side, trial)"
    source = (
        f"(SELECT trials.*, {columns} FROM trials LEFT JOIN {said_of} USING (side, trial)"  # noqa: S608 - constants only
        f" WHERE suite IN (SELECT suite {said}))"
    )
    return f"{_select(y, d, unknown, failed, silent)} FROM {source}"


def _select(y: str, d: str, unknown: str, failed: str, silent: str) -> str:
    known = f"({y})::BIGINT"
    if silent != "false":
        known = f"CASE WHEN {silent} THEN 0 ELSE {known} END"
    return (
        f"SELECT {KEYS}, {known} AS y, ({d})::BIGINT AS d, ({unknown})::TINYINT AS unknown,"
        f" ({failed})::TINYINT AS failed, ({silent}) AS silent"
    )
