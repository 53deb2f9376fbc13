"""Any format into one file of JSON Lines, checked on the way: one way to reach a sample later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from gatekeeper.adapters.evalsets import arrow, columns, csv, json, jsonl, parquet, plain
from gatekeeper.adapters.evalsets.line import sample_of
from gatekeeper.adapters.evalsets.shaping import Shaper, line_of
from gatekeeper.adapters.evalsets.table import ROW_LIMIT
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters import yaml
    from gatekeeper.adapters.evalsets.checker import Checker
    from gatekeeper.adapters.evalsets.shaping import Cell
    from gatekeeper.adapters.evalsets.source import Part, Source
    from gatekeeper.adapters.evalsets.table import Row, Table
    from gatekeeper.model.evalset import EvalSet


def read(part: Part, kind: str, records: str | None) -> Table:
    """The rows of a file of that format."""
    if kind == "json":
        return json.read(part, records)
    readers = {
        "jsonl": jsonl.read,
        "csv": csv.read,
        "parquet": parquet.read,
        "text": plain.read,
        "arrow": arrow.read,
    }
    return readers[kind](part)


class Converter:
    """Writes the samples of a source to a file, and tells a checker of each.

    Args:
        document: The header.
        checker: Told of every sample and everything that is wrong.
        out: Where the lines go.
    """

    def __init__(self, document: yaml.Document[EvalSet], checker: Checker, out: BinaryIO) -> None:
        self._document = document
        self._header = document.value
        self._checker = checker
        self._out = out
        self._offset = 0
        self._number = 0

    def convert(self, source: Source) -> None:
        """Every part in order; raises `InputError` when a part has not the columns it must have."""
        for part in source.parts:
            table = read(part, source.format, self._header.records)
            self._checker.unit = table.unit
            columns.check(self._document, part, table)
            self._part(part, table)
            if self._checker.full:
                break
        self._out.flush()

    def _part(self, part: Part, table: Table) -> None:
        shaper = Shaper(self._header, table)
        seen: set[str] = set()
        try:
            for row in table.rows:
                self._number += 1
                if isinstance(row, Problem):
                    self._checker.refuse([row])
                    continue
                seen.update(row.values if table.columns is None else ())
                if shaper.wanted(row):
                    self._row(part, shaper, row)
                if self._checker.full:
                    break
        except InputError as error:  # the rest of the file cannot be read
            self._checker.refuse(error.problems)
        if seen:
            columns.check_seen(self._document, part, seen, whole=not self._checker.full)

    def _row(self, part: Part, shaper: Shaper, row: Row) -> None:
        sample, faults = shaper.sample(row, self._number)
        self._checker.refuse(_cell_fault(part, row, cell, found) for cell, found in faults)
        if faults:
            return
        try:
            line = _bounded(line_of(sample), part)
            checked = sample_of(line, part.name)
        except ValueError as error:  # NaN, half a character
            self._checker.refuse([Problem(_unwritable(error), part.name, row.line, 1)])
        except InputError as error:
            self._checker.refuse(self._placed(part, row, error))
        else:
            self._out.write(line)
            self._checker.add(checked, self._offset, row.line, part.name)
            self._offset += len(line)

    def _placed(self, part: Part, row: Row, error: InputError) -> Iterator[Problem]:
        """Problems of the sample that was made of a row, where the row is."""
        for problem in error.problems:
            column = self._column(problem.path)
            message = f"column {column!r}: {problem.message}" if column else problem.message
            yield replace(problem, message=message, file=part.name, line=row.line, column=1)

    def _column(self, path: str) -> str:
        """The column that fills a place, where it is called something else."""
        for place, column in self._header.fields.items():
            if path == place or path.startswith((f"{place}.", f"{place}[")):
                return column
        return ""


def _bounded(line: bytes, part: Part) -> bytes:
    if len(line) > ROW_LIMIT:
        raise InputError([jsonl.too_long(part.name, 1)])
    return line


def _unwritable(error: ValueError) -> str:
    """What JSON cannot say, in the same words whatever Python's are."""
    if isinstance(error, UnicodeEncodeError):
        return "has half of a surrogate pair"
    return "has a number that is not finite" if "JSON compliant" in str(error) else str(error)


def _cell_fault(part: Part, row: Row, cell: Cell, found: str) -> Problem:
    accepted = ", ".join(cell.values) if cell.values else cell.place.accepted
    message = f"column {cell.column!r}: {found}"
    return Problem(message, part.name, row.line, 1, str(cell.place), accepted)
