"""What scorers said, by the trials that their scores belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.metrics.trials import SCORED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from gatekeeper.adapters.metrics.suites import Suites


def score(
    connection: DuckDBPyConnection,
    at: NDArray[Any],
    table: Mapping[str, NDArray[Any]],
    suites: Suites,
) -> None:
    """Make the table `scored`.

    Args:
        connection: With the table `scores`.
        at: By score, the row of its trial; the one after the last where it belongs to none.
        table: Numbers by trial: its side, its trial and its suite.
        suites: Names of suites by their numbers.
    """
    import numpy as np

    known = at < len(table["side"])
    placed = {name: np.zeros(len(at), table[name].dtype) for name in ("side", "trial", "suite")}
    for name, numbers in placed.items():
        numbers[known] = table[name][at[known]]
    connection.register("placed", {**placed, "known": known})
    source = (
        f"SELECT side, trial, {suites.name()} AS suite, scorer, value, error "  # noqa: S608 - of ours
        "FROM scores POSITIONAL JOIN placed WHERE known"
    )
    connection.execute(SCORED.format(source))
    connection.unregister("placed")
