"""`gatekeeper show`: what a release is made of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def show(
    ref: Annotated[
        str, typer.Argument(help="The release: a manifest, a digest, env:NAME, a name.")
    ],
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Show what a release is made of, every byte of it verified."""
    from gatekeeper.cli import wiring
    from gatekeeper.report import release as report

    session = Session(project, output)
    store = wiring.store_of(session.project)
    release = store.load(wiring.resolve_ref(session, ref))
    record = store.record(release.digest)
    statements = store.statements(release.digest)
    document: dict[str, Any] = {
        **release.model_dump(mode="json"),
        "record": record.model_dump(mode="json") if record else None,
        "statements": [
            {"predicateType": kind, "created": created, "digest": digest}
            for kind, created, digest in statements
        ],
    }
    lines = [f"{created}  {kind}" for kind, created, _ in statements]
    session.emit(document, report.shown(release, record, lines, width=session.width))
