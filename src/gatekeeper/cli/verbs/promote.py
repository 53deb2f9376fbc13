"""`gatekeeper promote`: make a release stable in an environment."""

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


def promote(
    ref: Annotated[str, typer.Argument(help="The release.")],
    env: EnvironmentOption,
    reason: ReasonOption = "",
    actor: ActorOption = None,
    canary: Annotated[
        int | None, typer.Option("--canary", help="Percent of the traffic.", hidden=True)
    ] = None,
    dry_run: DryRunOption = False,
    take_over: TakeOverOption = False,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Make a release stable, on a passing, fresh, signed verdict and nothing less."""
    if canary is not None:
        raise UsageError(
            "canary lanes come with a later version", fix="leave --canary out: promote goes to all"
        )
    from gatekeeper.cli import environments
    from gatekeeper.cli.wiring import resolve_ref
    from gatekeeper.ops.promote import promote as carry_out
    from gatekeeper.report.promotion import moved_document, moved_text

    session = Session(project, output)
    digest = resolve_ref(session, ref)
    site = environments.site_of(session.project, env, progress=session.progress())
    intent = environments.intent_of(actor, reason, dry_run=dry_run, take_over=take_over)
    moved = carry_out(site, digest, intent, environments.signer_of(session.project, "promote"))
    session.emit(moved_document(moved, env), moved_text(moved, env, "promote", session.width))
    if moved.exit_code:
        raise typer.Exit(moved.exit_code)
