"""`gatekeeper verify`: may a release be served here, and if not, why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def verify(
    ref: Annotated[str, typer.Argument(help="The release.")],
    env: Annotated[str, typer.Option("--for", help="The environment.")],
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Say whether a release may be served in an environment, with every reason if not."""
    from gatekeeper.cli import environments
    from gatekeeper.cli.wiring import resolve_ref
    from gatekeeper.ops.verify import verify as check
    from gatekeeper.report.promotion import verification_document, verification_text

    session = Session(project, output)
    digest = resolve_ref(session, ref)
    site = environments.site_of(session.project, env, progress=session.progress())
    found = check(site, digest, now=datetime.now(UTC))
    session.emit(verification_document(found), verification_text(found, session.width))
    if not found.accepted:
        raise typer.Exit(1)
