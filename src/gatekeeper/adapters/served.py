"""Records of a service as the tables of a run: what production says, metric by metric."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.records import LINES, whole_lines
from gatekeeper.adapters.tables import database, literal, select_rows
from gatekeeper.errors import IntegrityError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection


def segments(pattern: str) -> tuple[Path, ...]:
    """The files of records that a pattern names, or that are in directories it names.

    Raises:
        UsageError: It names none.
    """
    import glob

    found = glob.glob(pattern, recursive=True)  # noqa: PTH207 - a pattern may be absolute
    named = [Path(name) for name in sorted(found)]
    files = [
        file for one in named for file in (sorted(one.rglob(LINES)) if one.is_dir() else [one])
    ]
    if not files:
        raise UsageError(
            "no records are there", where=pattern, fix="name what `gatekeeper serve` has written"
        )
    return tuple(dict.fromkeys(files))


@contextmanager
def served_tables(files: Sequence[Path], suite: str) -> Iterator[DuckDBPyConnection]:
    """A database in memory with the four tables of some files of records.

    Args:
        files: Each as a service writes it; part of a last line is left out.
        suite: What requests count as that belong to none: online, every request is of each.

    Raises:
        IntegrityError: A line holds something other than rows.
    """
    import duckdb

    with tempfile.TemporaryDirectory() as scratch, database() as connection:
        whole = [_whole(file, Path(scratch) / f"{n}.jsonl") for n, file in enumerate(files)]
        for table in TABLES:
            rows = " UNION ALL ".join(f"({select_rows(table, file)})" for file in whole)
            named = f"* REPLACE (coalesce(suite, {literal(suite)}) AS suite)"
            columns = named if table.name == "requests" else "*"
            try:
                connection.execute(
                    f"CREATE TABLE {table.name} AS SELECT {columns} FROM ({rows})"  # noqa: S608
                )
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                raise IntegrityError(
                    f"hold something other than {table.name}: {reason}",
                    where=", ".join(map(str, files[:3])),
                ) from None
        yield connection


def _whole(file: Path, copy: Path) -> Path:
    """The file, or a copy without the part of a line that is being written."""
    if (size := whole_lines(file)) == file.stat().st_size:
        return file
    with file.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target)
        target.truncate(size)
    return copy
