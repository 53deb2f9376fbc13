"""Word-level differences between two texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

MAX_TOKENS: Final = 20_000
"""Texts with more words are compared line by line."""
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
    if max(len(before), len(after)) > MAX_TOKENS:
        before, after = old.splitlines(), new.splitlines()
    pieces: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", tuple(before[a:b])))
            continue
        if b > a:
            pieces.append(Piece("removed", tuple(before[a:b])))
        if d > c:
            pieces.append(Piece("added", tuple(after[c:d])))
    return tuple(pieces)


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
