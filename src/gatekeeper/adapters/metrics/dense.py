"""The table `trials` of large runs: the same as `trials` makes, by places instead of by names.

Joining and grouping millions of rows by text takes far longer than reading them. Here the place of
a row is looked up once, and sums are added into arrays. The expressions are the same.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics.columns import COUNTS, FLAGS, LONGEST, ORDER, SPENT, SUMS, TYPES
from gatekeeper.adapters.metrics.places import (
    AmbiguousError,
    Names,
    appearance,
    groups,
    marks,
    ordered,
    places,
)
from gatekeeper.adapters.metrics.trials import DEPENDENCE, TRIAL
from gatekeeper.adapters.sides import ARM, OWN_CALL, SAMPLE
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from gatekeeper.adapters.metrics.places import Sorted

MEMORY: Final = "500MB"
"""What the database may use beside the arrays."""
LEAST: Final = -(2**63)
"""Stands for null among numbers."""
MOST: Final = 2**63 - 1
_HASHES: Final = "hash({0}) AS first, hash(reverse({0})) AS second"
_BY_TRIAL: Final = frozenset({"nano_usd", "input_nano_usd", "saved_nano_usd", "tokens"})
"""Sums over calls that no condition on a request reads."""
_CALLS: Final = f"(FROM calls WHERE {OWN_CALL})"
_FATES: Final = {
    "resolved": "resolved",
    "unresolved": "NOT resolved",
    "follow_up": "follow_up",
    "no_follow_up": "NOT follow_up",
}
_BASE: Final = f"""
SELECT CASE WHEN release NOT IN ($candidate, $baseline) THEN -1
    WHEN {ARM} = 'candidate' THEN 1 ELSE 0 END AS side,
  coalesce(suite, '') AS suite, {SAMPLE} AS sample, replicate::INTEGER AS replicate,
  * EXCLUDE (suite, replicate, input, answer)
FROM requests
"""  # noqa: S608 - constants only


def make_dense(
    connection: DuckDBPyConnection, candidate: str, baseline: str, columns: Collection[str]
) -> bool:
    """Make the table `trials` of the records of two releases, if hashes can tell them apart.

    Args:
        connection: With the tables of one sealed run, the rows of which have a fixed order.
        candidate: Digest of the release under test.
        baseline: Digest of the release that it is compared with.
        columns: Those that are wanted, of `columns.COLUMNS`.
    """
    base = _BASE.replace("$candidate", literal(candidate)).replace("$baseline", literal(baseline))
    connection.execute(f"CREATE OR REPLACE TEMP VIEW based AS {base}")
    limit = connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]
    connection.execute(f"SET memory_limit = {literal(MEMORY)}")  # the arrays are not part of it
    try:
        _Dense(connection, columns).make()
    except AmbiguousError:
        return False
    finally:
        connection.execute(f"SET memory_limit = {literal(limit)}")
    return True


class _Dense:
    """The making of one table."""

    def __init__(self, connection: DuckDBPyConnection, columns: Collection[str]) -> None:
        self.connection = connection
        self.flags, self.counts, self.sums, self.longest = (
            {name: sql for name, sql in several.items() if name in columns}
            for several in (FLAGS, COUNTS, SUMS, LONGEST)
        )
        wanted = {**self.flags, **self.counts, **self.sums, **self.longest}
        words = frozenset(word for sql in wanted.values() for word in re.findall(r"\w+", sql))
        self.spent = {
            name: (one, fold.split("(", 1)[0])
            for name, (one, fold) in SPENT.items()
            if name in words
        }
        self.size = 0

    def make(self) -> None:
        import numpy as np

        keys, requests, calls, fates = self._sorted(
            self._names("based", "suite || chr(31) || sample || chr(31) || replicate"),
            self._names("requests", "request_id"),
            self._names(_CALLS, "request_id"),
            self._names("outcomes", "request_id"),
        )
        of_call, of_fate = places(requests, calls), places(requests, fates)
        trial = groups(keys)
        self.size = len(trial)
        del keys, requests, calls, fates
        side = self._column("side", "based").astype(np.int8)
        rows, firsts = _slots(trial, side)
        slots = Slots(rows, len(firsts), alone=len(firsts) == len(rows))
        known = of_call >= 0
        at = of_call[known]
        del of_call
        table = {"side": side[firsts]}
        table |= self._sums(rows[at], known, len(firsts))
        self._read(self._spent(at, known) | self._fate(of_fate))
        del trial, side, at, known, of_fate
        table |= self._folded(slots)
        self.connection.unregister("by_place")
        self._same_clusters(rows, firsts)
        first = marks(firsts, self.size)
        del rows, firsts, slots
        self._keep(table, first)

    def _names(self, table: str, name: str) -> Names:
        found = self._fetch(f"SELECT {_HASHES.format(name)} FROM {table}")  # noqa: S608
        return Names(found["first"], found["second"])

    @staticmethod
    def _sorted(*names: Names) -> list[Sorted]:
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(ordered, names))

    def _fetch(self, sql: str) -> dict[str, Any]:
        return dict(self.connection.execute(sql).fetchnumpy())

    def _column(self, sql: str, table: str) -> NDArray[Any]:
        return self._fetch(f"SELECT {sql} AS found FROM {table}")["found"]  # type: ignore[no-any-return] # noqa: S608

    def _numbers(self, sql: str, table: str, null: int) -> NDArray[Any]:
        return self._column(f"coalesce(({sql})::BIGINT, {null})", table)

    def _bits(self, conditions: Mapping[str, str], table: str) -> NDArray[Any]:
        """One number a row, with a bit for each condition that holds."""
        terms = (
            f"CASE WHEN {sql} THEN {1 << bit} ELSE 0 END"
            for bit, sql in enumerate(conditions.values())
        )
        return self._column(f"({' | '.join(('0', *terms))})::BIGINT", table)

    def _spent(self, at: NDArray[Any], known: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """What the calls of each request say, by place; sums of trials are made elsewhere."""
        import numpy as np

        made: dict[str, NDArray[Any]] = {}
        flags = {name: one for name, (one, way) in self.spent.items() if way == "bool_or"}
        bits = self._bits(flags, _CALLS)[known]
        for bit, name in enumerate(flags):
            made[name] = np.zeros(self.size, np.int8)
            np.bitwise_or.at(made[name], at, (bits >> bit & 1).astype(np.int8))
        for name, (one, way) in self.spent.items():
            if way in {"count", "sum"} and name not in _BY_TRIAL:
                made[name] = _added(self._numbers(one, _CALLS, 0)[known], at, self.size)
        ends = {n: (one, way) for n, (one, way) in self.spent.items() if way.startswith("arg")}
        order = _by_attempt(self._numbers(ORDER, _CALLS, 0)[known]) if ends else []
        for name, (one, way) in ends.items():
            steps = order if way == "arg_max" else order[::-1]
            made[name] = self._ends(self._numbers(one, _CALLS, LEAST)[known], at, steps)
        return made

    def _ends(
        self, values: NDArray[Any], at: NDArray[Any], steps: list[NDArray[Any]]
    ) -> NDArray[Any]:
        """Of each request, the value of the last step that has one."""
        import numpy as np

        made = np.full(self.size, LEAST, np.int64)
        for step in steps:
            has = step[values[step] != LEAST]
            made[at[has]] = values[has]
        return made

    def _fate(self, at: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """What late facts say of each request: a bit for whatever any of them says."""
        import numpy as np

        known = at >= 0
        made = np.zeros(self.size, np.int8)
        said = self._bits(_FATES, "outcomes")[known].astype(np.int8)
        np.bitwise_or.at(made, at[known], said)
        return {"said": made}

    def _sums(self, at: NDArray[Any], known: NDArray[Any], slots: int) -> dict[str, NDArray[Any]]:
        """Sums over calls by trial."""
        return {
            name: _narrow(_added(self._numbers(SPENT[name][0], _CALLS, 0)[known], at, slots))
            for name in self.sums
            if name in _BY_TRIAL
        }

    def _read(self, arrays: dict[str, NDArray[Any]]) -> None:
        """The view `asked`: requests with what was found of each, row beside row."""
        columns = [
            "CASE WHEN said & 2 > 0 THEN false WHEN said & 1 > 0 THEN true END AS resolved",
            "CASE WHEN said & 4 > 0 THEN true WHEN said & 8 > 0 THEN false END AS follow_up",
        ]
        for name, (_, way) in self.spent.items():
            if way == "bool_or":
                columns.append(f"({name} > 0) AS {name}")
            elif name not in _BY_TRIAL:
                columns.append(f"nullif({name}, {LEAST}) AS {name}")
        self.connection.register("by_place", arrays)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW asked AS SELECT based.*, {', '.join(columns)} "  # noqa: S608
            "FROM based POSITIONAL JOIN by_place"
        )

    def _folded(self, slots: Slots) -> dict[str, NDArray[Any]]:
        """Flags, counts, sums and extremes over the requests of each trial."""
        import numpy as np

        made = {}
        told = {**self.flags, **self.counts}
        bits = self._bits(told, "asked")
        held = int(np.bitwise_or.reduce(bits)) if len(bits) else 0
        for bit, name in enumerate(told):
            if held >> bit & 1:
                one = (bits >> bit & 1).astype(np.int8)
                made[name] = _narrow(
                    slots.extreme(np.maximum, 0, one) if name in FLAGS else slots.added(one)
                )
        del bits
        for name, sql in self.sums.items():
            if name not in _BY_TRIAL:
                made[name] = _narrow(slots.added(self._numbers(sql, "asked", 0)))
        for name, sql in self.longest.items():
            value = self._numbers(f"coalesce({sql}, 0)", "asked", 0)
            made[name] = _narrow(slots.extreme(np.maximum, LEAST, value))
        due = self._numbers("scheduled_us", "based", MOST)
        return {**made, "due": slots.extreme(np.minimum, MOST, due)}

    def _same_clusters(self, rows: NDArray[Any], firsts: NDArray[Any]) -> None:
        """Refuse trials whose requests name several clusters: the least would have to be found."""
        cluster = self._column("hash(cluster)", "based")
        first = cluster[firsts]
        mine = rows < len(firsts)
        if (first[rows[mine]] != cluster[mine]).any():
            raise AmbiguousError("the requests of a trial name several clusters")

    def _keep(self, table: dict[str, NDArray[Any]], first: NDArray[Any]) -> None:
        """The arrays as a table, with the names that the first request of each trial has.

        A column that is the same everywhere is no column of the table, but a word in its view.
        """
        run = self.connection.execute
        same = {name: int(column[0]) for name, column in table.items() if _constant(column)}
        arrays = {n: _narrow(column) for n, column in table.items() if n not in same}
        suites = [row[0] for row in run("SELECT DISTINCT suite FROM based ORDER BY 1").fetchall()]
        suite = f"ENUM({', '.join(map(literal, suites))})" if suites else "VARCHAR"
        clustered, repeated = run(
            "SELECT count(cluster) > 0, coalesce(max(replicate) > 0, false) FROM based"
        ).fetchall()[0]
        names = [f"{TRIAL} AS trial", f"suite::{suite} AS suite", "sample"]
        names += ["cluster"] * clustered + ["replicate"] * repeated
        self.connection.register("by_trial", arrays)
        self.connection.register("firsts", {"first_of_trial": first})
        run(
            f"CREATE OR REPLACE TEMP TABLE kept AS SELECT * FROM (SELECT {', '.join(names)} "  # noqa: S608
            "FROM based POSITIONAL JOIN firsts WHERE first_of_trial) POSITIONAL JOIN by_trial"
        )
        for name in ("by_trial", "firsts"):
            self.connection.unregister(name)
        kinds = {"side": "TINYINT"}
        for (kind, _, _), several in zip(
            TYPES, (self.flags, self.counts, self.sums, self.longest), strict=True
        ):
            kinds |= dict.fromkeys(several, kind)
        columns = [
            "trial, suite::VARCHAR AS suite, sample",
            "replicate" if repeated else "0::INTEGER AS replicate",
            "cluster" if clustered else "NULL::VARCHAR AS cluster",
            f"nullif({same.get('due', 'due')}::BIGINT, {MOST}) AS due",
            *(
                f"{name if name in arrays else same.get(name, 0)}::{kind} AS {name}"
                for name, kind in kinds.items()
            ),
        ]
        run(f"CREATE OR REPLACE TEMP VIEW trials AS SELECT {', '.join(columns)} FROM kept")  # noqa: S608
        run(DEPENDENCE)


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
        return values if self.alone else _added(values, self.rows, self.count)

    def extreme(self, choose: Any, none: int, values: NDArray[Any]) -> NDArray[Any]:
        """The least or the greatest number of each row."""
        import numpy as np

        if self.alone:
            return values
        found = np.full(self.count + 1, none, np.int64)
        choose.at(found, self.rows, values)
        return found[: self.count]


def _slots(trial: NDArray[Any], side: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
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


def _added(values: NDArray[Any], at: NDArray[Any], slots: int) -> NDArray[Any]:
    """Sums of whole numbers by row; what belongs to no row is left out."""
    import numpy as np

    made = np.zeros(slots + 1, np.int64)
    np.add.at(made, at, values)
    return made[:slots]


def _by_attempt(attempt: NDArray[Any]) -> list[NDArray[Any]]:
    """Places of calls by the number of the attempt, the lowest first."""
    import numpy as np

    return [np.flatnonzero(attempt == number) for number in np.unique(attempt)]


def _constant(column: NDArray[Any]) -> bool:
    return bool(len(column)) and bool((column == column[0]).all())


def _narrow(column: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in as few bytes as hold them."""
    import numpy as np

    if not len(column):
        return column
    low, high = int(column.min()), int(column.max())
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return column.astype(kind)
    return column
