"""Writing a run of what another tool recorded: item by item, and the seal."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.importers.items import Place, rows_of
from gatekeeper.adapters.importers.sources import set_name, span
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal, write_run
from gatekeeper.errors import InputError, Problem
from gatekeeper.model.run import RunSet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.adapters.importers.items import About, Importer, Item
    from gatekeeper.adapters.importers.sources import Source
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.run import Run


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
        **span(run, min(times, default=None), max(ends, default=None)),
    }


def _set(run: Run, source: Source, suite: Suite, about: About) -> RunSet:
    count = source.counts[suite]
    declared = about.declared if len(source.counts) == 1 else None
    return RunSet(
        name=set_name(run, suite, alone=len(source.counts) == 1),
        suite=suite,
        digest=source.digest,
        samples=max(count, declared or 0),
        replicates=about.replicates,
        of=about.of,
    )
