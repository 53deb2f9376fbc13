"""`gatekeeper gate`: decide a stored run, again or by another policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.reports import ReportOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


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
    report: ReportOption = None,
    record: Annotated[
        bool, typer.Option(help="Sign the verdict and keep it as evidence of the release.")
    ] = True,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Decide a stored run by a policy, without inference."""
    from gatekeeper.adapters.runs import find_run
    from gatekeeper.cli.gates import (
        EXIT_CODES,
        attach,
        decide_stored,
        parameters_of,
        refuse_unbound,
    )
    from gatekeeper.cli.reports import Subject, reports_of, write_reports
    from gatekeeper.report.verdict import verdict_document, verdict_text

    reports = reports_of(report or ())
    session = Session(project, output)
    directory = find_run(session.project, run)
    if record:
        refuse_unbound(directory)
    verdict = decide_stored(session.project, directory, policy, parameters_of(parameter or ()))
    if record:
        attach(session.project, verdict)
    session.emit(verdict_document(verdict), verdict_text(verdict, session.columns))
    write_reports(session, reports, Subject(verdict, directory, policy))
    if EXIT_CODES[verdict.outcome]:
        raise typer.Exit(EXIT_CODES[verdict.outcome])
