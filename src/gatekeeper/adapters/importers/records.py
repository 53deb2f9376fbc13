"""gatekeeper's own schema: one flat object a request, JSON Lines or Parquet.

Everything is checked before anything is written, and DuckDB moves the rows: a million of them
need no more memory than a thousand.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters import yaml
from gatekeeper.adapters.importers.files import head, lines
from gatekeeper.adapters.importers.flat_record import COLUMNS, FlatRecord
from gatekeeper.adapters.shapes import nearest
from gatekeeper.adapters.tables import literal
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

MAX_PROBLEMS: Final = 100
PARQUET: Final = b"PAR1"
_FITS: Final = {
    "VARCHAR": ("VARCHAR",),
    "BIGINT": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
    "BOOLEAN": ("BOOLEAN",),
    "DOUBLE": ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "DECIMAL"),
    "VARCHAR[]": ("VARCHAR[]",),
    "MAP(VARCHAR, DOUBLE)": ("MAP(VARCHAR, ", "STRUCT("),
    "MAP(VARCHAR, VARCHAR)": ("MAP(VARCHAR, VARCHAR)", "STRUCT("),
}
ROW_GROUP: Final = 10_240
"""Rows that are held before they are written: the answers of a million do not fit."""
_CHUNK: Final = 1000


def open_flat(connection: DuckDBPyConnection, path: Path, view: str, scratch: Path) -> None:
    """Make `view` of a file: typed columns of `COLUMNS`, every value checked.

    Lines of JSON are put into columns once, in `scratch`: what follows reads them several times.

    Raises:
        InputError: Everything that is wrong with it, at most a hundred problems.
    """
    if head(path) == PARQUET:
        _view_parquet(connection, path, view)
    else:
        _check_lines(path)
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        typed = scratch / f"{view}.parquet"
        connection.execute(
            f"COPY (SELECT * FROM read_json({literal(path.resolve())}, columns={{{columns}}}, "  # noqa: S608
            "format='newline_delimited', maximum_object_size=16777216)) "
            f"TO {literal(typed)} (FORMAT parquet, ROW_GROUP_SIZE {ROW_GROUP})"
        )
        connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet({literal(typed)})")  # noqa: S608
    _refuse_twins(connection, path, view)


# -- JSON Lines -----------------------------------------------------------------------------------


def _check_lines(path: Path) -> None:
    problems: list[Problem] = []
    count = 0
    for number, line in lines(path):
        count += 1
        problems += _line_problems(line, str(path), number)
        if len(problems) >= MAX_PROBLEMS:
            break
    if not count:
        problems.append(Problem("has no records", str(path)))
    if problems:
        raise InputError(problems[:MAX_PROBLEMS])


def _line_problems(line: bytes, file: str, number: int) -> list[Problem]:
    from pydantic import ValidationError

    try:
        json.loads(line, object_pairs_hook=_once)
        FlatRecord.model_validate_json(line)
    except (ValidationError, ValueError, RecursionError):
        try:
            decode(line, file)
            yaml.check(yaml.parse(line, file), FlatRecord)
        except InputError as error:
            return [replace(one, file=file, line=number) for one in error.problems]
        except RecursionError:
            return [Problem("is nested too deeply", file, number, 1)]
        return [Problem("is not a record in JSON", file, number, 1, accepted="one JSON object")]
    return []


def _once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse a key that stands twice: readers differ in which one they take."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key twice")


# -- Parquet --------------------------------------------------------------------------------------


def _view_parquet(connection: DuckDBPyConnection, path: Path, view: str) -> None:
    import duckdb

    source = f"read_parquet({literal(path.resolve())})"
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
    except duckdb.Error as error:
        message = f"is not sound Parquet: {str(error).splitlines()[0][:200]}"
        raise InputError([Problem(message, str(path))]) from None
    kinds = {str(name): str(kind) for name, kind, *_ in described}
    problems = [one for name, kind in kinds.items() for one in _column_problems(path, name, kind)]
    problems += [
        Problem(f"lacks the column {name!r}", str(path))
        for name in ("request_id", "status")
        if name not in kinds
    ]
    if problems:
        raise InputError(problems)
    selected = ", ".join(_cast(name, kind, kinds.get(name)) for name, kind in COLUMNS.items())
    connection.execute(f"CREATE VIEW {view} AS SELECT {selected} FROM {source}")  # noqa: S608
    _check_rows(connection, path, view)


def _column_problems(path: Path, name: str, kind: str) -> list[Problem]:
    wanted = COLUMNS.get(name)
    if wanted is None:
        near = nearest(name, list(COLUMNS))
        accepted = ", ".join(COLUMNS)
        return [Problem(f"unknown column {name!r}", str(path), accepted=accepted, nearest=near)]
    if not kind.startswith(_FITS[wanted]):
        return [Problem(f"column {name!r} is {kind}", str(path), accepted=wanted)]
    return []


def _cast(name: str, wanted: str, found: str | None) -> str:
    if found is None:
        return f"NULL::{wanted} AS {name}"
    if found.startswith("STRUCT("):
        return f"from_json(to_json({name}), '\"{wanted}\"') AS {name}"
    return f"{name}::{wanted} AS {name}"


def _check_rows(connection: DuckDBPyConnection, path: Path, view: str) -> None:
    """Check the values of a typed table as the lines of JSON are checked."""
    cursor = connection.execute(f"SELECT * FROM {view}")  # noqa: S608
    names = [column[0] for column in cursor.description or ()]
    problems: list[Problem] = []
    number = 0
    while rows := cursor.fetchmany(_CHUNK):
        for row in rows:
            number += 1
            problems += _row_problems(dict(zip(names, row, strict=True)), path, number)
        if len(problems) >= MAX_PROBLEMS:
            break
    if not number:
        problems.append(Problem("has no records", str(path)))
    if problems:
        raise InputError(problems[:MAX_PROBLEMS])


def _row_problems(row: dict[str, Any], path: Path, number: int) -> list[Problem]:
    from pydantic import ValidationError

    try:
        FlatRecord.model_validate(row)
    except ValidationError as error:
        return [
            Problem(
                f"row {number}: found {one['input']!r}"[:200],
                str(path),
                path=".".join(map(str, one["loc"])),
                accepted=one["msg"],
            )
            for one in error.errors(include_url=False)
        ]
    return []


# -- both -----------------------------------------------------------------------------------------


def _refuse_twins(connection: DuckDBPyConnection, path: Path, view: str) -> None:
    """No two rows may be of the same request."""
    found = connection.execute(
        f"SELECT request_id, count(*) FROM {view} GROUP BY request_id HAVING count(*) > 1 "  # noqa: S608
        "ORDER BY ALL LIMIT 10"
    ).fetchall()
    if found:
        problems = [
            Problem(
                f"{count} rows are of the request {identity!r}",
                str(path),
                path="request_id",
                accepted="one row a request",
            )
            for identity, count in found
        ]
        raise InputError(problems)
