"""Measuring a run: the metrics' SQL over its tables, down to what a decision needs.

Two tables stand between the records and the metrics. `samples` has one row a release, suite and
sample; its columns are sums over the requests of all turns and replicates. A column named
`…_missing` counts requests that should have a value and have none. `scored` has one row a release,
suite, sample and scorer. Everything is an integer, so no result depends on the order of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.core.observation import (
    Census,
    Failures,
    Missing,
    PairedProportion,
    Pairs,
    Proportion,
    Sums,
    Times,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from gatekeeper.core.catalogue import Metric
    from gatekeeper.core.observation import Observation

SAMPLES: Final = f"""
CREATE TEMP TABLE samples AS
WITH spent AS (
  SELECT request_id,
    count(*) FILTER (kind = 'model') AS attempts,
    sum(nano_usd) AS nano_usd,
    sum(input_tokens + cached_input_tokens + output_tokens) AS tokens,
    bool_or(attempt IS NULL) AS uncounted,
    bool_or(nano_usd IS NULL) AS unpriced,
    bool_or(input_tokens + cached_input_tokens + output_tokens IS NULL) AS unmetered
  FROM calls WHERE {OWN_CALL} GROUP BY request_id
), fate AS (
  -- Where several rows speak of one request, the worst counts.
  SELECT request_id, bool_and(resolved) AS resolved, bool_or(follow_up) AS follow_up
  FROM outcomes GROUP BY request_id
)
SELECT ({ARM} = 'candidate')::TINYINT AS side,
  coalesce(suite, '') AS suite,
  {SAMPLE} AS sample,
  count(*) AS requests,
  count(*) FILTER (status = 'error') AS errors,
  count(*) FILTER (turn = 0) AS conversations,
  count(*) FILTER (turn = 0 AND status <> 'error' AND resolved) AS resolved,
  count(*) FILTER (turn = 0 AND status <> 'error' AND resolved IS NULL) AS resolved_missing,
  count(*) FILTER (turn = 0 AND (status = 'error' OR follow_up)) AS follow_up,
  count(*) FILTER (turn = 0 AND status <> 'error' AND follow_up IS NULL) AS follow_up_missing,
  count(*) FILTER (refused OR status = 'blocked') AS declined,
  count(*) FILTER (refused IS NULL AND status NOT IN ('error', 'blocked')) AS declined_missing,
  count(*) FILTER (policy_violation) AS violations,
  count(*) FILTER (turn = 0 AND policy_violation IS NULL AND status <> 'error')
    AS violations_missing,
  count(*) FILTER (schema_valid AND status <> 'error') AS schema_valid,
  count(*) FILTER (schema_valid IS NULL AND status NOT IN ('error', 'blocked')
    AND refused IS NOT TRUE) AS schema_missing,
  count(*) FILTER (len(breach_actions) > 0 OR reason = 'budget_breach') AS breaches,
  count(*) FILTER (breach_actions IS NULL AND status <> 'error') AS breaches_missing,
  coalesce(sum(forbidden_tool_calls), 0) AS forbidden_tool_calls,
  count(*) FILTER (forbidden_tool_calls IS NULL AND status <> 'error') AS tool_calls_missing,
  coalesce(max(latency_us), 0) AS latency_us,
  count(*) FILTER (latency_us IS NULL AND status <> 'error') AS latency_missing,
  count(*) FILTER (scheduled_us IS NULL) AS due_missing,
  count(*) FILTER (attempts > 0) AS calling,
  coalesce(sum(attempts), 0) AS attempts,
  count(*) FILTER (uncounted) AS attempts_missing,
  coalesce(sum(nano_usd), 0) AS nano_usd,
  count(*) FILTER (unpriced) AS prices_missing,
  coalesce(sum(tokens), 0) AS tokens,
  count(*) FILTER (unmetered) AS tokens_missing
FROM requests LEFT JOIN spent USING (request_id) LEFT JOIN fate USING (request_id)
WHERE release IN ($candidate, $baseline)
GROUP BY ALL
"""  # noqa: S608 - constants only
SCORED: Final = f"""
CREATE TEMP TABLE IF NOT EXISTS scored AS
SELECT ({ARM} = 'candidate')::TINYINT AS side,
  coalesce(suite, '') AS suite, scorer,
  {SAMPLE} AS sample,
  count(*) FILTER (value < 1) AS wrong,
  count(*) FILTER (value IS NOT NULL) AS exposures,
  count(*) FILTER (error IS NOT NULL) AS unknown
FROM scores JOIN requests USING (request_id)
WHERE release IN ($candidate, $baseline)
GROUP BY ALL
"""  # noqa: S608 - constants only
_CONVERSATIONS: Final = """
SELECT suite, sum(conversations)::BIGINT FROM samples WHERE side = $side
GROUP BY suite ORDER BY suite
"""
_PRICED: Final = """
SELECT DISTINCT coalesce(price_book, '') FROM calls
WHERE kind = 'model' AND outcome = 'ok' AND nano_usd IS NOT NULL
ORDER BY ALL
"""
_FAILURES: Final = f"""
SELECT count(*), count(*) FILTER (status = 'error'),
  coalesce(mode(coalesce(reason, 'no reason')) FILTER (status = 'error'), '')
FROM requests WHERE {ARM} = 'candidate'
"""  # noqa: S608 - constants only
_CALLED: Final = f"""
SELECT count(*), count(*) FILTER (outcome = 'ok'),
  coalesce(mode(error) FILTER (outcome NOT IN ('ok', 'circuit_open')), '')
FROM calls JOIN requests USING (request_id)
WHERE {ARM} = 'candidate' AND kind = 'model' AND {OWN_CALL}
"""  # noqa: S608 - constants only
_CRASHES: Final = f"""
SELECT count(*), count(*) FILTER (error IS NOT NULL), coalesce(mode(error), '')
FROM scores JOIN requests USING (request_id)
WHERE {ARM} = 'candidate'
"""  # noqa: S608 - constants only
_ONE: Final = """
SELECT count(*) AS n, count(*) FILTER (y IS NULL OR d IS NULL) AS missing,
  sum(y) AS y, sum(d) AS d, sum(unknown) AS unknown
FROM metric WHERE side = 1
"""
_PAIRS: Final = """
CREATE OR REPLACE TEMP TABLE pairs AS
SELECT c.y AS c0, c.d AS c1, b.y AS b0, b.d AS b1, c.unknown AS cu, b.unknown AS bu,
  b.failed > 0 AS failed
FROM (FROM metric WHERE side = 1) c FULL JOIN (FROM metric WHERE side = 0) b USING (suite, sample)
"""
_SOUND: Final = """
SELECT count(*) AS n, count(*) FILTER (cu IS NULL) AS baseline_only,
  count(*) FILTER (bu IS NULL) AS candidate_only,
  count(*) FILTER (c0 IS NULL OR c1 IS NULL OR b0 IS NULL OR b1 IS NULL) AS missing,
  count(*) FILTER (failed) AS failed
FROM pairs
"""
_MEASURE: Final = "pairs WHERE NOT failed"
"""A failed request of the baseline is no measure of what a good one costs or takes."""
_SHARES: Final = """
WITH seen AS (
  SELECT c0 > 0 AS c, b0 > 0 AS b, c0 > 0 OR cu > 0 AS c_worst,
    b0 > 0 AND NOT failed AS b_least, b0 > 0 OR bu > 0 OR failed AS b_worst
  FROM pairs
)
SELECT count(*) FILTER (c), count(*) FILTER (b),
  count(*) FILTER (c_worst AND NOT b_least), count(*) FILTER (NOT c_worst AND b_least),
  count(*) FILTER (c AND NOT b_worst), count(*) FILTER (NOT c AND b_worst)
FROM seen
"""


class RunMeasurements:
    """One run's tables, measured on demand.

    Args:
        connection: The tables as `gatekeeper.adapters.tables.open_tables` gives them.
        candidate: Digest of the release under test.
        baseline: Digest of the release that it is compared with, if any.
    """

    def __init__(
        self, connection: DuckDBPyConnection, candidate: str, baseline: str | None
    ) -> None:
        self._connection = connection
        self._candidate = candidate
        self._sides = {"candidate": candidate, "baseline": baseline or candidate}
        connection.execute(SAMPLES, self._sides)

    def conversations(self, release: str) -> dict[str, int]:
        """First requests of `release` by suite."""
        side = {"side": int(release == self._candidate)}
        return dict(self._connection.execute(_CONVERSATIONS, side).fetchall())

    def price_books(self) -> tuple[str, ...]:
        """Digests of the price books that calls were priced with; "" for a call without one."""
        return tuple(row[0] for row in self._connection.execute(_PRICED).fetchall())

    def failures(self) -> Failures:
        """How much of the candidate's requests and scores are errors."""
        side = {"candidate": self._candidate}
        asked = self._connection.execute(_FAILURES, side).fetchone() or (0, 0, "")
        called = self._connection.execute(_CALLED, side).fetchone() or (0, 0, "")
        scored = self._connection.execute(_CRASHES, side).fetchone() or (0, 0, "")
        return Failures(*asked, *called, *scored)

    def observe(self, metric: Metric, *, paired: bool) -> Observation:
        """What a decision about the candidate needs, against the baseline where `paired`."""
        if "FROM scored" in metric.sql:
            self._connection.execute(SCORED, self._sides)
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW metric AS {metric.sql}")
        return self._pairs(metric) if paired else self._one(metric)

    def _row(self, sql: str) -> tuple[int, ...]:
        row = self._connection.execute(sql).fetchone() or ()
        return tuple(int(value or 0) for value in row)

    def _column(self, name: str, source: str) -> Any:
        import numpy as np

        found = self._connection.execute(f"SELECT {name} FROM {source}").fetchnumpy()  # noqa: S608
        return np.asarray(found[name])

    def _one(self, metric: Metric) -> Observation:
        n, missing, y, d, unknown = self._row(_ONE)
        if missing:
            return _incomplete(metric, missing, n)
        match metric.kind:
            case "proportion":
                return Proportion(n, y, unknown)
            case "census":
                return Census(d, y, unknown)
            case "quantile":
                return Times(self._column("y", "metric WHERE side = 1"))
            case _:
                return self._sums(n, ("y", "d"), "metric WHERE side = 1")

    def _pairs(self, metric: Metric) -> Observation:
        self._connection.execute(_PAIRS)
        n, baseline_only, candidate_only, missing, failed = self._row(_SOUND)
        if baseline_only or candidate_only:
            return _unpaired(baseline_only, candidate_only, n)
        if missing:
            return _incomplete(metric, missing, n)
        if failed and failed == n:
            return _no_measure(n)
        match metric.kind:
            case "ratio":
                return self._sums(n - failed, ("c0", "c1", "b0", "b1"), _MEASURE)
            case "quantile":
                return Times(self._column("c0", _MEASURE), self._column("b0", _MEASURE))
            case _:
                return self._shares(n)

    def _shares(self, n: int) -> PairedProportion:
        candidate, baseline, *rest = self._row(_SHARES)
        return PairedProportion(
            Proportion(n, candidate),
            Proportion(n, baseline),
            high=Pairs(n, rest[0], rest[1]),
            low=Pairs(n, rest[2], rest[3]),
        )

    def _sums(self, n: int, columns: tuple[str, ...], source: str) -> Sums:
        """Totals and products of `columns`, in 128 bits."""
        size = len(columns)
        pairs = [(i, j) for i in range(size) for j in range(i, size)]
        terms = [f"sum({column})" for column in columns]
        terms += [f"sum({columns[i]}::HUGEINT * {columns[j]})" for i, j in pairs]
        row = self._row(f"SELECT {', '.join(terms)} FROM {source}")  # noqa: S608
        products = dict(zip(pairs, row[size:], strict=True))
        table = tuple(
            tuple(products[min(i, j), max(i, j)] for j in range(size)) for i in range(size)
        )
        return Sums(n, row[:size], table)


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
