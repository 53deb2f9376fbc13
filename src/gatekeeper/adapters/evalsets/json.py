"""One JSON document that holds a list of rows: objects, or texts, which are the column `text`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.evalsets.line import parsed_once
from gatekeeper.adapters.evalsets.table import Row, Table
from gatekeeper.adapters.files import read_regular
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters.evalsets.source import Part

DOCUMENT_LIMIT: Final = 64 << 20
"""Bytes of a document: unlike the other formats, it is read whole."""


def read(part: Part, records: str | None) -> Table:
    """The rows of a JSON document.

    Args:
        part: The file.
        records: Where the list is, keys joined by dots; None where the document is the list.
    """
    text = decode(read_regular(part.path, part.name, DOCUMENT_LIMIT), part.name)
    value = parsed_once(text, part.name)
    for key in records.split(".") if records else ():
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        raise InputError([_no_list(part, records, value)])
    return Table(_rows(part, value), unit="row")


def _no_list(part: Part, records: str | None, value: Any) -> Problem:
    if records:
        return Problem(f"has no list at {records!r}", part.name, accepted="what `records` names")
    message = "is a JSON document that is no list"
    items = value.items() if isinstance(value, dict) else ()
    lists = [key for key, one in items if isinstance(one, list)]
    keys = ", ".join(f"`records: {key}`" for key in lists[:8])
    return Problem(message, part.name, accepted=keys or "a list of objects or texts")


def _rows(part: Part, found: list[Any]) -> Iterator[Row | Problem]:
    for number, one in enumerate(found, start=1):
        if isinstance(one, str):
            yield Row(number, {"text": one})
        elif isinstance(one, dict):
            yield Row(number, one)
        else:
            message = f"row {number} is neither an object nor a text"
            yield Problem(message, part.name, accepted="objects or texts")
