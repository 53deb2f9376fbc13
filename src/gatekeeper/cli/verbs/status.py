"""`gatekeeper status`: what is live."""

from __future__ import annotations

import typer

from gatekeeper.cli.options import EnvironmentOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def status(
    env: EnvironmentOption, output: OutputOption = Output.text, project: ProjectOption = HERE
) -> None:
    """Show what is live in an environment, since when, by whom and on what evidence."""
    from gatekeeper.cli import environments
    from gatekeeper.ops.status import status as look
    from gatekeeper.report.history import status_document, status_text

    session = Session(project, output)
    found = look(environments.site_of(session.project, env))
    session.emit(status_document(found), status_text(found))
    if found.problems:
        raise typer.Exit(1)
