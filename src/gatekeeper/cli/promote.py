"""`gatekeeper promote`: make a release stable in an environment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import UsageError

EnvironmentOption = Annotated[str, typer.Option("--env", help="The environment.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept in the ledger.")]
ActorOption = Annotated[
    str | None, typer.Option("--actor", help="Who; by default GATEKEEPER_ACTOR, or the user.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="Go on from an entry whose key was revoked.")
]


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
    from gatekeeper.ops.promote import Intent
    from gatekeeper.ops.promote import promote as carry_out
    from gatekeeper.report.promotion import moved_document, moved_text

    session = Session(project, output)
    digest = resolve_ref(session, ref)
    site = environments.site_of(session.project, env, progress=session.progress())
    intent = Intent(
        actor=environments.actor(actor),
        reason=environments.kept(reason, "--reason"),
        now=datetime.now(UTC),
        dry_run=dry_run,
        take_over=take_over,
    )
    moved = carry_out(site, digest, intent, environments.signer_of(session.project, "promote"))
    session.emit(moved_document(moved, env), moved_text(moved, env, "promote", session.width))
    if moved.exit_code:
        raise typer.Exit(moved.exit_code)
