"""`gatekeeper policy diff`: what one policy demands more of and less of than another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.applying import ParameterOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

_HELP = "A policy's file, or env:NAME for what decided the stable release there."


def policy_diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_HELP)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=_HELP)],
    sets: Annotated[
        list[Path] | None,
        typer.Option("--set", help="An eval set that NEW would decide by; prices are of today."),
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="The same for the sets of a release.")
    ] = None,
    parameter: ParameterOption = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Show what a policy demands more of and less of than another.

    An environment's policy is shown with the eval sets, prices and facts that it decided by, and
    with what its settings asked for; --set or --release say what NEW would decide by.

    Exits 0 whether or not they differ: this looks, it does not judge.
    """
    from gatekeeper.cli.gates import parameters_of
    from gatekeeper.cli.verbs.policy.applied import (
        policy_named,
        sets_named,
        terms_between,
        with_sets,
    )
    from gatekeeper.core.policy.basis import every_change
    from gatekeeper.report.policy_diff import diff_document, diff_text

    session = Session(project, output)
    given = parameters_of(parameter or ())
    before, after = (policy_named(session.project, name, given) for name in (old, new))
    if given_sets := sets_named(session, sets or (), release):
        after = with_sets(session.project, after, given_sets)
    found = (*every_change(before, after), *terms_between(session.project, old))
    told = diff_text(before, after, found, session.columns)
    session.emit(diff_document(before, after, found), told)
