"""Arrow streams, as `datasets` saves them, through nanoarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.evalsets.table import Row, Table
from gatekeeper.errors import InputError, Problem, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.evalsets.source import Part

END: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""What a finished stream ends with; without it, rows may be missing."""


def read(part: Part) -> Table:
    """The rows of an Arrow stream.

    Raises:
        InputError: It is none, or was cut off.
        UnavailableError: nanoarrow is not installed.
    """
    try:
        from nanoarrow import ArrayStream
        from nanoarrow.ipc import InputStream
    except ImportError:
        raise UnavailableError(
            "nanoarrow is not installed, which reads what `datasets` saved",
            where=part.name,
            fix="pip install 'gatekeeper[datasets]', or save the data as Parquet",
        ) from None
    if not _finished(part):
        raise InputError([_damaged(part, "it has no end")])
    try:
        arrays = ArrayStream(InputStream.from_path(str(part.path)))
        names = {field.name: _type(field) for field in arrays.schema.fields}
    except RuntimeError as error:
        raise InputError([_damaged(part, str(error).rpartition(": ")[2])]) from None
    return Table(_rows(arrays, part), names, unit="row")


def _type(field: Any) -> str:
    """What the column is, as Arrow calls it: `string`, `list<item: int64>`."""
    return str(field).partition(f"{field.name!r}: ")[2].removeprefix("non-nullable ")


def _finished(part: Part) -> bool:
    with part.path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - len(END)))
        return file.read() == END


def _rows(arrays: Any, part: Part) -> Iterator[Row | Problem]:
    number = 0
    try:
        for array in arrays:
            for values in array.iter_py():
                number += 1
                yield Row(number, values)
    except RuntimeError as error:
        yield _damaged(part, str(error).rpartition(": ")[2])


def _damaged(part: Part, reason: str) -> Problem:
    accepted = "a stream that its writer finished"
    return Problem(f"cannot be read as Arrow: {reason}", part.name, accepted=accepted)
