"""The four tables of a run in a database: lines while they are written, Parquet once sealed."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters import atomic
from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.records import LINES, whole_lines
from gatekeeper.errors import IntegrityError, UnavailableError, UndecidedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.columns import Table
    from gatekeeper.model.run import Run


SEAL_MEMORY: Final = "256MB"
"""What sealing may use, however long a run was: it streams."""
READ_MEMORY: Final = "1400MB"
"""What reading a run may use before it writes to a temporary directory."""


def database(path: str = ":memory:", **settings: str | int | bool) -> DuckDBPyConnection:
    """An empty database, in memory unless a path says where, for one process."""
    import duckdb

    # Only what is built in: a gate that could fetch code would not be one.
    return duckdb.connect(path, config={"autoinstall_known_extensions": False, **settings})


def literal(text: object) -> str:
    """A text or a path as SQL has it, in quotes: COPY and views take no parameters."""
    return "'" + str(text).replace("'", "''") + "'"


def open_lines(directory: Path) -> tuple[DuckDBPyConnection, tuple[str, ...]]:
    """A database in memory with the tables of a directory that is still being written.

    A kill can leave part of a last line behind: it is left out, and a note says so.

    Raises:
        IntegrityError: A line holds something other than rows.
    """
    connection = database()
    with _lines(directory) as (lines, notes):
        for table in TABLES:
            with _rows_or_refused(table, lines, directory / LINES):
                connection.execute(f"CREATE TABLE {table.name} AS {select_rows(table, lines)}")
            _complete(connection, table, table.name, directory / LINES)
    return connection, notes


def open_tables(directory: Path, run: Run) -> DuckDBPyConnection:
    """A database in memory with the four tables of a sealed run as views, their digests verified.

    Raises:
        UndecidedError: The run was not sealed.
        IntegrityError: A table is absent, altered, truncated, or not what it should be.
    """
    if not run.files:
        raise UndecidedError(
            f"the run was never finished: it is {run.status} and its tables are not sealed",
            where=str(directory),
            fix=f"part of a run decides nothing: `gatekeeper evaluate --resume {run.id}` goes on",
        )
    spill = Path(tempfile.gettempdir()) / f"gatekeeper-{os.getpid()}"
    connection = database(memory_limit=READ_MEMORY, temp_directory=str(spill))
    view_tables(connection, directory, run)
    return connection


@contextmanager
def refusing_overflow(directory: Path) -> Iterator[None]:
    """Raise `IntegrityError` where numbers in the tables of a run cannot be added up."""
    import duckdb

    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise IntegrityError(
            f"holds a number that cannot be added up: {str(error).splitlines()[0]}",
            where=str(directory),
            fix="restore the records, or evaluate again",
        ) from None


def view_tables(connection: DuckDBPyConnection, directory: Path, run: Run) -> None:
    """The four tables of a sealed run as views in the current schema; raises `IntegrityError`."""
    for table in TABLES:
        path = directory / table.sealed
        if not path.is_file():
            raise _altered(path, "is absent")
        if file_digest(path) != run.files.get(table.sealed):
            raise _altered(path, "is not the file that the run was sealed with")
        _view(connection, table, path)


def write_tables(directory: Path) -> tuple[str, ...]:
    """Compact the lines of a directory into Parquet; returns notes on what was left out.

    Raises:
        IntegrityError: A line holds something other than rows.
    """
    spill = directory / ".spill"
    limits = {"memory_limit": SEAL_MEMORY, "temp_directory": str(spill)}
    try:
        with database(**limits) as connection, _lines(directory) as (lines, notes):
            for table in TABLES:
                _copy(connection, table, lines, directory)
    finally:
        shutil.rmtree(spill, ignore_errors=True)
    return notes


def digests(directory: Path) -> dict[str, str]:
    """sha256 of each table that a directory now has for good."""
    atomic.sync_directory(directory)
    return {table.sealed: file_digest(directory / table.sealed) for table in TABLES}


def file_digest(path: Path) -> str:
    """``sha256:…`` of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextmanager
def _lines(directory: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The whole lines of a directory, and a note where part of one was left out."""
    path = directory / LINES
    path.touch()
    if (whole := whole_lines(path)) == path.stat().st_size:
        yield path, ()
        return
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        head = Path(scratch) / LINES
        with path.open("rb") as source, head.open("wb") as file:
            shutil.copyfileobj(source, file)
            file.truncate(whole)
        yield head, (f"{LINES}: its last line was cut short and left out",)


def select_rows(table: Table, lines: Path) -> str:
    """SQL of the rows of a table in a file of lines."""
    return (
        f"SELECT unnest(found) FROM (SELECT unnest({table.name}) AS found FROM read_json("  # noqa: S608
        f"{literal(lines)}, columns={{{table.name}: '{table.struct}'}}, "
        "format='newline_delimited'))"
    )


@contextmanager
def _rows_or_refused(table: Table, lines: Path, path: Path) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.IOException as error:
        raise UnavailableError(
            f"records cannot be read or sealed: {str(error).splitlines()[0]}",
            where=str(path.parent),
            fix="free space, or allow it, and try again",
        ) from None
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(lines), LINES)
        raise _altered(path, f"holds something other than {table.name}: {reason}") from None


def _copy(connection: DuckDBPyConnection, table: Table, lines: Path, directory: Path) -> None:
    target = directory / table.sealed
    temporary = target.with_name(f".{target.name}")
    try:
        with _rows_or_refused(table, lines, directory / LINES):
            connection.execute(
                f"COPY ({select_rows(table, lines)}) TO {literal(temporary)} "
                "(FORMAT parquet, COMPRESSION zstd)"
            )
        _complete(connection, table, f"read_parquet({literal(temporary)})", directory / LINES)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _view(connection: DuckDBPyConnection, table: Table, path: Path) -> None:
    connection.execute(f"CREATE VIEW {table.name} AS {sealed_rows(connection, table, path)}")


def sealed_rows(connection: DuckDBPyConnection, table: Table, path: Path) -> str:
    """SQL of the rows of a table in its sealed file; raises `IntegrityError`."""
    import duckdb

    source = f"read_parquet({literal(path)})"
    try:
        described = connection.execute(f"DESCRIBE FROM {source}").fetchall()
    except duckdb.Error as error:
        raise _altered(path, f"is not sound Parquet: {str(error).splitlines()[0]}") from None
    found = {str(name): str(kind) for name, kind, *_ in described}
    # An earlier version did not write what was added since.
    absent = {name for name in table.columns if name not in found} - set(table.required)
    if found != {name: kind for name, kind in table.columns.items() if name not in absent}:
        raise _altered(path, "has other columns than this version writes")
    columns = (
        f"NULL::{kind} AS {name}" if name in absent else name
        for name, kind in table.columns.items()
    )
    return f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608


def _complete(connection: DuckDBPyConnection, table: Table, source: str, path: Path) -> None:
    empty = " OR ".join(f"{name} IS NULL" for name in table.required)
    found = connection.execute(f"SELECT count(*) FROM {source} WHERE {empty}").fetchone()  # noqa: S608
    if found and found[0]:
        raise _altered(path, f"has {found[0]} {table.name} that lack a value which every row has")


def _altered(path: Path, what: str) -> IntegrityError:
    return IntegrityError(what, where=str(path), fix="restore the file, or evaluate again")
