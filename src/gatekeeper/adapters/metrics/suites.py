"""Suites by numbers, which take a byte where names take many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from gatekeeper.adapters.metrics.arrays import Arrays


@dataclass(frozen=True, slots=True)
class Suites:
    """The suites of a run, numbered from 1 on in the order of their names.

    Attributes:
        names: SQL of the list of their names.
    """

    names: str

    @classmethod
    def of(cls, connection: DuckDBPyConnection) -> Suites:
        """Those that the view `based` names."""
        rows = connection.execute("SELECT DISTINCT suite FROM based ORDER BY 1").fetchall()
        return cls(f"[{', '.join(literal(name) for (name,) in rows)}]::VARCHAR[]")

    def name(self, number: object = "suite") -> str:
        """SQL of the name of the suite with a number."""
        return f"({self.names})[{number}]"

    def numbers(self, arrays: Arrays) -> NDArray[Any]:
        """The number of the suite of each request."""
        return arrays.column(f"list_position({self.names}, suite)::USMALLINT", "based")
