"""One training row: a shared prefix, the questions that follow it, and where some tokens should look."""

from __future__ import annotations

from dataclasses import dataclass, field

ATTRIBUTE, PRODUCT, SOURCE = range(3)  # what a look is for

@dataclass
class Row:
    """Token ids with, for each, its position, branch (0 is the prefix) and kind (0 none, 1 prompt, 2 answer).

    A look (purpose, from, to) says that the token at ``from`` should attend to the tokens ``to``.
    """

    ids: list[int]
    positions: list[int]
    branch: list[int]
    kind: list[int]
    looks: list[tuple[int, int, list[int]]] = field(default_factory=list)

    def add(self, ids: list[int], start: int, branch: int, kind: int) -> None:
        """Append tokens of one kind."""
        self.ids += ids
        self.positions += range(start, start + len(ids))
        self.branch += [branch] * len(ids)
        self.kind += [kind] * len(ids)
