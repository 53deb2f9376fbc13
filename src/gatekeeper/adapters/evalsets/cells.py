"""Single values into what a place takes: the text of a CSV cell, or a typed value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.evalsets.line import parsed_once
from gatekeeper.adapters.values import shortened
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from gatekeeper.adapters.evalsets.places import Place

_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_BLANK: Final = re.compile(r"\s*")


def from_text(text: str, place: Place) -> Any:
    """A cell that is all text; raises `ValueError` with what was found where it does not fit."""
    if place.kind == "number" or str(place) == "expect.number":
        return _number(text, place)
    if place.kind == "boolean":
        if text.strip().lower() not in _BOOLEANS:
            raise ValueError(f"found the text {_shown(text)}")
        return _BOOLEANS[text.strip().lower()]
    if place.kind == "text":
        return text
    return _structure(text, place)


def from_value(value: Any, place: Place) -> Any:
    """A value that has a type; what does not fit is left for the check of the sample."""
    if place.kind == "list" and isinstance(value, str):
        return [value]
    if place.takes_whole_numbers and place.kind == "text" and isinstance(value, bool | int):
        return key_of(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"value": value} if is_number and str(place) == "expect.number" else value


def key_of(value: Any) -> str:
    """How a value is written in `values` and `where`: as JSON has it, and text as it is."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _number(text: str, place: Place) -> Any:
    stripped = text.strip()
    if place.kind != "number" and stripped.startswith("{"):
        return _structure(text, place)
    if not _NUMBER.fullmatch(stripped):
        raise ValueError(f"found the text {_shown(text)}")
    return float(stripped) if place.kind == "number" else {"value": float(stripped)}


def _structure(text: str, place: Place) -> Any:
    """JSON where it looks like it; else one text, which a list may have as its only one."""
    opening = {"list": "[", "object": "{"}.get(place.kind)
    start = _BLANK.match(text)
    first = text[start.end() : start.end() + 1] if start else ""
    if opening is None:
        try:
            return parsed_once(text, "")
        except InputError:
            return text
    if first == opening:
        try:
            return parsed_once(text, "")
        except InputError as error:
            reason = error.problems[0].message.removeprefix("is not JSON: ")
            raise ValueError(f"found {_shown(text)}, which is not JSON: {reason}") from None
    if place.kind == "list":
        return [text]
    raise ValueError(f"found the text {_shown(text)}")


def _shown(text: str) -> str:
    return repr(shortened(text))
