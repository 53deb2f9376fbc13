"""Parquet through DuckDB: in order, a few hundred rows at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.evalsets.table import Row, Table
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.evalsets.source import Part

BATCH: Final = 256
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": "1",
    "memory_limit": "512MB",
    "temp_directory": "",
}


def read(part: Part) -> Table:
    """The rows of a Parquet file; raises `InputError` when it is none, or was cut off."""
    import duckdb

    connection = duckdb.connect(config=_SETTINGS)
    try:
        result = connection.execute("SELECT * FROM read_parquet(?)", [_literally(str(part.path))])
        names = {str(column[0]): str(column[1]) for column in result.description or ()}
    except duckdb.Error as error:
        connection.close()
        raise InputError([_damaged(part, error)]) from None
    return Table(_rows(connection, list(names), part), names, unit="row")


def _rows(connection: Any, names: list[str], part: Part) -> Iterator[Row | Problem]:
    import duckdb

    number = 0
    with connection:
        try:
            while batch := connection.fetchmany(BATCH):
                for values in batch:
                    number += 1
                    yield Row(number, dict(zip(names, values, strict=True)))
        except duckdb.Error as error:
            yield _damaged(part, error)


def _damaged(part: Part, error: Exception) -> Problem:
    first = str(error).splitlines()[0].replace(str(part.path), part.name)
    reason = first.partition(" Error: ")[2] or first
    accepted = "a Parquet file that its writer finished"
    return Problem(f"cannot be read as Parquet: {reason}", part.name, accepted=accepted)


def _literally(path: str) -> str:
    """A path in which DuckDB sees no wildcard."""
    return re.sub(r"([*?\[])", r"[\1]", path)
