"""Rows of somebody's columns into samples, as a header's `fields`, `defaults` and `values` say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.evalsets.cells import from_text, from_value, key_of
from gatekeeper.adapters.evalsets.places import Place, fits, kind_of, own_columns, place

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.adapters.evalsets.table import Row, Table
    from gatekeeper.model.evalset import EvalSet

MAX_PLANS: Final = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """From a column into a place, by way of `values` where the place has some."""

    column: str
    place: Place
    values: Mapping[str, Any] | None = None


class Shaper:
    """Makes samples of the rows of one table.

    Args:
        header: The header, whose places were checked.
        table: The table, whose columns were checked.
    """

    def __init__(self, header: EvalSet, table: Table) -> None:
        self._header = header
        self._text = table.text
        self._columns = None if table.columns is None else tuple(table.columns)
        self._plans: dict[tuple[str, ...], tuple[Cell, ...]] = {}
        self._defaults = [
            (tuple(path.split(".")), value) for path, value in header.defaults.items()
        ]

    def wanted(self, row: Row) -> bool:
        """Whether the row belongs to the set, as `where` says."""
        return all(
            key_of(value_at(row.values, column)) in choices
            for column, choices in self._header.where.items()
        )

    def sample(self, row: Row, number: int) -> tuple[dict[str, Any], list[tuple[Cell, str]]]:
        """The sample as JSON would hold it, and what is wrong with cells.

        Args:
            row: The row.
            number: Its number in the source, from 1, which is its id where it has none.
        """
        sample: dict[str, Any] = {}
        faults: list[tuple[Cell, str]] = []
        plan = self._plan(tuple(row.values) if self._columns is None else self._columns)
        for cell in plan:
            value = value_at(row.values, cell.column)
            if value is None or (self._text and value == ""):
                continue
            try:
                put(sample, cell.place.path, self._converted(cell, value))
            except ValueError as error:
                faults.append((cell, str(error)))
        for path, value in self._defaults:
            put(sample, path, value, over=False)
        if "id" not in sample and not any(cell.place.path == ("id",) for cell in plan):
            sample = {"id": f"row-{number:06d}", **sample}
        return sample, faults

    def _converted(self, cell: Cell, value: Any) -> Any:
        if cell.values is not None:
            key = key_of(value)
            if key not in cell.values:
                raise ValueError(f"found {key!r}, for which `values` has nothing")
            return cell.values[key]
        if self._text:
            return from_text(value, cell.place)
        found = from_value(value, cell.place)
        return found if self._columns is None else _filled(found)

    def _plan(self, columns: tuple[str, ...]) -> tuple[Cell, ...]:
        found = self._plans.get(columns)
        if found is None:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            found = self._plans[columns] = tuple(cells(self._header, columns))
        return found


def cells(header: EvalSet, columns: tuple[str, ...]) -> Iterator[Cell]:
    """What goes where: columns that have the name of a place, unless `fields` fills that place."""
    own, _ = own_columns(columns)
    for name, where in own.items():
        if name not in header.fields:
            yield Cell(name, where, header.values.get(name))
    for path, column in header.fields.items():
        named = place(path)
        if named is not None:
            yield Cell(column, named, header.values.get(path))


def type_faults(header: EvalSet, columns: Mapping[str, str]) -> Iterator[tuple[Cell, str]]:
    """Columns none of whose values can stand where they go, with their types."""
    for cell in cells(header, tuple(columns)):
        if cell.values is not None or cell.column not in columns:
            continue
        kind = kind_of(columns[cell.column])
        if kind is None or not fits(kind, cell.place):
            yield cell, columns[cell.column]


def value_at(row: Mapping[str, Any], column: str) -> Any:
    """The value of a column, or of what is inside one: ``answers.text``; None if there is none."""
    if column in row or "." not in column:
        return row.get(column)
    value: Any = row
    for key in column.split("."):
        value = value.get(key) if isinstance(value, dict) or value is row else None
    return value


def line_of(sample: dict[str, Any]) -> bytes:
    """The sample as one line; raises `ValueError` for NaN and for half a character."""
    return _ENCODER.encode(sample).encode() + b"\n"


def _filled(value: Any) -> Any:
    """Without the nulls of a structure: columns have them where a row has no such key."""
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items() if one is not None}
    return value


def _refused(value: object) -> Any:
    raise ValueError(f"found {type(value).__name__} {value}")


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=_refused)


def put(sample: dict[str, Any], path: tuple[str, ...], value: Any, *, over: bool = True) -> None:
    """Set a place; null leaves it empty, and what is not an object is left as it is."""
    inner: Any = sample
    for key in path[:-1] if value is not None else ():
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            return
    if value is not None and (over or path[-1] not in inner):
        inner[path[-1]] = value
