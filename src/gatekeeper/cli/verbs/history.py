"""`gatekeeper history`: every change of an environment, verified."""

from __future__ import annotations

import typer

from gatekeeper.cli.options import EnvironmentOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def history(
    env: EnvironmentOption, output: OutputOption = Output.text, project: ProjectOption = HERE
) -> None:
    """Show every change of an environment, newest first; verifies what it prints."""
    from gatekeeper.cli import environments
    from gatekeeper.ops.history import history as read
    from gatekeeper.report.history import history_document, history_text

    session = Session(project, output)
    found = read(environments.site_of(session.project, env))
    session.emit(history_document(found), history_text(found))
    if not found.sound:
        raise typer.Exit(1)
