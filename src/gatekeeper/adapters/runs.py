"""Runs on disk: `run.json` and the records, as lines while they are written, sealed as Parquet."""

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
from gatekeeper.adapters.files import read_regular
from gatekeeper.adapters.records import LINES, whole_lines
from gatekeeper.core.canonical import canonical_model
from gatekeeper.errors import IntegrityError, UndecidedError, UsageError
from gatekeeper.model.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.columns import Table
    from gatekeeper.adapters.project import Project

RUN_FILE: Final = "run.json"
_LIMIT: Final = 16 << 20


def write_run(directory: Path, run: Run) -> None:
    """Put `run.json` in place, whole."""
    atomic.replace(directory / RUN_FILE, canonical_model(run))


def read_run(directory: Path) -> Run:
    """The run in a directory; raises `IntegrityError` when `run.json` is not one."""
    from pydantic import ValidationError

    path = directory / RUN_FILE
    data = read_regular(path.resolve(), str(path), _LIMIT)
    try:
        return Run.model_validate_json(data)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, detail["loc"]))
        raise IntegrityError(
            f"does not describe a run: {where + ': ' if where else ''}{detail['msg']}",
            where=str(path),
            fix="restore the file, or evaluate again",
        ) from None


def find_run(project: Project, reference: str) -> Path:
    """The directory of a run: its id, an unambiguous beginning of it, or a path."""
    if "/" in reference or reference in {".", ".."}:
        found = [Path(reference)] if (Path(reference) / RUN_FILE).exists() else []
    else:
        names = sorted(path.parent.name for path in project.runs.glob(f"*/{RUN_FILE}"))
        exact = [name for name in names if name == reference]
        begins = [name for name in names if reference and name.startswith(reference)]
        found = [project.runs / name for name in exact or begins]
    if len(found) != 1:
        what = "no such run" if not found else f"{len(found)} runs begin so"
        fix = "name one of " + ", ".join(path.name for path in found) if found else ""
        raise UsageError(what, where=reference, fix=fix or "`gatekeeper evaluate` makes runs")
    return found[0]


def seal(directory: Path, run: Run) -> Run:
    """Compact the records of a finished run into Parquet and put their digests into `run.json`.

    The lines are removed once `run.json` names what replaces them. Sealing again changes nothing.

    Raises:
        IntegrityError: A line holds something other than rows.
    """
    if run.files:
        return run
    with _connection() as connection, _lines(directory) as (lines, notes):
        for table in TABLES:
            _copy(connection, table, lines, directory)
    files = {table.sealed: file_digest(directory / table.sealed) for table in TABLES}
    atomic.sync_directory(directory)
    sealed = run.model_copy(update={"files": files, "notes": run.notes + notes})
    write_run(directory, sealed)
    (directory / LINES).unlink(missing_ok=True)
    return sealed


def open_lines(directory: Path) -> tuple[DuckDBPyConnection, tuple[str, ...]]:
    """A database in memory with the tables of a directory that is still being written.

    A kill can leave part of a last line behind: it is left out, and a note says so.

    Raises:
        IntegrityError: A line holds something other than rows.
    """
    connection = _connection()
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
    connection = _connection()
    view_tables(connection, directory, run)
    return connection


def view_tables(connection: DuckDBPyConnection, directory: Path, run: Run) -> None:
    """The four tables of a sealed run as views in the current schema; raises `IntegrityError`."""
    for table in TABLES:
        path = directory / table.sealed
        if not path.is_file():
            raise _altered(path, "is absent")
        if file_digest(path) != run.files.get(table.sealed):
            raise _altered(path, "is not the file that the run was sealed with")
        _view(connection, table, path)


def file_digest(path: Path) -> str:
    """``sha256:…`` of a file."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _connection() -> DuckDBPyConnection:
    import duckdb

    # Only what is built in: a gate that could fetch code would not be one.
    return duckdb.connect(config={"autoinstall_known_extensions": False})


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
        f"'{_quoted(lines)}', columns={{{table.name}: '{table.struct}'}}, "
        "format='newline_delimited'))"
    )


@contextmanager
def _rows_or_refused(table: Table, lines: Path, path: Path) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(lines), LINES)
        raise _altered(path, f"holds something other than {table.name}: {reason}") from None


def _copy(connection: DuckDBPyConnection, table: Table, lines: Path, directory: Path) -> None:
    target = directory / table.sealed
    temporary = target.with_name(f".{target.name}")
    with _rows_or_refused(table, lines, directory / LINES):
        connection.execute(
            f"COPY ({select_rows(table, lines)}) TO '{_quoted(temporary)}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    _complete(connection, table, f"read_parquet('{_quoted(temporary)}')", directory / LINES)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)


def _view(connection: DuckDBPyConnection, table: Table, path: Path) -> None:
    import duckdb

    source = f"read_parquet('{_quoted(path)}')"
    try:
        described = connection.execute(f"DESCRIBE FROM {source}").fetchall()
        found = {str(name): str(kind) for name, kind, *_ in described}
        # An earlier version did not write what was added since.
        absent = {name for name in table.columns if name not in found} - set(table.required)
        if found != {name: kind for name, kind in table.columns.items() if name not in absent}:
            raise _altered(path, "has other columns than this version writes")
        columns = (
            f"NULL::{kind} AS {name}" if name in absent else name
            for name, kind in table.columns.items()
        )
        connection.execute(f"CREATE VIEW {table.name} AS SELECT {', '.join(columns)} FROM {source}")  # noqa: S608
    except duckdb.Error as error:
        raise _altered(path, f"is not sound Parquet: {str(error).splitlines()[0]}") from None


def _complete(connection: DuckDBPyConnection, table: Table, source: str, path: Path) -> None:
    empty = " OR ".join(f"{name} IS NULL" for name in table.required)
    found = connection.execute(f"SELECT count(*) FROM {source} WHERE {empty}").fetchone()  # noqa: S608
    if found and found[0]:
        raise _altered(path, f"has {found[0]} {table.name} that lack a value which every row has")


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _altered(path: Path, what: str) -> IntegrityError:
    return IntegrityError(what, where=str(path), fix="restore the file, or evaluate again")
