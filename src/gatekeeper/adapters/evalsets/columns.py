"""Whether a header's `fields`, `values`, `defaults` and `where` fit a sample and the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.evalsets.line import sample_of
from gatekeeper.adapters.evalsets.places import nearest_place, own_columns, place
from gatekeeper.adapters.evalsets.shaping import cells, line_of, put, type_faults
from gatekeeper.adapters.shapes import nearest
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pydantic import JsonValue

    from gatekeeper.adapters import yaml
    from gatekeeper.adapters.evalsets.source import Part
    from gatekeeper.adapters.evalsets.table import Table
    from gatekeeper.model.evalset import EvalSet

SHOWN: Final = 12
"""Columns that are named in an error."""
_PLACES: Final = "a place in a sample, such as input, expect.exact or tags.topic"


def check_places(document: yaml.Document[EvalSet]) -> None:
    """Raises `InputError` for every place that a sample has not, and every value that fits none."""
    header = document.value
    problems = [
        document.problem(
            (key, path), f"a sample has no place {path!r}", _PLACES, nearest_place(path)
        )
        for key in ("fields", "defaults", "values")
        for path in getattr(header, key)
        if place(path) is None
    ]
    if not problems:
        problems = [*_unfit_defaults(document), *_unfit_values(document)]
    if problems:
        raise InputError(problems)


def _unfit_defaults(document: yaml.Document[EvalSet]) -> Iterator[Problem]:
    for path, value in document.value.defaults.items():
        yield from _unfit(document, ("defaults", path), path, value)


def _unfit_values(document: yaml.Document[EvalSet]) -> Iterator[Problem]:
    for path, meanings in document.value.values.items():
        for key, value in meanings.items():
            yield from _unfit(document, ("values", path, key), path, value)


def _unfit(
    document: yaml.Document[EvalSet], keys: tuple[str, ...], path: str, value: JsonValue
) -> Iterator[Problem]:
    """What is wrong with a value of the header that goes into every sample, told once and there."""
    sample: dict[str, Any] = {"id": "any", "input": "any"}
    put(sample, tuple(path.split(".")), value)
    try:
        sample_of(line_of(sample), document.file)
    except InputError as error:
        for one in error.problems:
            if one.path.startswith(path):
                yield document.problem(keys, one.message, one.accepted, one.nearest)


def check(document: yaml.Document[EvalSet], part: Part, table: Table) -> None:
    """Raises `InputError` with everything that does not fit a table with columns of its own."""
    if table.columns is None:
        return
    header, columns = document.value, table.columns
    problems = [*_absent(document, columns, f"{part.name} has no column")]
    _, alike = own_columns(columns)
    problems += [
        Problem(
            f"column {name!r} is no place in a sample",
            part.name,
            accepted=_PLACES,
            nearest=nearest_place(name),
        )
        for name in alike
        if name not in (*header.fields.values(), *header.where)
    ]
    if not problems and not _filled(header, columns):
        problems.append(_no_input(document, part, columns))
    problems += [
        Problem(
            f"column {cell.column!r} is {found}",
            part.name,
            path=str(cell.place),
            accepted=cell.place.accepted,
        )
        for cell, found in type_faults(header, {} if table.text else columns)
    ]
    if problems:
        raise InputError(problems)


def check_seen(
    document: yaml.Document[EvalSet], part: Part, columns: Collection[str], *, whole: bool
) -> None:
    """Like `check`, for rows each of which may have columns of its own."""
    rows = "no row" if whole else "none of the first rows"
    problems = list(_absent(document, columns, f"{rows} of {part.name} has a column"))
    if problems:
        raise InputError(problems)


def _absent(
    document: yaml.Document[EvalSet], columns: Collection[str], words: str
) -> Iterator[Problem]:
    header = document.value
    named = [(("fields", path), column) for path, column in header.fields.items()]
    named += [(("where", column), column) for column in header.where]
    for keys, column in named:
        if column not in columns and column.split(".")[0] not in columns:
            known = list(columns)
            accepted = ", ".join(known[:SHOWN]) + (", …" if len(known) > SHOWN else "")
            yield document.problem(keys, f"{words} {column!r}", accepted, nearest(column, known))


def _filled(header: EvalSet, columns: Mapping[str, str]) -> bool:
    """Whether something gives the input."""
    given = any(cell.place.path == ("input",) for cell in cells(header, tuple(columns)))
    return given or "input" in header.defaults


def _no_input(document: yaml.Document[EvalSet], part: Part, columns: Mapping[str, str]) -> Problem:
    names = [name if len(name) <= SHOWN * 3 else name[: SHOWN * 3] + "…" for name in columns]
    found = ", ".join(repr(name) for name in names[:SHOWN])
    message = f"no column of {part.name} gives `input`; its columns are {found}"
    accepted = "`fields: {input: COLUMN}`, or a column called input"
    return document.problem(("file",), message, accepted, nearest("input", list(columns)))
