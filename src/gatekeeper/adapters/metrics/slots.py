"""Rows of a table by the requests that belong to them: sums and extremes, added into arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.metrics.places import appearance

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Slots:
    """The row of the table that each request belongs to.

    Attributes:
        rows: By request; `count` where it belongs to none.
        count: Rows of the table.
        alone: Every request has a row of its own, in the order of the requests.
    """

    rows: NDArray[Any]
    count: int
    alone: bool

    def added(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sums of whole numbers by row."""
        return values if self.alone else added(values, self.rows, self.count)

    def either(self, bits: NDArray[Any]) -> NDArray[Any]:
        """Bits that any request of a row has."""
        import numpy as np

        if self.alone:
            return bits
        found = np.zeros(self.count + 1, bits.dtype)
        np.bitwise_or.at(found, self.rows, bits)
        return found[: self.count]

    def extreme(self, choose: Any, none: int, values: NDArray[Any]) -> NDArray[Any]:
        """The least or the greatest number of each row."""
        import numpy as np

        if self.alone:
            return values
        found = np.full(self.count + 1, none, np.int64)
        choose.at(found, self.rows, values)
        return found[: self.count]


def slots_of(trial: NDArray[Any], side: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each request the row of its trial and side, and for each row its first request.

    Rows are in the order of their first requests. Requests of other releases have the row after
    the last.
    """
    import numpy as np

    ours = np.flatnonzero(side >= 0)
    slot = trial[ours] * np.int64(2) + side[ours]
    firsts = np.full(2 * (int(trial.max(initial=-1)) + 1), len(trial), np.int64)
    np.minimum.at(firsts, slot, ours)
    there = firsts[firsts < len(trial)]
    numbers = appearance(there, len(trial))
    rows = np.full(len(trial), len(there), np.int32)
    rows[ours] = numbers[firsts[slot]]
    return rows, np.sort(there)


def rows_at(rows: NDArray[Any], places: NDArray[Any], none: int) -> NDArray[Any]:
    """The rows of the requests at some places; `none` where a place is below zero."""
    import numpy as np

    found = np.full(len(places), none, np.int32)
    known = places >= 0
    found[known] = rows[places[known]]
    return found


def added(values: NDArray[Any], at: NDArray[Any], slots: int) -> NDArray[Any]:
    """Sums of whole numbers by row; what belongs to no row is left out."""
    import numpy as np

    made = np.zeros(slots + 1, np.int64)
    np.add.at(made, at, values)
    return made[:slots]


def narrow(column: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in as few bytes as hold them."""
    import numpy as np

    if not len(column):
        return column
    low, high = int(column.min()), int(column.max())
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column
