"""`gatekeeper policy approve`: let a release be promoted by a policy that demands less."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.applying import ParameterOption
from gatekeeper.cli.options import ActorOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import UsageError


def policy_approve(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy.")],
    release: Annotated[str, typer.Option("--release", help="The release that is promoted by it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the release.")],
    env: Annotated[
        str, typer.Option("--env", help="The environment whose active policy it is compared with.")
    ] = "local",
    parameter: ParameterOption = None,
    actor: ActorOption = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Approve of what a policy demands less of, for one release.

    Signed with the key of the role promote and kept as evidence of the release. It holds for this
    very policy and the one before it: another change needs another approval.
    """
    from gatekeeper.cli import environments
    from gatekeeper.cli.gates import parameters_of, policy_of
    from gatekeeper.cli.wiring import resolve_ref, store_of
    from gatekeeper.model.statement import POLICY_APPROVAL
    from gatekeeper.ops.approve import approve
    from gatekeeper.ops.promote import Intent
    from gatekeeper.report.policy_approval import approval_document, approval_text

    if not reason.strip():
        raise UsageError("says nothing", where="--reason", fix="say why less may be demanded")
    session = Session(project, output)
    digest = resolve_ref(session, release)
    site = environments.site_of(session.project, env)
    given = parameters_of(parameter or ()) or site.environment.policy_parameters
    policy = policy_of(session.project, file, given)
    who, why = environments.actor(actor), environments.kept(reason, "--reason")
    found = approve(
        site,
        digest,
        policy,
        Intent(actor=who, reason=why, now=datetime.now(UTC)),
        environments.signer_of(session.project, "promote"),
    )
    name = store_of(session.project).attach(digest, found.bundle, POLICY_APPROVAL)
    session.emit(approval_document(found.approval, digest, name), approval_text(found.approval))
