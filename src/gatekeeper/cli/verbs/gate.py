"""`gatekeeper gate`: decide a stored run, again or by another policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatekeeper.cli.applying import (
    FactsOption,
    ParameterOption,
    SkipOption,
    SkipReasonOption,
    WhatIfOption,
)
from gatekeeper.cli.options import ActorOption, RedecidingOption
from gatekeeper.cli.reports import ReportOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.cli.applying import Given
    from gatekeeper.cli.reports import Report

EXIT_NO: Final = 1
"""The answer is no."""


def gate(
    run: Annotated[str, typer.Argument(help="The run: its id, the beginning of it, or a path.")],
    policy: RedecidingOption = None,
    parameter: ParameterOption = None,
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
    from gatekeeper.adapters.runs import find_run
    from gatekeeper.cli.applying import Given
    from gatekeeper.cli.gates import parameters_of
    from gatekeeper.cli.reports import reports_of

    reports = reports_of(report or ())
    session = Session(project, output)
    directory = find_run(session.project, run)
    if verify:
        _alone("--verify", {
            "--policy": policy, "--parameter": parameter, "--report": report,
            "--what-if": what_if, "--skip": skip, "--facts": facts, "--env": env,
        })  # fmt: skip
        _verify(session, directory)
    else:
        given = Given(what_if or (), skip or (), reason, actor, facts)
        wish = _Wish(policy, parameters_of(parameter or ()), given, env, keep=record)
        _decide(session, directory, wish, reports)


@dataclass(frozen=True, slots=True)
class _Wish:
    """By what a run is decided; what is None is what the run or its release's manifest says."""

    policy: Path | None
    parameters: Mapping[str, float]
    given: Given
    environment: str | None
    keep: bool


def _decide(session: Session, directory: Path, wish: _Wish, reports: Sequence[Report]) -> None:
    """The verdict, kept unless it is by other limits; the exit code is its outcome."""
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.cli.applying import with_given
    from gatekeeper.cli.deciding import Case, decided, leave
    from gatekeeper.cli.gates import deciding_policy, policy_of
    from gatekeeper.cli.kept_verdicts import refuse_unkept
    from gatekeeper.cli.reports import write_reports

    keep = wish.keep and not wish.given.what_if
    if keep:
        refuse_unkept(session.project, directory)
    run = read_run(directory)
    asked = {} if wish.policy else run.options.parameters
    given = wish.given
    if run.options.facts and not (wish.policy or given.facts):
        given = replace(given, facts=Path(run.options.facts))
    file = wish.policy or deciding_policy(session.project, run.options, run.candidate.digest)
    policy = policy_of(session.project, file, {**asked, **wish.parameters})
    policy = with_given(session, policy, given, wish.environment or run.options.environment)
    subject = decided(session, Case(run, directory, policy, file, reports), keep=keep)
    if wish.given.what_if:
        session.note("a verdict by other limits is shown, and not kept")
    write_reports(session, reports, subject)
    leave(subject.verdict)


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
    from gatekeeper.cli.kept_verdicts import derive_again
    from gatekeeper.report.verification import (
        differences,
        verification_document,
        verification_text,
    )

    kept, derived = derive_again(session.project, directory)
    session.emit(verification_document(kept, derived), verification_text(kept, derived))
    if differences(kept, derived):
        raise typer.Exit(EXIT_NO)
