"""CSV as spreadsheets write it: commas (tabs in `.tsv`), double quotes, a first line of names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from gatekeeper.adapters.evalsets.jsonl import too_long
from gatekeeper.adapters.evalsets.table import ROW_LIMIT, Row, Table
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.evalsets.source import Part

_TAB: Final = ".tsv"


@dataclass(slots=True)
class _Lines:
    """Decoded lines, as many as one record may have."""

    file: BinaryIO
    name: str
    number: int = 0
    length: int = 0
    start: int = 1

    def __iter__(self) -> Iterator[str]:
        for line in iter(lambda: self.file.readline(ROW_LIMIT + 1), b""):
            self.number += 1
            self.length += len(line)
            if self.length > ROW_LIMIT:
                raise InputError([self._too_long()])
            try:
                yield decode(line, self.name)
            except InputError as error:
                places = [replace(one, line=self.number) for one in error.problems]
                raise InputError(places) from None

    def next_record(self) -> int:
        """The line that the record began at which has just been read; the next one begins now."""
        start, self.start, self.length = self.start, self.number + 1, 0
        return start

    def _too_long(self) -> Problem:
        problem = too_long(self.name, self.start)
        if self.start == self.number:
            return problem
        return replace(problem, message="begins a row longer than a sample: is a quote open?")


def read(part: Part) -> Table:
    """The rows of a CSV file; its first line is read at once.

    Raises:
        InputError: There is no first line, or it does not name every column once.
    """
    with part.path.open("rb") as file:
        first = next(_records(_Lines(file, part.name), part), None)
    names = first[1] if isinstance(first, tuple) else []
    problems = [first] if isinstance(first, Problem) else _name_faults(names, part)
    if problems:
        raise InputError(problems)
    return Table(_rows(names, part), dict.fromkeys(names, "text"), text=True)


def _records(lines: _Lines, part: Part) -> Iterator[tuple[int, list[str]] | Problem]:
    """Line and fields of every record that is not blank; a fault of form is the last thing."""
    import csv

    delimiter = "\t" if part.path.suffix.lower() == _TAB else ","
    try:
        for fields in csv.reader(iter(lines), delimiter=delimiter, strict=True):
            line = lines.next_record()
            if fields:
                yield line, fields
    except csv.Error as error:
        yield Problem(*_fault(str(error), lines, part))


def _fault(reason: str, lines: _Lines, part: Part) -> tuple[str, str, int, int, str, str]:
    message, accepted = f"is not CSV: {reason}", "quotes around a text that has quotes, doubled"
    if "unexpected end" in reason:
        message, accepted = "has a quote that is never closed", 'a closing " for each opening one'
    elif "field larger" in reason:
        message = "has a field of more than 131,072 characters: is a quote open?"
    return message, part.name, lines.start, 1, "", accepted


def _name_faults(names: list[str], part: Part) -> list[Problem]:
    if not names:
        return [Problem("has no samples", part.name, accepted="a first line that names columns")]
    problems = []
    for number, name in enumerate(names, start=1):
        if not name.strip():
            message = f"column {number} has no name"
        elif name in names[: number - 1]:
            message = f"two columns are called {name!r}"
        else:
            continue
        problems.append(Problem(message, part.name, 1, 1, accepted="a name of its own for each"))
    return problems


def _rows(names: list[str], part: Part) -> Iterator[Row | Problem]:
    with part.path.open("rb") as file:
        records = _records(_Lines(file, part.name), part)
        next(records)
        for record in records:
            if isinstance(record, Problem):
                yield record
            elif len(record[1]) != len(names):
                message = f"has {len(record[1])} fields, but there are {len(names)} columns"
                yield Problem(message, part.name, record[0], 1, accepted=", ".join(names[:8]))
            else:
                yield Row(record[0], dict(zip(names, record[1], strict=True)))
