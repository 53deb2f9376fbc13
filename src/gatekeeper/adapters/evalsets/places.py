"""The places of a sample, as `fields` and `defaults` name them, and what each of them takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.adapters.shapes import Shape, nearest
from gatekeeper.model.evalset import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = Literal["text", "number", "boolean", "list", "object", "any"]
_KINDS: Final[dict[str, Kind]] = {
    "string": "text",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}
_NUMBER: Final = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|u?int\d+|half_float|float|double", re.ASCII
)
_TEXT: Final = re.compile(r"VARCHAR|ENUM.*|text|(large_)?string(_view)?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """One place: ``expect.exact``.

    Attributes:
        path: Its keys.
        kind: What stands there.
        accepted: The same in words.
    """

    path: tuple[str, ...]
    kind: Kind
    accepted: str

    def __str__(self) -> str:
        return ".".join(self.path)

    @property
    def takes_whole_numbers(self) -> bool:
        """A whole number may stand for its digits: in names and in answers, not in prose."""
        return self.path[0] in ("id", "tags") or self.path == ("expect", "exact")


@cache
def place(path: str) -> Place | None:
    """The place of that name; None where a sample has none."""
    keys = tuple(path.split("."))
    shape = _shape().at(keys)
    types = [one.get("type") for one in shape.alternatives if one.get("type") != "null"]
    if not shape.alternatives:
        return None
    kind = _KINDS.get(str(types[0]), "any") if len(types) == 1 else "any"
    accepted = "a number" if path == "expect.number" else shape.describe()
    return Place(keys, kind, accepted)


def nearest_place(path: str) -> str:
    """The place that a name which is none comes nearest to, if any."""
    head, _, tail = path.rpartition(".")
    inner = place(head) if head else None
    if inner is not None:
        close = nearest(tail, _shape().at(inner.path).names)
        return f"{head}.{close}" if close else ""
    first, dot, rest = path.partition(".")
    close = nearest(first, _shape().names)
    return f"{close}{dot}{rest}" if close and (not rest or place(f"{close}.{rest}")) else close


def own_columns(columns: Iterable[str]) -> tuple[dict[str, Place], list[str]]:
    """Which columns have the name of a place, and which only begin like one: ``expect.exat``."""
    found, alike = {}, []
    for name in columns:
        known = place(name)
        if known is not None:
            found[name] = known
        elif "." in name and name.split(".")[0] in _shape().names:
            alike.append(name)
    return found, alike


def kind_of(column_type: str) -> Kind | None:
    """What a column of a type of DuckDB or Arrow holds; None for what no sample takes."""
    name = column_type.strip()
    if name.endswith("]") or re.match(r"(large_|fixed_size_)?list", name):
        return "list"
    if re.match(r"STRUCT|MAP|struct|map", name):
        return "object"
    if _NUMBER.fullmatch(name):
        return "number"
    if _TEXT.fullmatch(name):
        return "text"
    if name in ("BOOLEAN", "bool"):
        return "boolean"
    return "any" if name in ('"NULL"', "NULL", "na", "null", "JSON") else None


def fits(column: Kind, wanted: Place) -> bool:
    """Whether values of such a column can stand in a place at all."""
    if column in (wanted.kind, "any") or wanted.kind == "any":
        return True
    if column == "text":
        return wanted.kind == "list"
    if column == "number":
        return wanted.takes_whole_numbers or str(wanted) == "expect.number"
    return column == "boolean" and wanted.takes_whole_numbers


@cache
def _shape() -> Shape:
    return Shape.of(Sample.model_json_schema())
