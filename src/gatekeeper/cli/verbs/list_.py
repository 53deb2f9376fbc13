"""`gatekeeper list`: the releases of this project."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.adapters.store import ReleaseStore
    from gatekeeper.model.release import ReleaseRecord


def list_(output: OutputOption = Output.text, project: ProjectOption = HERE) -> None:
    """List the releases in the store, oldest first."""
    from gatekeeper.cli import wiring
    from gatekeeper.core.canonical import short
    from gatekeeper.report import release as report

    session = Session(project, output)
    store = wiring.store_of(session.project)
    rows, documents = [], []
    for stored in store.list():
        record = _record(store, stored.digest)
        label = record.metadata.version if record else ""
        built = record.built if record else ""
        rows.append((stored.name, short(stored.digest), label, built))
        documents.append(
            {"name": stored.name, "digest": stored.digest, "label": label, "built": built}
        )
    session.emit({"releases": documents}, report.listed(rows))


def _record(store: ReleaseStore, digest: str) -> ReleaseRecord | None:
    from gatekeeper.errors import IntegrityError

    with suppress(IntegrityError):  # a damaged one is listed all the same; `show` says why
        return store.record(digest)
    return None
