"""One training row: a shared prefix, the questions after it, and where some tokens should look."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenizers import Tokenizer


class Purpose(IntEnum):
    """What a look is for: to tell facts apart, choose one, repeat it, go on to the next."""

    ATTRIBUTE = 0
    PRODUCT = 1
    SOURCE = 2
    COPY = 3
    NEXT = 4


class Look(NamedTuple):
    """The token at ``at`` should attend to the tokens ``to``, evenly; indices into the row."""

    purpose: Purpose
    at: int
    to: list[int]


@dataclass
class Row:
    """Token ids with, for each, its position, its branch and whether it is part of an answer.

    Branch 0 is the shared prefix; the others are questions that do not see each other.
    """

    ids: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    branch: list[int] = field(default_factory=list)
    answer: list[int] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def add(self, ids: Sequence[int], start: int, branch: int, *, answer: bool = False) -> None:
        """Append tokens of one kind, the first at position ``start``."""
        self.ids += ids
        self.positions += range(start, start + len(ids))
        self.branch += [branch] * len(ids)
        self.answer += [int(answer)] * len(ids)

    def look(self, purpose: Purpose, at: int, to: list[int]) -> None:
        """Let one token look at others; at none means that there is nothing to learn."""
        if to:
            self.looks.append(Look(purpose, at, to))


class Text:
    """Tokens of a text that begin at index ``first`` of a row."""

    def __init__(self, tokenizer: Tokenizer, text: str, first: int) -> None:
        self.text, self.first = text, first
        self.encoding = tokenizer.encode(text, add_special_tokens=False)
        self.ids = self.encoding.ids

    def span(self, part: str, start: int = 0) -> list[int]:
        """Indices of the tokens of ``part``, searched from character ``start``; none if absent."""
        at = self.text.find(part, start)
        tokens = [] if at < 0 else (self.encoding.char_to_token(at + i) for i in range(len(part)))
        return sorted({self.first + token for token in tokens if token is not None})

    def following(self, at: int, count: int) -> list[int]:
        """Indices of at most ``count`` tokens from that of the first letter at or after ``at``."""
        at += len(self.text[at:]) - len(self.text[at:].lstrip(" "))
        token = self.encoding.char_to_token(at)
        return [self.first + i for i in range(token, min(token + count, len(self.ids)))]
