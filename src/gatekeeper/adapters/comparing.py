"""Two runs side by side: the samples that both answered, as if one run had compared them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.failures import FAILED, TALKS
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.tables import database, view_tables
from gatekeeper.errors import UndecidedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.run import Run

A: Final = "a"
B: Final = "b"
_COMMON: Final = """
CREATE TABLE main.common AS
SELECT set_digest, suite, sample_id, replicate
FROM ({a}) AS x SEMI JOIN ({b}) AS y USING (set_digest, suite, sample_id, replicate)
GROUP BY ALL
"""
_SIDE: Final = """
SELECT * REPLACE ('{side}' AS release, '{side}/' || request_id AS request_id, NULL AS arm)
FROM {side}.requests
WHERE coalesce(arm, CASE WHEN release = '{candidate}' THEN 'candidate' END) = 'candidate'
"""
_FLIPS: Final = f"""
WITH sides AS (
  SELECT suite, sample, bool_or({FAILED}) FILTER (arm = 'candidate') AS b_failed,
    bool_or({FAILED}) FILTER (arm = 'baseline') AS a_failed
  FROM talks GROUP BY suite, sample
)
SELECT suite, sample, b_failed FROM sides WHERE a_failed <> b_failed
ORDER BY b_failed DESC, suite, sample
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Flip:
    """A sample that one run passes and the other does not.

    Attributes:
        broken: It passed in A and fails in B; otherwise the other way round.
    """

    suite: str
    sample: str
    broken: bool


class Comparison:
    """The candidates of two runs on the samples that both answered."""

    def __init__(self, connection: DuckDBPyConnection) -> None:
        self._connection = connection

    def measurements(self, side: str) -> RunMeasurements:
        """One side as the candidate, the other as what it is compared with."""
        other = A if side == B else B
        return RunMeasurements(self._connection.cursor(), side, other)

    def samples(self) -> dict[str, int]:
        """Samples that both answered, by suite."""
        found = self._connection.execute(
            "SELECT suite, count(DISTINCT sample_id) FROM main.common GROUP BY suite ORDER BY suite"
        ).fetchall()
        return dict(found)

    def flips(self) -> tuple[Flip, ...]:
        """What broke from A to B first, then what was mended."""
        cursor = self._connection.cursor()
        cursor.execute(TALKS, {"candidate": B, "scorer": ""})
        return tuple(Flip(*row) for row in cursor.execute(_FLIPS).fetchall())


@contextmanager
def compared(first: tuple[Path, Run], second: tuple[Path, Run]) -> Iterator[Comparison]:
    """The comparison of two sealed runs: A, then B.

    Raises:
        UndecidedError: A run was not sealed.
        IntegrityError: A table is not what it was sealed as.
    """
    with database() as connection:
        for side, (directory, run) in ((A, first), (B, second)):
            if not run.files:
                raise UndecidedError(
                    f"the run is {run.status} and was not sealed",
                    where=run.id,
                    fix="finish it, or compare another",
                )
            connection.execute(f"CREATE SCHEMA {side}; SET schema = '{side}'")
            view_tables(connection, directory, run)
        connection.execute("SET schema = 'main'")
        _join(connection, first[1], second[1])
        yield Comparison(connection)


def _join(connection: DuckDBPyConnection, first: Run, second: Run) -> None:
    """Tables of both sides, of common samples only."""
    sides = {
        side: _SIDE.format(side=side, candidate=run.candidate.digest)
        for side, run in ((A, first), (B, second))
    }
    connection.execute(_COMMON.format(**sides))
    both = " UNION ALL ".join(
        f"({sql}) "
        for sql in (f"SELECT * FROM ({one})" for one in sides.values())  # noqa: S608
    )
    connection.execute(
        f"CREATE VIEW main.requests AS SELECT * FROM ({both}) AS found "  # noqa: S608
        "SEMI JOIN main.common USING (set_digest, suite, sample_id, replicate)"
    )
    for table in TABLES[1:]:
        rows = " UNION ALL ".join(
            f"SELECT * REPLACE ('{side}/' || request_id AS request_id) FROM {side}.{table.name}"  # noqa: S608
            for side in (A, B)
        )
        connection.execute(f"CREATE VIEW main.{table.name} AS {rows}")
