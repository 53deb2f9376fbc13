"""Putting the sealed parts of a run together: their tables, one after the other, as one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.runs import RUN_FILE, read_run, write_run
from gatekeeper.adapters.tables import database, digests, literal, view_tables
from gatekeeper.core.mergeable import Part, in_order
from gatekeeper.core.merging import merged
from gatekeeper.errors import IntegrityError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.columns import Table
    from gatekeeper.model.run import Run

_TWICE: Final = """
SELECT suite, sample_id FROM ({requests}) WHERE turn = 0
GROUP BY release, arm, set_digest, suite, sample_id, replicate HAVING count(*) > 1
ORDER BY ALL LIMIT 1
"""


def merge(runs: Path, directories: Sequence[Path]) -> Run:
    """Merge the parts in `directories` into a new sealed run below `runs`.

    The rows stay on disk. Merging the same parts again gives the same bytes.

    Raises:
        InputError: Every reason why these are not the parts of one run.
        IntegrityError: A table was altered, or two parts answered the same sample.
    """
    parts = [Part(str(directory), read_run(directory)) for directory in directories]
    run = merged(parts)
    target = runs / run.id
    if (target / RUN_FILE).exists():
        return read_run(target)
    target.mkdir(parents=True, exist_ok=True)
    try:
        files = _written(target, in_order(parts), dict(zip(map(str, directories), directories)))  # noqa: B905
        whole = run.model_copy(update={"files": files})
        write_run(target, whole)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return whole


def _written(target: Path, parts: Sequence[Part], at: dict[str, Path]) -> dict[str, str]:
    """Write the tables of the whole; returns their digests."""
    with database(threads=1) as connection:
        for number, part in enumerate(parts):
            connection.execute(f"CREATE SCHEMA part{number}; SET schema = 'part{number}'")
            view_tables(connection, at[part.where], part.run)
        _refuse_repeated(connection, len(parts), target)
        for table in TABLES:
            _copy(connection, table, len(parts), target / table.sealed)
    return digests(target)


def _together(table: Table, parts: int) -> str:
    """SQL of the rows of all parts, in the order of the parts."""
    columns = ", ".join(table.columns)
    return " UNION ALL ".join(
        f"SELECT {columns} FROM part{number}.{table.name}"  # noqa: S608
        for number in range(parts)
    )


def _refuse_repeated(connection: DuckDBPyConnection, parts: int, target: Path) -> None:
    found = connection.execute(_TWICE.format(requests=_together(TABLES[0], parts))).fetchone()
    if found:
        raise IntegrityError(
            f"sample {found[1]!r} of suite {found[0]} was answered in two of the parts",
            where=target.name,
            fix="merge shards of one division of the eval sets",
        )


def _copy(connection: DuckDBPyConnection, table: Table, parts: int, target: Path) -> None:
    import duckdb

    try:
        connection.execute(
            f"COPY ({_together(table, parts)}) TO {literal(target)} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    except duckdb.IOException as error:
        raise UnavailableError(
            f"the merged run cannot be written: {str(error).splitlines()[0]}",
            where=str(target),
            fix="free space, or allow it",
        ) from None
    with target.open("rb+") as file:
        os.fsync(file.fileno())
