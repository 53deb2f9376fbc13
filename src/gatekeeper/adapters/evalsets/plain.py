"""Plain text, one prompt a line: the column `text`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatekeeper.adapters.evalsets.jsonl import lines
from gatekeeper.adapters.evalsets.table import Row, Table
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.evalsets.source import Part
    from gatekeeper.errors import Problem


def read(part: Part) -> Table:
    """The lines of a text file that are not blank."""
    return Table(_rows(part), {"text": "text"}, text=True)


def _rows(part: Part) -> Iterator[Row | Problem]:
    for number, _, line in lines(part):
        try:
            yield Row(number, {"text": decode(line, part.name).rstrip("\r\n")})
        except InputError as error:
            for problem in error.problems:
                yield replace(problem, line=number)
