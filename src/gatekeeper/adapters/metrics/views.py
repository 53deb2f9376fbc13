"""The views that show the trials of one metric: with their names, and without.

Most of what is asked of a metric needs no names, and reading those of millions of trials takes
longer than adding up their numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NAMELESS: Final = ("'' AS sample", "0 AS replicate", "NULL::VARCHAR AS cluster")
"""What stands for the names of trials where they are not read."""


def define(connection: DuckDBPyConnection, sql: str) -> None:
    """Make the views `metric` and `unnamed`, which has no names, of SQL over the table `trials`."""
    _view(connection, "metric", sql)
    _view(connection, "unnamed", f"WITH trials AS (FROM unnamed_trials) {sql}")


def show(connection: DuckDBPyConnection, sql: str) -> None:
    """Make both views of SQL that gives the trials of a metric, with their names."""
    _view(connection, "metric", sql)
    _view(connection, "unnamed", "FROM metric")


def _view(connection: DuckDBPyConnection, name: str, sql: str) -> None:
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")
