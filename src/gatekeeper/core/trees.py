"""Key-level differences between two structures of JSON values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KeyPath = tuple[str | int, ...]


class Absent:
    """Stands where one side has no value; there is one."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose value differs; `ABSENT` on the side that does not have it."""

    path: KeyPath
    old: Any
    new: Any

    @property
    def relative(self) -> float | None:
        """(new - old) / old for numbers other than zero, else None."""
        if not _number(self.old) or not _number(self.new) or self.old == 0:
            return None
        return float((self.new - self.old) / abs(self.old))


def compare(old: Any, new: Any, path: KeyPath = ()) -> Iterator[Difference]:
    """Every difference, in the order of the new side's keys, removed keys last.

    Lists of plain values differ as a whole; other lists are aligned item by item.
    """
    if old == new and type(old) is type(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mappings(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and not _plain([*old, *new]):
        yield from _lists(old, new, path)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Difference(path, old, new)


def _mappings(
    old: Mapping[str, Any], new: Mapping[str, Any], path: KeyPath
) -> Iterator[Difference]:
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if before is ABSENT or after is ABSENT:
            yield Difference((*path, key), before, after)
        else:
            yield from compare(before, after, (*path, key))


def _lists(old: Sequence[Any], new: Sequence[Any], path: KeyPath) -> Iterator[Difference]:
    before = [json.dumps(item, sort_keys=True) for item in old]
    after = [json.dumps(item, sort_keys=True) for item in new]
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(b - a, d - c)
        for step in range(both):
            yield from compare(old[a + step], new[c + step], (*path, c + step))
        for index in range(a + both, b):
            yield Difference((*path, index), old[index], ABSENT)
        for index in range(c + both, d):
            yield Difference((*path, index), ABSENT, new[index])


def _plain(items: Sequence[Any]) -> bool:
    return not any(isinstance(item, dict | list) for item in items)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
