"""Writing a run of our own records: table by table, and the seal."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.flat_tables import Part, write_tables
from gatekeeper.adapters.importers.records import open_flat
from gatekeeper.adapters.importers.sources import set_name, span
from gatekeeper.adapters.runs import write_run
from gatekeeper.adapters.tables import database, digests, literal
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.run import RunSet

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.importers.sources import Source
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.run import Run

_SETTINGS: Final[dict[str, Any]] = {
    "memory_limit": "256MB",
    "threads": 2,
    "preserve_insertion_order": False,
}
"""What does not fit goes to the run's own directory."""


def write_records(directory: Path, run: Run, sources: list[Source], suite: Suite) -> Run:
    """Write our own records, table by table, and seal them.

    Raises:
        InputError: A file has a row that is not a record, or two of one request.
    """
    scratch = directory / "scratch"
    scratch.mkdir()
    with database(temp_directory=str(scratch), **_SETTINGS) as connection:
        parts = [_part(connection, run, source, suite, scratch) for source in sources]
        write_tables(connection, parts, directory)
        updates = _facts(connection, directory, run, sources)
    shutil.rmtree(scratch)
    sealed = run.model_copy(update={**updates, "files": digests(directory)})
    write_run(directory, sealed)
    return sealed


def _part(
    connection: DuckDBPyConnection, run: Run, source: Source, suite: Suite, scratch: Path
) -> Part:
    flat, view = f"flat_{source.arm}", f"part_{source.arm}"
    open_flat(connection, source.path, flat, scratch)
    baseline = run.baseline.digest if run.baseline else None
    known = {"candidate": False, run.candidate.digest: False}
    if baseline:
        known |= {"baseline": True, baseline: True}
    _refuse_strangers(connection, source, flat, known)
    always = str(source.arm == "baseline").lower()
    named = ", ".join(f"'{name}'" for name, other in known.items() if other)
    connection.execute(
        f"CREATE VIEW {view} AS SELECT *, {always} OR coalesce(release IN ({named}), false) "  # noqa: S608
        f"AS is_baseline FROM {flat}"
    )
    values = {
        "prefix": "baseline:" if source.arm == "baseline" else "",
        "time": round(run.started.timestamp() * 1e6),
        "candidate": run.candidate.digest,
        "baseline": baseline,
        "set_digest": source.digest,
        "suite": source.suite or suite,
        "price_book": run.source.digest if run.source else None,
    }
    return Part(view, values)


def _refuse_strangers(
    connection: DuckDBPyConnection, source: Source, view: str, known: dict[str, bool]
) -> None:
    """Every row is about the candidate or the baseline."""
    found = connection.execute(
        f"SELECT DISTINCT release FROM {view} WHERE release IS NOT NULL ORDER BY ALL LIMIT 100"  # noqa: S608
    ).fetchall()
    problems = [
        Problem(
            f"rows are about {release!r}",
            str(source.path),
            path="release",
            accepted=", ".join(known)
            + ("" if "baseline" in known else "; and a baseline, named with --baseline REF"),
        )
        for (release,) in found
        if release not in known
    ]
    if problems:
        raise InputError(problems)


def _facts(
    connection: DuckDBPyConnection, directory: Path, run: Run, sources: list[Source]
) -> dict[str, Any]:
    """Sets, times and what was compared, from the rows that were written."""
    table = f"read_parquet({literal(directory / 'requests.parquet')})"
    counted = connection.execute(
        f"SELECT suite, count(*) FILTER (arm = 'candidate' AND turn = 0), "  # noqa: S608
        f"count(*) FILTER (arm = 'baseline') FROM {table} GROUP BY suite ORDER BY suite"
    ).fetchall()
    rows = [(suite, mine, other) for suite, mine, other in counted if mine]
    if not rows:
        raise InputError([Problem("has no row about the candidate", str(sources[0].path))])
    sets = tuple(
        RunSet(
            name=set_name(run, suite, alone=len(rows) == 1),
            suite=suite,
            digest=sources[0].digest,
            samples=mine,
        )
        for suite, mine, _ in rows
    )
    suites = tuple(suite for suite, _, other in rows if other)
    return {
        "sets": sets,
        "baseline_suites": suites,
        "partial": _partial(connection, sources),
        **_times(connection, run, sources),
    }


def _partial(connection: DuckDBPyConnection, sources: list[Source]) -> tuple[str, ...]:
    """What rows say of the run that they were exported from: it stays as partial as it was."""
    views = " UNION ALL ".join(f"SELECT partial FROM flat_{source.arm}" for source in sources)  # noqa: S608
    found = connection.execute(
        f"SELECT DISTINCT partial FROM ({views}) WHERE partial IS NOT NULL ORDER BY ALL LIMIT 20"  # noqa: S608
    ).fetchall()
    return tuple(reason[:4096] for (reason,) in found)


def _times(connection: DuckDBPyConnection, run: Run, sources: list[Source]) -> dict[str, Any]:
    views = " UNION ALL ".join(f"SELECT time FROM flat_{source.arm}" for source in sources)  # noqa: S608
    row = connection.execute(f"SELECT min(time), max(time) FROM ({views})").fetchone()  # noqa: S608
    low, high = row or (None, None)
    if low is None or high is None:
        return span(run, None, None)
    return span(run, *(datetime.fromtimestamp(value / 1e6, UTC) for value in (low, high)))
