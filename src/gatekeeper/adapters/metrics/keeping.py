"""Arrays become the view `trials`, in as little memory as holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.metrics.arrays import MOST
from gatekeeper.adapters.metrics.slots import narrow
from gatekeeper.adapters.metrics.trials import DEPENDENCE
from gatekeeper.adapters.metrics.views import NAMELESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from gatekeeper.adapters.metrics.suites import Suites


def keep(
    connection: DuckDBPyConnection,
    table: dict[str, NDArray[Any]],
    first: NDArray[Any],
    columns: Mapping[str, str],
    suites: Suites,
) -> None:
    """Make `trials` of arrays, with the names that the first request of each trial has.

    The view reads the arrays where they are, beside the names: nothing is copied. A column that
    is the same everywhere is a word in the view.

    Args:
        connection: With the view `based` of the requests.
        table: Numbers by trial: its side, when it was due, and what is not zero everywhere.
        first: Whether a request is the first of a trial.
        columns: SQL of the columns by name, over those numbers.
        suites: Names of suites by their numbers.
    """
    run = connection.execute
    same = {name: int(column[0]) for name, column in table.items() if _constant(column)}
    arrays = {name: narrow(column) for name, column in table.items() if name not in same}
    # Where everything is the same, nothing else says how many rows there are.
    connection.register("numbers", arrays or {"row": table["side"]})
    named = _name(connection, first)
    called = (
        "sample",
        "replicate" if "replicate" in named else "0::INTEGER AS replicate",
        "cluster" if "cluster" in named else "NULL::VARCHAR AS cluster",
    )
    numbers = {"suite": suites.name(), "due": f"nullif(due::BIGINT, {MOST})", **columns}
    listed = [f"{sql} AS {name}" for name, sql in numbers.items()]
    words = ", ".join(("*", *(f"{value} AS {name}" for name, value in same.items())))
    for view, names, source in (
        ("trials", called, "names POSITIONAL JOIN numbers"),
        ("unnamed_trials", NAMELESS, "numbers"),
    ):
        run(
            f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {', '.join((*names, *listed))} "  # noqa: S608
            f"FROM (SELECT {words} FROM {source})"
        )
    run(DEPENDENCE)


def _name(connection: DuckDBPyConnection, first: NDArray[Any]) -> list[str]:
    """Make the table `names` of what trials are called; returns its columns."""
    clustered, repeated = connection.execute(
        "SELECT count(cluster) > 0, coalesce(max(replicate) > 0, false) FROM based"
    ).fetchall()[0]
    columns = ["sample", *["cluster"] * clustered, *["replicate"] * repeated]
    connection.register("firsts", {"first_of_trial": first})
    source = "based" if first.all() else "based POSITIONAL JOIN firsts WHERE first_of_trial"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE names AS SELECT {', '.join(columns)} FROM {source}"  # noqa: S608
    )
    connection.unregister("firsts")
    return columns


def _constant(column: NDArray[Any]) -> bool:
    return bool(len(column)) and bool((column == column[0]).all())
