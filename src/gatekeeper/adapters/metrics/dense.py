"""The table `trials` of large runs: the same as `trials` makes, by places instead of by names.

Joining and grouping millions of rows by text takes far longer than reading them. Here the place of
a row is looked up once (`places`), and sums are added into arrays (`slots`, `spending`), which the
views of `keeping` read where they are. The expressions are the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.metrics.arrays import LEAST, MOST, Arrays
from gatekeeper.adapters.metrics.columns import COUNTS, FLAGS, LONGEST, SUMS, TYPES
from gatekeeper.adapters.metrics.keeping import keep
from gatekeeper.adapters.metrics.places import AmbiguousError, groups, index, marks, places
from gatekeeper.adapters.metrics.scoring import score
from gatekeeper.adapters.metrics.slots import Slots, narrow, rows_at, slots_of
from gatekeeper.adapters.metrics.spending import BY_TRIAL, CALLS, Spending, ways
from gatekeeper.adapters.metrics.suites import Suites
from gatekeeper.adapters.metrics.trials import TRIAL
from gatekeeper.adapters.sides import ARM, SAMPLE
from gatekeeper.adapters.tables import literal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

MEMORY: Final = "500MB"
"""What the database may use beside the arrays."""
_FATES: Final = {
    "resolved": "resolved",
    "unresolved": "NOT resolved",
    "follow_up": "follow_up",
    "no_follow_up": "NOT follow_up",
}
BITS: Final = "bits"
"""The array of the conditions that hold of a trial."""
_NO_SCORES: Final = "(FROM scores LIMIT 0)"
_BASE: Final = f"""
SELECT CASE WHEN release NOT IN ($candidate, $baseline) THEN -1
    WHEN {ARM} = 'candidate' THEN 1 ELSE 0 END::TINYINT AS side,
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
        self.arrays = Arrays(connection)
        self.suites = Suites.of(connection)
        self.scored = "scored" in columns
        self.flags, self.counts, self.sums, self.longest = (
            {name: sql for name, sql in several.items() if name in columns}
            for several in (FLAGS, COUNTS, SUMS, LONGEST)
        )
        wanted = {**self.flags, **self.counts, **self.sums, **self.longest}
        self.words = frozenset(word for sql in wanted.values() for word in re.findall(r"\w+", sql))

    def make(self) -> None:
        """Make it; arrays go as soon as they are not needed, since they are what memory holds."""
        trial, of_call, of_fate, of_score = self._joined()
        size = len(trial)
        side = self.arrays.column("side", "based")
        rows, firsts = slots_of(trial, side)
        count = len(firsts)
        slots = Slots(rows, count, alone=count == size)
        at = rows_at(rows, of_score, count)
        spending = Spending.of(self.arrays, of_call, self.words)
        del of_call, of_score
        table = {
            "side": side[firsts],
            "trial": self._numbers(trial, side, firsts),
            "suite": self.suites.numbers(self.arrays)[firsts],
            **spending.by_trial(self.sums, rows, count),
        }
        spent = spending.by_request(size)
        self._read(spent | self._fate(of_fate, size))
        del trial, side, spending, of_fate
        table |= self._folded(slots, spent)
        del spent
        self.connection.unregister("by_place")
        self._same_clusters(rows, firsts)
        first = marks(firsts, size)
        del rows, firsts, slots
        keep(self.connection, table, first, self._columns(table), self.suites)
        if self.scored:
            score(self.connection, at, table, self.suites)

    def _joined(self) -> tuple[NDArray[Any], ...]:
        """The trial of each request, and the request of each call, late fact and score."""
        trial = groups(index(self.arrays.names("based", "sample", "suite", "replicate")))
        requests = index(self.arrays.names("requests", "request_id"))
        tables = (CALLS, "outcomes", "scores" if self.scored else _NO_SCORES)
        named = (self.arrays.names(table, "request_id") for table in tables)
        return trial, *(places(requests, names) for names in named)

    def _numbers(
        self, trial: NDArray[Any], side: NDArray[Any], firsts: NDArray[Any]
    ) -> NDArray[Any]:
        """A number for each trial, the same on both sides, that ends in 12 bits of its `TRIAL`."""
        import numpy as np

        ending = f"CASE WHEN side = 1 THEN ({TRIAL} & 4095)::SMALLINT ELSE 0 END"
        ends = self.arrays.column(ending, "based")
        ours = np.flatnonzero(side == 1)
        end = np.zeros(int(trial.max(initial=-1)) + 1, np.int16)
        end[trial[ours]] = ends[ours]
        number = trial[firsts]
        made: NDArray[Any] = number.astype(np.int64) << 12 | end[number]
        return made

    def _fate(self, at: NDArray[Any], size: int) -> dict[str, NDArray[Any]]:
        """What late facts say of each request: a bit for whatever any of them says."""
        import numpy as np

        known = at >= 0
        made = np.zeros(size, np.int8)
        said = self.arrays.bits(_FATES, "outcomes")[known].astype(np.int8)
        np.bitwise_or.at(made, at[known], said)
        return {"said": made}

    def _read(self, arrays: dict[str, NDArray[Any]]) -> None:
        """The view `asked`: requests with what was found of each, row beside row."""
        columns = [
            "CASE WHEN said & 2 > 0 THEN false WHEN said & 1 > 0 THEN true END AS resolved",
            "CASE WHEN said & 4 > 0 THEN true WHEN said & 8 > 0 THEN false END AS follow_up",
        ]
        for name, (_, way) in ways(self.words).items():
            if way == "bool_or":
                columns.append(f"({name} > 0) AS {name}")
            elif name not in BY_TRIAL:
                columns.append(f"nullif({name}, {LEAST}) AS {name}")
        self.connection.register("by_place", arrays)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP VIEW asked AS SELECT based.*, {', '.join(columns)} "  # noqa: S608
            "FROM based POSITIONAL JOIN by_place"
        )

    def _folded(self, slots: Slots, spent: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Flags, counts, sums and extremes over the requests of each trial."""
        import numpy as np

        bits = narrow(self.arrays.bits({**self.flags, **self.counts}, "asked"))
        made = {BITS: slots.either(bits)}
        for bit, name in enumerate(self.counts, len(self.flags)):
            if not slots.alone:
                made[name] = narrow(slots.added(bits >> bit & 1))
        for name, sql in self.sums.items():
            if name not in BY_TRIAL:
                value = spent[sql] if sql in spent else self.arrays.numbers(sql, "asked", 0)
                made[name] = narrow(slots.added(value))
        for name, sql in self.longest.items():
            value = self.arrays.numbers(f"coalesce({sql}, 0)", "asked", 0)
            made[name] = narrow(slots.extreme(np.maximum, LEAST, value))
        due = self.arrays.numbers("scheduled_us", "based", MOST)
        return {**made, "due": slots.extreme(np.minimum, MOST, due)}

    def _same_clusters(self, rows: NDArray[Any], firsts: NDArray[Any]) -> None:
        """Refuse trials whose requests name several clusters: the least would have to be found."""
        cluster = self.arrays.column("hash(cluster)", "based")
        first = cluster[firsts]
        mine = rows < len(firsts)
        if (first[rows[mine]] != cluster[mine]).any():
            raise AmbiguousError("the requests of a trial name several clusters")

    def _columns(self, table: Mapping[str, NDArray[Any]]) -> dict[str, str]:
        """SQL of the columns by name, over the names of the arrays."""
        bits = (*self.flags, *self.counts)
        made = {"side": "side::TINYINT", "trial": "trial::BIGINT"}
        wanted = (self.flags, self.counts, self.sums, self.longest)
        for (kind, _, _), several in zip(TYPES, wanted, strict=True):
            for name in several:
                value = name if name in table else f"({BITS} >> {bits.index(name)} & 1)"
                made[name] = f"{value}::{kind}"
        return made
