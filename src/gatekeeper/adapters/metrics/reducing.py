"""From one row a trial or a pair to sums, and to durations in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics import units
from gatekeeper.core.observation import Sums, Times

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy import int64
    from numpy.typing import NDArray

_DUE: Final = "due NULLS LAST, suite, sample, replicate"


def by_name(connection: DuckDBPyConnection, nameless: str, named: str, found: units.Layout) -> str:
    """Of two sources that differ in names alone, the one that tells units apart.

    Names are needed where units hold several trials, or are so few that each stands alone.
    """
    few = f"SELECT count(*) <= {units.MOST_GROUPS} FROM {nameless}"  # noqa: S608
    return named if found.grouped or units.row(connection, few)[0] else nameless


def in_order(connection: DuckDBPyConnection, nameless: str, named: str, found: units.Layout) -> str:
    """Of two sources that differ in names alone, the one that has an order.

    Names are needed where requests were due at one moment, or depend on each other.
    """
    tied = f"SELECT count(*) > count(DISTINCT due) FROM {nameless}"  # noqa: S608
    return named if found.grouped or units.row(connection, tied)[0] else nameless


def clusters(
    connection: DuckDBPyConnection, columns: str, source: str, found: units.Layout
) -> Sums | None:
    """Sums over clusters of two columns; None where trials stand alone."""
    if not found.grouped:
        return None
    counted = f"(SELECT {columns}, suite, sample, cluster FROM {source})"  # noqa: S608
    return units.sums(connection, ("e", "t"), units.by_unit(("e", "t"), counted, found))


def sums(
    connection: DuckDBPyConnection,
    columns: tuple[str, ...],
    source: str,
    found: units.Layout,
) -> Sums:
    """Sums over units of columns of `source`."""
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


def times(
    connection: DuckDBPyConnection, columns: tuple[str, ...], source: str, found: units.Layout
) -> Times:
    """Durations of one side or of both in the order in which the requests were due."""
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
