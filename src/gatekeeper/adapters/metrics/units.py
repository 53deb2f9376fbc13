"""Sums over units that are independent of each other, exact integers made in SQL.

A unit is a trial where samples neither have replicates nor belong to clusters; else it is the
cluster of the samples, or the sample where it has none. A cluster is known by its name alone, in
whichever suite: a document that two suites ask about fails in both. Where two names are the same by
chance, one larger unit is as valid as two; two where there is but one are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.observation import Sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection
    from numpy import int64
    from numpy.typing import NDArray

MOST_GROUPS: Final = 4096
_SUITE: Final = "CASE WHEN cluster IS NULL THEN suite ELSE '' END"
UNIT: Final = f"cluster IS NULL, {_SUITE}, coalesce(cluster, sample)"
"""What the rows of one unit have in common."""
_NAME: Final = f"(cluster IS NULL)::VARCHAR || '/' || {_SUITE} || '/' || coalesce(cluster, sample)"
_LAYOUT: Final = """
SELECT coalesce(bool_or(cluster IS NOT NULL), false), coalesce(bool_or(replicate > 0), false)
FROM {source}
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """How trials depend on each other.

    Attributes:
        clustered: Samples belong to clusters.
        repeated: Samples have replicates.
    """

    clustered: bool
    repeated: bool

    @property
    def grouped(self) -> bool:
        """Whether a unit holds several trials."""
        return self.clustered or self.repeated


def layout(connection: DuckDBPyConnection, source: str) -> Layout:
    """How the trials of `source`, which has the columns of `KEYS`, depend on each other."""
    if not any(connection.execute("FROM dependence").fetchall()[0]):
        return Layout(clustered=False, repeated=False)
    found = connection.execute(_LAYOUT.format(source=source)).fetchone() or (False, False)
    return Layout(*found)


def samples(connection: DuckDBPyConnection, source: str, found: Layout) -> int:
    """Distinct samples of `source`; 0 where every trial is one."""
    if not found.repeated:
        return 0
    return row(connection, f"SELECT count(DISTINCT (suite, sample)) FROM {source}")[0]  # noqa: S608


def by_unit(columns: Sequence[str], source: str, found: Layout) -> str:
    """SQL of one row a unit: sums of `columns`, named as in `source`."""
    if not found.grouped:
        return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in columns)
    return f"SELECT {sums} FROM {source} GROUP BY {UNIT}"  # noqa: S608


def sums(connection: DuckDBPyConnection, columns: Sequence[str], source: str) -> Sums:
    """Totals and products of `columns` over the rows of `source`, in 128 bits."""
    size = len(columns)
    pairs = [(i, j) for i in range(size) for j in range(i, size)]
    terms = ["count(*)", *(f"sum({column})" for column in columns)]
    terms += [f"sum({columns[i]}::HUGEINT * {columns[j]})" for i, j in pairs]
    n, *rest = row(connection, f"SELECT {', '.join(terms)} FROM ({source})")  # noqa: S608
    products = dict(zip(pairs, rest[size:], strict=True))
    table = tuple(tuple(products[min(i, j), max(i, j)] for j in range(size)) for i in range(size))
    return Sums(n, tuple(rest[:size]), table)


def groups(
    connection: DuckDBPyConnection, columns: Sequence[str], source: str, found: Layout
) -> NDArray[int64]:
    """Totals of `columns` over at most 4,096 groups of units, shape (groups, columns).

    Units stand alone, by name, where they are that few. Else 12 bits of the MD5 of a name say which
    group a unit is in: of the unit's, or of the trial's where that is the unit.
    """
    import numpy as np

    totals = ", ".join(f"sum({name})::BIGINT AS {name}" for name in columns)
    each = f"SELECT 1 FROM {source}"  # noqa: S608
    each += f" GROUP BY {UNIT}" if found.grouped else ""
    size = row(connection, f"SELECT count(*) FROM ({each} LIMIT {MOST_GROUPS + 1})")[0]  # noqa: S608
    if size <= MOST_GROUPS:
        key = _NAME if found.grouped else f"{_NAME} || '/' || replicate"
    else:
        key = f"left(md5({_NAME}), 3)" if found.grouped else f"trial & {MOST_GROUPS - 1}"
    table = connection.execute(
        f"SELECT {totals} FROM {source} GROUP BY {key} ORDER BY {key}"  # noqa: S608
    ).fetchnumpy()
    return np.stack([np.asarray(table[name], dtype=np.int64) for name in columns], axis=1)


def row(connection: DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """The one row of a query as integers; null is 0."""
    found = connection.execute(sql).fetchone() or ()
    return tuple(int(value or 0) for value in found)
