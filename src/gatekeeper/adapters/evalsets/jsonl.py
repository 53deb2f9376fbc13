"""JSON Lines: one object a line; blank lines are no samples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.evalsets.line import object_of
from gatekeeper.adapters.evalsets.table import ROW_LIMIT, Row, Table
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.evalsets.source import Part

BUFFER: Final = 1 << 20


def lines(part: Part) -> Iterator[tuple[int, int, bytes]]:
    """Number, offset and bytes of every line that is not blank.

    Raises:
        InputError: A line is longer than a sample may be; no more of it than that was read.
    """
    offset = 0
    with part.path.open("rb", buffering=BUFFER) as file:
        for number, line in enumerate(iter(lambda: file.readline(ROW_LIMIT + 1), b""), start=1):
            if len(line) > ROW_LIMIT:
                raise InputError([too_long(part.name, number)])
            if line.strip():
                yield number, offset, line
            offset += len(line)


def too_long(file: str, line: int) -> Problem:
    """A line that nobody should try to hold in memory."""
    message = "is a longer line than a sample may be"
    return Problem(message, file, line, 1, accepted=f"at most {ROW_LIMIT:,} bytes")


def read(part: Part) -> Table:
    """The rows of a JSON Lines file."""
    return Table(_rows(part))


def _rows(part: Part) -> Iterator[Row | Problem]:
    for number, _, line in lines(part):
        try:
            yield Row(number, object_of(decode(line, part.name), part.name))
        except InputError as error:
            for problem in error.problems:
                yield replace(problem, line=number)
