"""Which rows belong together, by their places instead of by their names.

Two hashes of 64 bits tell names apart: the first is sorted to find equals, the second has to agree.
Where it does not, or where a name that should be there once is there twice, nobody guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from numpy import bool_, int32, uint64
    from numpy.typing import NDArray


class AmbiguousError(GatekeeperError):
    """Hashes do not tell rows apart: they have to be joined by name."""

    code = "ambiguous"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the rows of a table, as two hashes each, in the order of the rows."""

    first: NDArray[uint64]
    second: NDArray[uint64]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The places of rows in the order of the first hash of their names."""

    names: Names
    order: NDArray[int32]
    ordered: NDArray[uint64]


def ordered(names: Names) -> Sorted:
    """Names in the order of their first hash."""
    import numpy as np

    order = np.argsort(names.first).astype(np.int32)
    return Sorted(names, order, names.first[order])


def places(known: Sorted, asked: Sorted) -> NDArray[int32]:
    """For each row of `asked`, the place of the row of `known` with its name, or -1.

    Raises:
        AmbiguousError: A name of `known` is there twice, or hashes do not agree.
    """
    import numpy as np

    if (known.ordered[1:] == known.ordered[:-1]).any():
        raise AmbiguousError("a name is there twice")
    found = np.full(len(asked.order), -1, np.int32)
    if not len(known.order):
        return found
    at = np.searchsorted(known.ordered, asked.ordered)
    np.minimum(at, len(known.order) - 1, out=at)
    hit = known.ordered[at] == asked.ordered
    found[asked.order[hit]] = known.order[at[hit]]
    there = found >= 0
    if (known.names.second[found[there]] != asked.names.second[there]).any():
        raise AmbiguousError("two names have one hash")
    return found


def groups(names: Sorted) -> NDArray[int32]:
    """For each row, the number of its name; numbers are given in the order of first appearance.

    Raises:
        AmbiguousError: Hashes do not agree.
    """
    import numpy as np

    size = len(names.order)
    if not size:
        return np.empty(0, np.int32)
    new = np.concatenate(([True], names.ordered[1:] != names.ordered[:-1]))
    second = names.names.second[names.order]
    if (second[1:] != second[:-1])[~new[1:]].any():
        raise AmbiguousError("two names have one hash")
    starts = np.flatnonzero(new)
    firsts = np.minimum.reduceat(names.order, starts)
    numbers = appearance(firsts, size)
    found = np.empty(size, np.int32)
    found[names.order] = np.repeat(numbers[firsts], np.diff(np.append(starts, size)))
    return found


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
