"""`gatekeeper policy check`: is it a policy, what are its rules, and can they be decided."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.applying import ParameterOption
from gatekeeper.cli.reports import report_option
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.cli.reports import Format
    from gatekeeper.core.policy.power import PlannedSet


WRITTEN: tuple[Format, ...] = ("json", "sarif")
"""Formats in which the answer can be written."""


def policy_check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy.")],
    sets: Annotated[
        list[Path] | None,
        typer.Option("--set", help="An eval set's file: can the rules be decided by it?"),
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="The same for the sets of a release.")
    ] = None,
    parameter: ParameterOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 where anything is warned of.")
    ] = False,
    report: Annotated[list[str] | None, report_option("what is found", WRITTEN)] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Check a policy, list its rules, and warn of what is weak or cannot be decided.

    Each warning has a code and says what to write instead. Exits 0 where it is a policy, whatever
    is warned of; with --strict, 1 where anything is.
    """
    import json

    from gatekeeper.adapters.places import places
    from gatekeeper.cli.gates import parameters_of, policy_of
    from gatekeeper.cli.power import foreseen
    from gatekeeper.cli.reports import reports_of
    from gatekeeper.cli.verbs.policy.written import fitting, write
    from gatekeeper.core.policy.weakness import doubtful, of_its_dates, undeclared, weaknesses
    from gatekeeper.report.policy_rules import rules_document, rules_text
    from gatekeeper.report.policy_weakness import weakness_sarif, weakness_text

    reports = fitting(reports_of(report or ()), WRITTEN, "a check")
    session = Session(project, output)
    policy = policy_of(session.project, file, parameters_of(parameter or ()))
    found = foreseen(policy, _planned(session, sets or (), release) or ())
    known = bool(sets or release)
    today = datetime.now(UTC).date()
    weak = (
        *of_its_dates(policy.value, today),
        *weaknesses(policy.value, policy.rules, policy.metrics, today),
        *undeclared(policy.rules, policy.metrics, policy.facts),
        *doubtful([one for one in found if known or one.rule.test == "evidence"]),
    )
    told = rules_document(policy, found, weak, known=known)
    session.emit(told, rules_text(policy, found, known=known, width=session.columns))
    for line in weakness_text(weak, session.width):
        session.note(line)
    rules = [one.rule for one in weak]
    path = file if file.exists() or file.is_absolute() else session.project.root / file
    write(
        reports,
        {
            "json": lambda: json.dumps(told, indent=2) + "\n",
            "sarif": lambda: weakness_sarif(weak, places(session.project, None, path, rules)),
        },
    )
    if strict and weak:
        raise typer.Exit(1)


def _planned(
    session: Session, paths: Sequence[Path], release: str | None
) -> tuple[PlannedSet, ...]:
    from gatekeeper.cli.power import planned_set
    from gatekeeper.cli.verbs.policy.applied import sets_named

    return tuple(planned_set(one) for one in sets_named(session, paths, release))
