"""What every format is read as: rows of named columns, each with the place it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.errors import Problem

ROW_LIMIT: Final = 1 << 20
"""Bytes of one sample."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `line` is where it begins, or its number where a file has no lines; from 1."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A file of rows.

    Attributes:
        rows: The rows in order, read as they are asked for, and problems in the place of rows.
        columns: Columns with their types as the format calls them; None where any row may have
            columns of its own.
        text: All values are text, and an empty one is none at all.
        unit: What `Row.line` counts: lines of a file that has some, or rows.
    """

    rows: Iterator[Row | Problem]
    columns: Mapping[str, str] | None = None
    text: bool = False
    unit: Literal["line", "row"] = "line"
