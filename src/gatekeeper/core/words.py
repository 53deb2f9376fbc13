"""Word-level differences between two texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TOKENS: Final = 4_000
"""Texts with more differing words are compared line by line: the time grows with their product."""
_WORDS: Final = re.compile(r"\S+|\n")

Operation = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words (a line break counts as one) that is in both texts, or in one of them."""

    operation: Operation
    words: tuple[str, ...]


def compare(old: str, new: str) -> tuple[Piece, ...]:
    """From `old` to `new`; what is removed stands before what is added in its place.

    Texts that differ in nothing but blanks give one piece that is the same.
    """
    before, after = _split(old), _split(new)
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    pieces = [Piece("same", tuple(before[:head]))]
    pieces += _middle(before[head : len(before) - tail], after[head : len(after) - tail])
    pieces.append(Piece("same", tuple(before[len(before) - tail :])))
    return tuple(piece for piece in pieces if piece.words)


def _middle(before: list[str], after: list[str]) -> Iterator[Piece]:
    long = max(len(before), len(after)) > MAX_TOKENS
    if long:
        before, after = _lines(before), _lines(after)
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=long).get_opcodes():
        if tag == "equal":
            yield Piece("same", tuple(before[a:b]))
        else:
            yield Piece("removed", tuple(before[a:b]))
            yield Piece("added", tuple(after[c:d]))


def _common(before: list[str], after: list[str]) -> int:
    """How many words both begin with."""
    pairs = zip(before, after, strict=False)
    different = (index for index, (old, new) in enumerate(pairs) if old != new)
    return next(different, min(len(before), len(after)))


def _lines(tokens: list[str]) -> list[str]:
    return " ".join(tokens).replace(" \n ", "\n").splitlines()


def counts(pieces: tuple[Piece, ...]) -> tuple[int, int]:
    """How many words were added and removed; line breaks do not count."""
    added, removed = (
        sum(word != "\n" for piece in pieces if piece.operation == side for word in piece.words)
        for side in ("added", "removed")
    )
    return added, removed


def _split(text: str) -> list[str]:
    return _WORDS.findall(text)


def lines_changed(old: bytes, new: bytes) -> tuple[int, int]:
    """How many lines were added and removed."""
    before, after = old.splitlines(), new.splitlines()
    added = removed = 0
    for tag, a, b, c, d in SequenceMatcher(None, before, after).get_opcodes():
        if tag != "equal":
            removed += b - a
            added += d - c
    return added, removed
