"""What the calls of each request say, and those of each trial, added into arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics.arrays import LEAST
from gatekeeper.adapters.metrics.columns import ORDER, SPENT
from gatekeeper.adapters.metrics.slots import added, narrow
from gatekeeper.adapters.sides import OWN_CALL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from gatekeeper.adapters.metrics.arrays import Arrays

BY_TRIAL: Final = frozenset({"nano_usd", "input_nano_usd", "saved_nano_usd", "tokens"})
"""Sums over calls that no condition on a request reads."""
CALLS: Final = f"(FROM calls WHERE {OWN_CALL})"


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls whose requests are known by their places.

    Attributes:
        arrays: Of the run.
        at: By such a call: the place of its request.
        known: By call: whether it is one of them; a whole slice where all are.
        wanted: Names of what is asked, of `columns.SPENT`.
    """

    arrays: Arrays
    at: NDArray[Any]
    known: NDArray[Any] | slice
    wanted: Collection[str]

    @classmethod
    def of(cls, arrays: Arrays, at: NDArray[Any], wanted: Collection[str]) -> Spending:
        """Of the place of each call's request, below zero where it is not known."""
        known = at >= 0
        chosen = slice(None) if known.all() else known
        return cls(arrays, at[chosen], chosen, wanted)

    def by_request(self, size: int) -> dict[str, NDArray[Any]]:
        """What calls say of each of `size` requests; what is added by trial apart."""
        made = self._flags(size)
        for name, (one, way) in ways(self.wanted).items():
            if way in {"count", "sum"} and name not in BY_TRIAL:
                made[name] = added(self._numbers(one, 0), self.at, size)
        return made | self._ends(size)

    def by_trial(
        self, names: Iterable[str], rows: NDArray[Any], size: int
    ) -> dict[str, NDArray[Any]]:
        """Sums of `size` trials; `rows` has the trial of each request."""
        at = rows[self.at]
        return {
            name: narrow(added(self._numbers(SPENT[name][0], 0), at, size))
            for name in names
            if name in BY_TRIAL
        }

    def _flags(self, size: int) -> dict[str, NDArray[Any]]:
        import numpy as np

        flags = {name: one for name, (one, way) in ways(self.wanted).items() if way == "bool_or"}
        made = {}
        bits = self.arrays.bits(flags, CALLS)[self.known]
        for bit, name in enumerate(flags):
            made[name] = np.zeros(size, np.int8)
            np.bitwise_or.at(made[name], self.at, (bits >> bit & 1).astype(np.int8))
        return made

    def _ends(self, size: int) -> dict[str, NDArray[Any]]:
        """What the first or the last attempt with a value says."""
        ends = {n: found for n, found in ways(self.wanted).items() if found[1].startswith("arg")}
        order = _by_attempt(self._numbers(ORDER, 0)) if ends else []
        return {
            name: self._last(
                self._numbers(one, LEAST), order if way == "arg_max" else order[::-1], size
            )
            for name, (one, way) in ends.items()
        }

    def _last(self, values: NDArray[Any], steps: list[NDArray[Any]], size: int) -> NDArray[Any]:
        """Of each request, the value of the last step that has one."""
        import numpy as np

        made: NDArray[Any] = np.full(size, LEAST, np.int64)
        for step in steps:
            has = step[values[step] != LEAST]
            made[self.at[has]] = values[has]
        return made

    def _numbers(self, sql: str, null: int) -> NDArray[Any]:
        found: NDArray[Any] = self.arrays.numbers(sql, CALLS, null)[self.known]
        return found


def ways(wanted: Collection[str]) -> dict[str, tuple[str, str]]:
    """Of what is wanted of calls: SQL of one call, and the function that folds several."""
    return {
        name: (one, fold.split("(", 1)[0]) for name, (one, fold) in SPENT.items() if name in wanted
    }


def _by_attempt(attempt: NDArray[Any]) -> list[NDArray[Any]]:
    """Places of calls by the number of the attempt, the lowest first."""
    import numpy as np

    return [np.flatnonzero(attempt == number) for number in np.unique(attempt)]
