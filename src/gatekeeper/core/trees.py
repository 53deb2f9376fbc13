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


MOST_RENAMES = 100
"""Keys on either side beyond which nobody looks for renamed ones."""
LIKENESS = 0.6
MOST_PAIRS = 2_500
"""Pairs of list items beyond which nobody looks for the best alignment."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A mapping under another key; `path` is the new one. What differs inside follows."""

    path: KeyPath
    old: str


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


def compare(old: Any, new: Any, path: KeyPath = ()) -> Iterator[Difference | Renamed]:
    """Every difference, in the order of the new side's keys, removed keys last.

    Lists of plain values differ as a whole; other lists are aligned item by item. A mapping that
    went from one key to another, most of it the same, is `Renamed`.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mappings(old, new, path)
    elif isinstance(old, list) and isinstance(new, list) and not _plain([*old, *new]):
        yield from _lists(old, new, path)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Difference(path, old, new)


def _mappings(
    old: Mapping[str, Any], new: Mapping[str, Any], path: KeyPath
) -> Iterator[Difference | Renamed]:
    renamed = _renames(old, new)
    for key in new:
        before = renamed.get(key, key)
        if before != key:
            yield Renamed((*path, key), before)
        if before in old:
            yield from compare(old[before], new[key], (*path, key))
        else:
            yield Difference((*path, key), ABSENT, new[key])
    for key in old:
        if key not in new and key not in renamed.values():
            yield Difference((*path, key), old[key], ABSENT)


def _renames(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """New key to old key, for mappings that are most alike; the most alike pair first."""
    gone = [key for key in old if key not in new and isinstance(old[key], dict)]
    come = [key for key in new if key not in old and isinstance(new[key], dict)]
    if max(len(gone), len(come)) > MOST_RENAMES:
        return {}
    pairs = sorted(
        ((_likeness(old[before], new[after]), before, after) for before in gone for after in come),
        key=lambda pair: -pair[0],
    )
    found: dict[str, str] = {}
    for likeness, before, after in pairs:
        if likeness >= LIKENESS and after not in found and before not in found.values():
            found[after] = before
    return found


def _likeness(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """Share of the leaves of both that are in both."""
    before, after = set(_leaves(old)), set(_leaves(new))
    return len(before & after) / max(1, len(before | after))


def _leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    else:
        yield path, json.dumps(value, sort_keys=True)


def _lists(old: Sequence[Any], new: Sequence[Any], path: KeyPath) -> Iterator[Difference | Renamed]:
    before = [json.dumps(item, sort_keys=True) for item in old]
    after = [json.dumps(item, sort_keys=True) for item in new]
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        for left, right in _pairs(old[a:b], new[c:d]):
            if left is None and right is not None:
                yield Difference((*path, c + right), ABSENT, new[c + right])
            elif right is None and left is not None:
                yield Difference((*path, a + left), old[a + left], ABSENT)
            elif left is not None and right is not None:
                yield from compare(old[a + left], new[c + right], (*path, c + right))


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int | None, int | None]]:
    """Items that belong together, in order, so that as much as possible stays the same.

    None stands where an item has no other: removed items first, then what is paired or added.
    """
    if len(old) * len(new) > MOST_PAIRS:
        return [(index, None) for index in range(len(old))] + [
            (None, index) for index in range(len(new))
        ]
    best: dict[tuple[int, int], tuple[float, list[tuple[int, int]]]] = {}
    for i in range(len(old) + 1):
        for j in range(len(new) + 1):
            choices = [best[key] for key in ((i - 1, j), (i, j - 1)) if key in best]
            if i and j:
                score, pairs = best[i - 1, j - 1]
                # A little more than nothing, so that what has no better partner is paired too.
                score += _likeness(_mapping(old[i - 1]), _mapping(new[j - 1])) + 1e-6
                choices.append((score, [*pairs, (i - 1, j - 1)]))
            best[i, j] = max(choices, key=lambda choice: choice[0], default=(0.0, []))
    paired = best[len(old), len(new)][1]
    lefts, rights = {left for left, _ in paired}, {right: left for left, right in paired}
    gone: list[tuple[int | None, int | None]] = [
        (index, None) for index in range(len(old)) if index not in lefts
    ]
    return gone + [(rights.get(index), index) for index in range(len(new))]


def _mapping(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, dict) else {"": item}


def _plain(items: Sequence[Any]) -> bool:
    return not any(isinstance(item, dict | list) for item in items)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
