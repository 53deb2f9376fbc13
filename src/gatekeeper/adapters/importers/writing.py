"""Writing an imported run: the rows of one or two files, what they say of themselves, the seal."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.flat_tables import Part, write_tables
from gatekeeper.adapters.importers.items import Place, rows_of
from gatekeeper.adapters.importers.records import open_flat
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal, write_run
from gatekeeper.adapters.tables import database, digests, file_digest, literal
from gatekeeper.core.canonical import canonical
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.run import RunSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.importers.items import About, Importer, Item
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run

_SETTINGS: Final[dict[str, Any]] = {
    "memory_limit": "256MB",
    "threads": 2,
    "preserve_insertion_order": False,
}
"""What does not fit goes to the run's own directory."""


@dataclass(slots=True)
class Source:
    """One file to import.

    Attributes:
        release: Digest of the release that it is about.
        importer: Who reads it; None for our own records.
        counts: Samples seen, by suite; filled while it is read.
    """

    path: Path
    arm: Arm
    release: str
    digest: str
    suite: Suite | None
    importer: Importer | None = None
    counts: dict[Suite, int] = field(default_factory=dict)


def digest_of(files: tuple[Path, ...]) -> str:
    """sha256 of a file; of several, sha256 of the canonical map from name to sha256."""
    digests = {path.name: file_digest(path) for path in files}
    if len(digests) == 1:
        return next(iter(digests.values()))
    return f"sha256:{hashlib.sha256(canonical(digests)).hexdigest()}"


@contextmanager
def emptied_on_failure(directory: Path) -> Iterator[None]:
    """A run is there whole or not at all."""
    directory.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def write_items(directory: Path, run: Run, sources: list[Source]) -> Run:
    """Write what tools recorded, item by item, and seal it.

    Raises:
        InputError: A file is not as its tool writes it, or speaks twice of one asking.
    """
    write_run(directory, run)
    with RunRecords(directory) as records:
        for source in sources:
            if source.importer is None:
                continue
            place = _place(run, source)
            for item in _once_each(source, source.importer):
                records.write(rows_of(item, place))
                if item.replicate == 0:
                    suite = item.suite or place.suite
                    source.counts[suite] = source.counts.get(suite, 0) + 1
    return seal(directory, run.model_copy(update=_ended(run, sources)))


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


def _place(run: Run, source: Source) -> Place:
    assert source.importer is not None  # noqa: S101 - the caller chose
    about = source.importer.about
    return Place(
        run=run.id,
        release=source.release,
        arm=source.arm,
        set_digest=source.digest,
        suite=source.suite or about.suite,
        price_book=run.source.digest if run.source else source.digest,
        time_us=round(run.started.timestamp() * 1e6),
    )


def _once_each(source: Source, importer: Importer) -> Iterator[Item]:
    seen: set[bytes] = set()
    for item in importer.items():
        key = f"{item.suite}\0{item.sample}\0{item.replicate}".encode()
        short = hashlib.blake2b(key, digest_size=12).digest()
        if short in seen:
            message = f"sample {item.sample!r} was asked twice as number {item.replicate + 1}"
            raise InputError([Problem(message, str(source.path), accepted="one result each")])
        seen.add(short)
        yield item
    if not seen:
        raise InputError([Problem("has no results", str(source.path))])


def _ended(run: Run, sources: list[Source]) -> dict[str, Any]:
    """What is known of the run once everything was read."""
    abouts = [(source, source.importer.about) for source in sources if source.importer]
    partial = [
        f"{source.arm}: {reason}" if len(abouts) > 1 else reason
        for source, about in abouts
        for reason in about.partial
    ]
    candidate, about = abouts[0]
    sets = tuple(_set(run, candidate, suite, about) for suite in sorted(candidate.counts))
    partial += [
        f"{count:,} of {about.declared:,} samples have a result"
        for source, about in abouts
        if about.declared is not None and (count := sum(source.counts.values())) < about.declared
    ]
    times = [about.started for _, about in abouts if about.started]
    ends = [about.ended for _, about in abouts if about.ended]
    other = {suite for source, _ in abouts[1:] for suite in source.counts}
    return {
        "partial": tuple(partial),
        "sets": sets,
        "baseline_suites": tuple(suite for suite in sorted(candidate.counts) if suite in other),
        **_span(run, min(times, default=None), max(ends, default=None)),
    }


def _set(run: Run, source: Source, suite: Suite, about: About) -> RunSet:
    count = source.counts[suite]
    declared = about.declared if len(source.counts) == 1 else None
    return RunSet(
        name=run.sets[0].name if len(source.counts) == 1 else f"{run.sets[0].name[:50]}-{suite}",
        suite=suite,
        digest=source.digest,
        samples=max(count, declared or 0),
        replicates=about.replicates,
        of=about.of,
    )


def _span(run: Run, started: datetime | None, ended: datetime | None) -> dict[str, Any]:
    """When it was run; where no file says, when it was last written, and a note that says so."""
    if ended is not None:
        return {"started": started or ended, "ended": ended}
    note = "the results do not say when they were made: their file's time was taken"
    return {"ended": run.started, "notes": (*run.notes, note)}


# -- our own records ------------------------------------------------------------------------------


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
    name = run.sets[0].name
    sets = tuple(
        RunSet(
            name=name if len(rows) == 1 else f"{name[:50]}-{suite}",
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
        return _span(run, None, None)
    return _span(run, *(datetime.fromtimestamp(value / 1e6, UTC) for value in (low, high)))
