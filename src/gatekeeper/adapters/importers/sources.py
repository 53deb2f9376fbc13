"""Files to import, and what holds for the run of them whoever wrote them."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.tables import file_digest
from gatekeeper.core.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from gatekeeper.adapters.importers.items import Importer
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run


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


def span(run: Run, started: datetime | None, ended: datetime | None) -> dict[str, Any]:
    """When it was run; where no file says, when it was last written, and a note that says so."""
    if ended is not None:
        return {"started": started or ended, "ended": ended}
    note = "the results do not say when they were made: their file's time was taken"
    return {"ended": run.started, "notes": (*run.notes, note)}


def set_name(run: Run, suite: Suite, *, alone: bool) -> str:
    """What the samples of a suite are called: as the run's set, where it is `alone`."""
    name = run.sets[0].name
    return name if alone else f"{name[:50]}-{suite}"


@contextmanager
def emptied_on_failure(directory: Path) -> Iterator[None]:
    """A run is there whole or not at all."""
    directory.mkdir(parents=True)
    try:
        yield
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
