"""Composition: a run from files that other tools wrote."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.wiring import resolve_ref, store_of
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from gatekeeper.adapters.importers import Format
    from gatekeeper.adapters.importers.sources import Source
    from gatekeeper.cli.session import Session
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run, RunRelease

NAME_LENGTH = 63
TAKES: dict[str, tuple[Format, ...]] = {
    "--cluster": ("inspect",),
    "--task": ("lm-eval",),
    "--resolved-by": ("inspect", "promptfoo", "lm-eval", "mlflow"),
}
"""The formats that an option is for."""


@dataclass(frozen=True, slots=True)
class Import:
    """What the person asked for."""

    file: Path
    format: Format | None = None
    release: str | None = None
    baseline: str | None = None
    baseline_file: Path | None = None
    suite: Suite | None = None
    set_name: str | None = None
    cluster: str | None = None
    task: str | None = None
    resolved_by: tuple[str, ...] = ()


def import_run(session: Session, wanted: Import) -> Run:
    """Make a run of the files; returns what `run.json` says.

    Raises:
        UsageError: A file or a release is not there, or options contradict each other.
        InputError: A file is not what its format says.
    """
    from gatekeeper.adapters.importers import detect, regular
    from gatekeeper.adapters.importers.item_runs import write_items
    from gatekeeper.adapters.importers.record_runs import write_records
    from gatekeeper.adapters.importers.sources import emptied_on_failure

    project = session.project
    path = regular(wanted.file)
    name = wanted.format or detect(path)
    _refuse_strange_options(wanted, name)
    sources = _sources(session, wanted, path, name)
    run = _begun(session, wanted, name, sources)
    directory = project.runs / run.id
    with emptied_on_failure(directory):
        if name == "records":
            return write_records(directory, run, sources, wanted.suite or "quality")
        return write_items(directory, run, sources)


def _refuse_strange_options(wanted: Import, name: Format) -> None:
    """An option that a format does nothing with would be believed to do something."""
    given = {
        "--cluster": wanted.cluster,
        "--task": wanted.task,
        "--resolved-by": wanted.resolved_by,
    }
    for option, value in given.items():
        if value and name not in TAKES[option]:
            raise UsageError(
                f"means nothing for results of {name}",
                where=option,
                fix=f"it is for {', '.join(TAKES[option])}",
            )


def _sources(session: Session, wanted: Import, path: Path, name: Format) -> list[Source]:
    from gatekeeper.adapters.importers import regular

    sources = [_source(session, wanted, path, name, "candidate", wanted.release)]
    if wanted.baseline_file is not None:
        other = regular(wanted.baseline_file)
        sources.append(_source(session, wanted, other, name, "baseline", wanted.baseline))
    elif wanted.baseline is not None and name != "records":
        raise UsageError(
            "the baseline has no results", where="--baseline", fix="add --baseline-file FILE"
        )
    return sources


def _source(
    session: Session, wanted: Import, path: Path, name: Format, arm: Arm, ref: str | None
) -> Source:
    from gatekeeper.adapters.importers import open_importer
    from gatekeeper.adapters.importers.sources import Source, digest_of

    importer = None
    if name != "records":
        importer = open_importer(
            name,
            path,
            cluster=wanted.cluster,
            task=wanted.task,
            resolved_by=wanted.resolved_by,
        )
    digest = digest_of(importer.files() if importer else (path,))
    release = digest if ref is None else resolve_ref(session, ref)
    return Source(path, arm, release, digest, wanted.suite, importer)


def _begun(session: Session, wanted: Import, name: Format, sources: list[Source]) -> Run:
    from gatekeeper.model.run import Run, RunSet, RunSource, run_id

    now = datetime.now(UTC)
    first = sources[0]
    about = first.importer.about if first.importer else None
    set_name = _name(wanted.set_name or (about.name if about else "") or wanted.file.stem)
    written = datetime.fromtimestamp(first.path.stat().st_mtime, UTC)
    return Run(
        id=run_id(now, secrets.token_hex(2)),
        status="complete",
        candidate=_release(session, wanted.release, first.release, set_name),
        baseline=_baseline(session, wanted, sources, set_name),
        sets=(RunSet(name=set_name, suite="quality", digest=first.digest, samples=0),),
        price_book=first.digest,
        started=min(written, now),
        source=RunSource(format=name, tool=about.tool if about else "", digest=first.digest),
    )


def _baseline(
    session: Session, wanted: Import, sources: list[Source], set_name: str
) -> RunRelease | None:
    if len(sources) > 1:
        return _release(session, wanted.baseline, sources[1].release, set_name)
    if wanted.baseline is None:
        return None
    return _release(session, wanted.baseline, resolve_ref(session, wanted.baseline), set_name)


def _release(session: Session, ref: str | None, digest: str, otherwise: str) -> RunRelease:
    """The release that results are about: one of the store, or nothing but the results."""
    from gatekeeper.model.run import RunRelease

    name = otherwise if ref is None else store_of(session.project).load(digest).name
    return RunRelease(name=name, digest=digest)


def _name(text: str) -> str:
    """A name fit for a set, of whatever the tool calls it."""
    found = re.sub(r"[^a-z0-9._-]+", "-", text.casefold())[:NAME_LENGTH].strip("._-")
    return found or "imported"
