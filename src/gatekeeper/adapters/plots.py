"""Distributions of a run's samples, reduced in SQL to counts that a picture can be drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.core.plots import BINS, Distribution, Sketch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.run import Run

_DRAWN: Final = f"""
CREATE OR REPLACE TEMP TABLE drawn AS
WITH spent AS (
  SELECT request_id,
    sum(input_tokens + cached_input_tokens + output_tokens) AS tokens,
    sum(nano_usd) AS nano_usd,
    bool_or(input_tokens + cached_input_tokens + output_tokens IS NULL) AS unmetered,
    bool_or(nano_usd IS NULL) AS unpriced
  FROM calls WHERE {OWN_CALL} GROUP BY request_id
)
SELECT ({ARM} = 'candidate')::TINYINT AS side, coalesce(suite, '') AS suite, {SAMPLE} AS sample,
  max(latency_us) AS latency_us, count(*) FILTER (latency_us IS NULL) AS latency_missing,
  coalesce(sum(tokens), 0) AS tokens, count(*) FILTER (unmetered) AS tokens_missing,
  coalesce(sum(nano_usd), 0) AS nano_usd, count(*) FILTER (unpriced) AS prices_missing
FROM requests LEFT JOIN spent USING (request_id)
GROUP BY ALL
"""  # noqa: S608 - constants only
_COSTLY: Final = ("quality", "agent", "load")
_QUANTITIES: Final = (
    ("latency of a sample", "ms", "latency_us / 1e3", "latency_missing = 0", ("load", "quality")),
    ("tokens of a sample", "tokens", "tokens", "tokens_missing = 0", _COSTLY),
    (
        "cost of 1,000 samples",
        "usd",
        "nano_usd / 1e6",
        "prices_missing = 0",
        ("quality", "agent", "load"),
    ),
)
"""Name, unit, what it is of a sample, when that is known, and suites, the fittest first."""
_SUITES: Final = "SELECT suite, count(DISTINCT side) FROM drawn GROUP BY suite ORDER BY suite"
_RANGE: Final = """
SELECT min({value}), quantile_disc({value}, 0.995), max({value}) FROM drawn
WHERE suite = $suite AND {known}
"""
_SKETCH: Final = """
SELECT greatest(0, least($bins - 1, floor(($bins * ({value} - $low)) / $width)))::INTEGER AS bin,
  count(*)
FROM drawn WHERE suite = $suite AND side = $side AND {known} GROUP BY bin
"""
_QUANTILES: Final = """
SELECT count(*), quantile_disc({value}, 0.5), quantile_disc({value}, 0.95) FROM drawn
WHERE suite = $suite AND side = $side AND {known}
"""


def distributions(connection: DuckDBPyConnection, run: Run) -> tuple[Distribution, ...]:
    """What a sample takes, uses and costs, for both sides of a run; what is unknown is left out.

    Args:
        connection: The tables as `gatekeeper.adapters.tables.open_tables` gives them.
        run: What was run.
    """
    cursor = connection.cursor()
    cursor.execute(_DRAWN, {"candidate": run.candidate.digest})
    sides = dict(cursor.execute(_SUITES).fetchall())
    found = []
    for what, unit, value, known, suites in _QUANTITIES:
        suite = _suite(sides, suites)
        one = _distribution(cursor, what, unit, value, known, suite) if suite else None
        if one is not None:
            found.append(one)
    return tuple(found)


def _suite(sides: dict[str, int], suites: Sequence[str]) -> str:
    """The suite to measure on: one that both sides answered, if there is any."""
    order = [*(name for name in suites if name in sides), *sides]
    return next((name for name in order if sides[name] > 1), next(iter(order), ""))


def _distribution(  # noqa: PLR0913, PLR0917 - one line of the table above
    cursor: DuckDBPyConnection, what: str, unit: str, value: str, known: str, suite: str
) -> Distribution | None:
    row = cursor.execute(_RANGE.format(value=value, known=known), {"suite": suite}).fetchone()
    if row is None or row[0] is None:
        return None
    low, high = float(row[0]), float(row[1] if row[1] > row[0] else row[2])
    if high <= low:
        low, high = low - 0.5, low + 0.5
    candidate, baseline = (
        _sketch(cursor, value, known, {"suite": suite, "side": side}, (low, high))
        for side in (1, 0)
    )
    if candidate is None:
        return None
    return Distribution(what, unit, suite, low, high, candidate, baseline)


def _sketch(
    cursor: DuckDBPyConnection,
    value: str,
    known: str,
    chosen: dict[str, str | int],
    ends: tuple[float, float],
) -> Sketch | None:
    row = cursor.execute(_QUANTILES.format(value=value, known=known), chosen).fetchone()
    if row is None or not row[0]:
        return None
    low, high = ends
    values = {**chosen, "bins": BINS, "low": low, "width": high - low}
    bins = dict(cursor.execute(_SKETCH.format(value=value, known=known), values).fetchall())
    counts = tuple(bins.get(place, 0) for place in range(BINS))
    return Sketch(row[0], counts, float(row[1]), float(row[2]))
