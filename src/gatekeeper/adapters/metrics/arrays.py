"""Expressions over the rows of a table, as arrays in the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics.places import Names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

LEAST: Final = -(2**63)
"""Stands for null among numbers."""
MOST: Final = 2**63 - 1
"""Stands for null among moments."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """Reads columns; tables are names of tables and views, or subqueries."""

    connection: DuckDBPyConnection

    def names(self, table: str, text: str, *others: str) -> Names:
        """Two hashes of a text, and of whatever else makes the name of a row."""
        first, second = (f"hash({', '.join((one, *others))})" for one in (text, f"reverse({text})"))
        found = self._fetch(f"SELECT {first} AS first, {second} AS second FROM {table}")  # noqa: S608
        return Names(found["first"], found["second"])

    def column(self, sql: str, table: str) -> NDArray[Any]:
        """What an expression gives."""
        found: NDArray[Any] = self._fetch(f"SELECT {sql} AS found FROM {table}")["found"]  # noqa: S608
        return found

    def numbers(self, sql: str, table: str, null: int) -> NDArray[Any]:
        """Whole numbers, with a number in the place of null."""
        return self.column(f"coalesce(({sql})::BIGINT, {null})", table)

    def bits(self, conditions: Mapping[str, str], table: str) -> NDArray[Any]:
        """One number a row, with a bit for each condition that holds."""
        terms = (
            f"CASE WHEN {sql} THEN {1 << bit} ELSE 0 END"
            for bit, sql in enumerate(conditions.values())
        )
        return self.column(f"({' | '.join(('0', *terms))})::BIGINT", table)

    def _fetch(self, sql: str) -> dict[str, Any]:
        return dict(self.connection.execute(sql).fetchnumpy())
