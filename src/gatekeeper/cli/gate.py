"""`gatekeeper gate`: decide a stored run, again or by another policy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatekeeper.cli.applying import FactsOption, SkipOption, SkipReasonOption, WhatIfOption
from gatekeeper.cli.promote import ActorOption
from gatekeeper.cli.reports import ReportOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Mapping

EXIT_NO: Final = 1
"""The answer is no."""


def gate(
    run: Annotated[str, typer.Argument(help="The run: its id, the beginning of it, or a path.")],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="The gate policy; by default what the manifest names."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", help="A parameter of the policy: allowed_delta=0.02."),
    ] = None,
    what_if: WhatIfOption = None,
    skip: SkipOption = None,
    reason: SkipReasonOption = "",
    actor: ActorOption = None,
    facts: FactsOption = None,
    env: Annotated[
        str | None,
        typer.Option(
            "--env", help="Whose active policy it is compared with; by default that of the run."
        ),
    ] = None,
    report: ReportOption = None,
    record: Annotated[
        bool, typer.Option(help="Sign the verdict and keep it as evidence of the release.")
    ] = True,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Derive the kept verdict again from the records, and say whether it is the same.",
        ),
    ] = False,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Decide a stored run by a policy, without inference.

    Where the policy demands less than the one that decided what is stable, the verdict says so.
    """
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.cli.applying import Given, with_given
    from gatekeeper.cli.gates import (
        EXIT_CODES,
        attach,
        decide_stored,
        named_policy,
        parameters_of,
        policy_of,
        refuse_unkept,
    )
    from gatekeeper.cli.reports import Subject, policy_file, reports_of, write_reports
    from gatekeeper.cli.undecided import reported
    from gatekeeper.report.verdict import verdict_document, verdict_text

    reports = reports_of(report or ())
    session = Session(project, output)
    directory = find_run(session.project, run)
    if verify:
        others: dict[str, object] = {"--policy": policy, "--parameter": parameter}
        others |= {
            "--report": report,
            "--what-if": what_if,
            "--skip": skip,
            "--facts": facts,
            "--env": env,
        }
        _alone("--verify", others)
        _verify(session, directory)
        return
    kept = record and not what_if
    if kept:
        refuse_unkept(session.project, directory)
    stored = read_run(directory)
    path = policy or named_policy(session.project, stored.candidate.digest)
    applied = with_given(
        session,
        policy_of(session.project, path, parameters_of(parameter or ())),
        Given(what_if or (), skip or (), reason, actor, facts),
        env or stored.options.environment,
    )
    with reported(session, reports, stored, applied, policy):
        verdict = decide_stored(session.project, directory, applied)
    if kept:
        attach(session.project, verdict)
    subject = Subject(verdict, directory, path)
    session.emit(
        verdict_document(verdict),
        verdict_text(verdict, session.columns, policy_file(session, subject)),
    )
    if what_if:
        session.note("a verdict by other limits is shown, and not kept")
    write_reports(session, reports, subject)
    if EXIT_CODES[verdict.outcome]:
        raise typer.Exit(EXIT_CODES[verdict.outcome])


def _alone(option: str, others: Mapping[str, object]) -> None:
    from gatekeeper.errors import UsageError

    given = [name for name, value in others.items() if value]
    if given:
        raise UsageError(
            f"{', '.join(given)} cannot be given with {option}",
            where=option,
            fix="a kept verdict holds the policy and the parameters that it came from",
        )


def _verify(session: Session, directory: Path) -> None:
    """Whether the kept verdict follows from the records; exit 1 where it does not."""
    from gatekeeper.cli.gates import derive_again
    from gatekeeper.report.verification import (
        differences,
        verification_document,
        verification_text,
    )

    kept, derived = derive_again(session.project, directory)
    session.emit(verification_document(kept, derived), verification_text(kept, derived))
    if differences(kept, derived):
        raise typer.Exit(EXIT_NO)
