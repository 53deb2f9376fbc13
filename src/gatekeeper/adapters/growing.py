"""The tables of a run while they grow: what was appended since the last look is read, no more."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from gatekeeper.adapters.columns import TABLES
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.records import LINES, whole_lines
from gatekeeper.adapters.tables import database

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_BLOCK: Final = 1 << 20
_TEXTS: Final = {
    "requests": "REPLACE ('' AS input, '' AS answer)",
    "calls": "REPLACE (NULL AS error)",
    "scores": "REPLACE (NULL AS detail)",
    "outcomes": "",
}
"""Texts that no metric reads are left out; they would fill the memory of a long run."""
_COLUMNS: Final = ", ".join(f"{table.name}: '{table.struct}'" for table in TABLES)
_FRESH: Final = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT * FROM read_json($path, columns={{{_COLUMNS}}}, format='newline_delimited')
"""  # noqa: S608 - constants only
_ANSWERED_BY_BOTH: Final = """
CREATE TEMP VIEW requests AS
SELECT * FROM seen.main.requests WHERE (suite, sample_id, replicate) IN (
  SELECT (suite, sample_id, replicate) FROM seen.main.requests
  GROUP BY suite, sample_id, replicate HAVING count(DISTINCT coalesce(arm, release)) = 2
)
"""


class GrowingTables:
    """A database beside a run that is being written, on one thread and in little memory.

    Args:
        directory: Of the run, whose lines are read and never touched.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._scratch = tempfile.TemporaryDirectory(prefix="gatekeeper-watch-")
        path = str(Path(self._scratch.name) / "seen.duckdb")
        self._connection = database(path, threads=1, memory_limit="128MB")
        self._open = [self._connection]
        self._read = 0
        for table in TABLES:
            columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
            self._connection.execute(f"CREATE TABLE {table.name} ({columns})")

    def refresh(self) -> int:
        """Read the whole lines that are new; returns their bytes."""
        path, start = self._directory / LINES, self._read
        end = whole_lines(path)
        if end <= start:
            return 0
        fresh = Path(self._scratch.name) / LINES
        _cut(path, start, end, fresh)
        self._connection.execute(_FRESH, {"path": str(fresh)})
        for table in TABLES:
            self._connection.execute(
                f"INSERT INTO {table.name} SELECT * {_TEXTS[table.name]} FROM "  # noqa: S608
                f"(SELECT unnest(row) FROM (SELECT unnest({table.name}) AS row FROM fresh))"
            )
        self._connection.execute("DROP TABLE fresh")
        self._read = end
        return end - start

    def measurements(self, candidate: str, baseline: str | None) -> RunMeasurements:
        """What has been recorded so far."""
        return RunMeasurements(self._cursor(), candidate, baseline)

    def paired(self, candidate: str, baseline: str) -> RunMeasurements:
        """What has been recorded of the samples that both have answered."""
        cursor = self._cursor()
        cursor.execute(_ANSWERED_BY_BOTH)
        return RunMeasurements(cursor, candidate, baseline)

    def _cursor(self) -> DuckDBPyConnection:
        """A connection with temporary tables of its own."""
        cursor = self._connection.cursor()
        self._open.append(cursor)
        return cursor

    def forget(self) -> None:
        """Close what earlier measurements were made with."""
        while len(self._open) > 1:
            self._open.pop().close()

    def interrupt(self) -> None:
        """End what is running in another thread, by an error there."""
        import duckdb

        with suppress(duckdb.ConnectionException):  # closed meanwhile
            for connection in tuple(self._open):
                connection.interrupt()

    def close(self) -> None:
        """Let go of the database and its file."""
        self.forget()
        self._connection.close()
        self._scratch.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cut(path: Path, start: int, end: int, target: Path) -> None:
    """The bytes from `start` to `end` of a file, block by block."""
    with path.open("rb") as source, target.open("wb") as file:
        source.seek(start)
        while start < end:
            block = source.read(min(_BLOCK, end - start))
            file.write(block)
            start += len(block)
