"""Arrays become the table `trials`, in as little memory as holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.metrics.arrays import MOST
from gatekeeper.adapters.metrics.slots import narrow
from gatekeeper.adapters.metrics.trials import DEPENDENCE, TRIAL
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray


def keep(
    connection: DuckDBPyConnection,
    table: dict[str, NDArray[Any]],
    first: NDArray[Any],
    kinds: Mapping[str, str],
) -> None:
    """Make `trials` of arrays, with the names that the first request of each trial has.

    A column that is the same everywhere is no column of the table, but a word in its view.

    Args:
        connection: With the view `based` of the requests.
        table: Numbers by trial: its side, when it was due, and what is not zero everywhere.
        first: Whether a request is the first of a trial.
        kinds: Types of the columns by name.
    """
    run = connection.execute
    same = {name: int(column[0]) for name, column in table.items() if _constant(column)}
    clustered, repeated = run(
        "SELECT count(cluster) > 0, coalesce(max(replicate) > 0, false) FROM based"
    ).fetchall()[0]
    names = [f"{TRIAL} AS trial", f"suite::{_suites(connection)} AS suite", "sample"]
    names += ["cluster"] * clustered + ["replicate"] * repeated
    arrays = {name: narrow(column) for name, column in table.items() if name not in same}
    connection.register("by_trial", arrays)
    connection.register("firsts", {"first_of_trial": first})
    run(
        f"CREATE OR REPLACE TEMP TABLE kept AS SELECT * FROM (SELECT {', '.join(names)} "  # noqa: S608
        "FROM based POSITIONAL JOIN firsts WHERE first_of_trial) POSITIONAL JOIN by_trial"
    )
    for name in ("by_trial", "firsts"):
        connection.unregister(name)
    columns = [
        "trial, suite::VARCHAR AS suite, sample",
        "replicate" if repeated else "0::INTEGER AS replicate",
        "cluster" if clustered else "NULL::VARCHAR AS cluster",
        f"nullif({same.get('due', 'due')}::BIGINT, {MOST}) AS due",
        *(
            f"{name if name in arrays else same.get(name, 0)}::{kind} AS {name}"
            for name, kind in kinds.items()
        ),
    ]
    run(f"CREATE OR REPLACE TEMP VIEW trials AS SELECT {', '.join(columns)} FROM kept")  # noqa: S608
    run(DEPENDENCE)


def _suites(connection: DuckDBPyConnection) -> str:
    """The type that holds names of suites."""
    rows = connection.execute("SELECT DISTINCT suite FROM based ORDER BY 1").fetchall()
    return f"ENUM({', '.join(literal(name) for (name,) in rows)})" if rows else "VARCHAR"


def _constant(column: NDArray[Any]) -> bool:
    return bool(len(column)) and bool((column == column[0]).all())
