"""`gatekeeper rollback`: return to a release that was good."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import (
    ActorOption,
    DryRunOption,
    EnvironmentOption,
    ReasonOption,
    TakeOverOption,
)
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import UsageError


def rollback(
    env: EnvironmentOption,
    to: Annotated[
        str | None, typer.Option("--to", help="A release; by default the last good one.")
    ] = None,
    reason: ReasonOption = "",
    actor: ActorOption = None,
    component: Annotated[
        str | None, typer.Option("--component", help="One component alone.", hidden=True)
    ] = None,
    dry_run: DryRunOption = False,
    take_over: TakeOverOption = False,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Return to the last good release, whole, in one entry."""
    if component is not None:
        raise UsageError(
            "rolling back one component comes with a later version",
            fix="leave --component out: the whole release goes back",
        )
    from gatekeeper.cli import environments
    from gatekeeper.cli.wiring import resolve_ref
    from gatekeeper.ops.rollback import rollback as carry_out
    from gatekeeper.report.promotion import moved_document, moved_text

    session = Session(project, output)
    digest = resolve_ref(session, to) if to else None
    site = environments.site_of(session.project, env, progress=session.progress())
    intent = environments.intent_of(actor, reason, dry_run=dry_run, take_over=take_over)
    signer = environments.signer_of(session.project, "promote")
    moved = carry_out(site, intent, signer, to=digest)
    session.emit(moved_document(moved, env), moved_text(moved, env, "rollback", session.width))
    if moved.exit_code:
        raise typer.Exit(moved.exit_code)
