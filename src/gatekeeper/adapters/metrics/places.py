"""Which rows belong together, by their places instead of by their names.

Two hashes of 64 bits tell names apart: by the first they are found, the second has to agree. Where
it does not, or where a name that should be there once is there twice, nobody guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from numpy import bool_, int32, uint64
    from numpy.typing import NDArray


_MIX: Final = 0x9E3779B97F4A7C15
"""Odd, so that what is multiplied by it stays apart: 2^64 over the golden ratio."""


class AmbiguousError(GatekeeperError):
    """Hashes do not tell rows apart: they have to be joined by name."""

    code = "ambiguous"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the rows of a table, as two hashes each, in the order of the rows."""

    first: NDArray[uint64]
    second: NDArray[uint64]


@dataclass(frozen=True, slots=True)
class Index:
    """Where names are there first.

    Attributes:
        names: Of the rows of a table.
        firsts: By row, the place of the first row that has its name.
        tables: Places by some bits of the first hash. Names that find their place taken by another
            are in the next table, which goes by other bits.
    """

    names: Names
    firsts: NDArray[int32]
    tables: tuple[NDArray[int32], ...]


def index(names: Names) -> Index:
    """Find the first row of each name.

    Raises:
        AmbiguousError: Hashes do not agree.
    """
    import numpy as np

    rows, hashes = np.arange(len(names.first), dtype=np.int32), names.first
    firsts = np.empty_like(rows)
    tables: list[NDArray[int32]] = []
    while len(rows):
        table = np.full(2 << (len(rows) - 1).bit_length(), -1, np.int32)
        at = _slots(hashes, table, len(tables))
        table[at[::-1]] = rows[::-1]  # what is written last stays: the first of several
        there = table[at]
        firsts[rows] = there
        others = np.flatnonzero(names.first[there] != hashes)
        rows, hashes = rows[others], hashes[others]
        tables.append(table)
    _agree(names.second[firsts], names.second)
    return Index(names, firsts, tuple(tables))


def places(known: Index, asked: Names) -> NDArray[int32]:
    """For each row of `asked`, the place of the row of `known` with its name, or -1.

    Raises:
        AmbiguousError: A name of `known` is there twice, or hashes do not agree.
    """
    import numpy as np

    if (known.firsts != np.arange(len(known.firsts))).any():
        raise AmbiguousError("a name is there twice")
    rows, hashes = np.arange(len(asked.first), dtype=np.int32), asked.first
    found = np.full(len(rows), -1, np.int32)
    for number, table in enumerate(known.tables):
        there = table[_slots(hashes, table, number)]
        others = np.flatnonzero((there < 0) | (known.names.first[there] != hashes))
        there[others] = -1
        found[rows] = there
        rows, hashes = rows[others], hashes[others]
    told = found >= 0
    _agree(known.names.second[found[told]], asked.second[told])
    return found


def _slots(hashes: NDArray[uint64], table: NDArray[int32], number: int) -> NDArray[int32]:
    """Where names stand in the table of that number."""
    import numpy as np

    mixed = hashes * np.uint64(pow(_MIX, number, 1 << 64)) if number else hashes
    return (mixed >> np.uint64(65 - len(table).bit_length())).astype(np.int32)


def _agree(one: NDArray[uint64], other: NDArray[uint64]) -> None:
    if (one != other).any():
        raise AmbiguousError("two names have one hash")


def groups(names: Index) -> NDArray[int32]:
    """For each row, the number of its name; numbers are given in the order of first appearance."""
    return appearance(names.firsts, len(names.firsts))[names.firsts]


def appearance(firsts: NDArray[Any], size: int) -> NDArray[int32]:
    """By place, how many of the places `firsts` come before it: their numbers at those places."""
    import numpy as np

    there = marks(firsts, size)
    return np.cumsum(there, dtype=np.int32) - there.astype(np.int32)


def marks(places_: NDArray[Any], size: int) -> NDArray[bool_]:
    """Whether each place is one of some."""
    import numpy as np

    there = np.zeros(size, bool)
    there[places_] = True
    return there
