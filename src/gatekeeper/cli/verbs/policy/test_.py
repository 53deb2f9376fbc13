"""`gatekeeper policy test`: a policy against past runs of which it is known how they were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.reports import report_option
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.yaml import Document
    from gatekeeper.cli.reports import Format
    from gatekeeper.core.policy.trial import Trial
    from gatekeeper.model.policy_test import PolicyTest
    from gatekeeper.model.verdict import Verdict
    from gatekeeper.ops.policy import Policy

WRITTEN: tuple[Format, ...] = ("text", "json", "junit")
"""Formats in which the answer can be written."""


def policy_test(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The test: kind PolicyTest.")],
    policy: Annotated[
        Path | None,
        typer.Option("--policy", help="Another policy than the test names, to see what changes."),
    ] = None,
    report: Annotated[list[str] | None, report_option("what is found", WRITTEN)] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Decide past runs by a policy, and see whether it says of each what it should.

    No inference, and nothing is recorded. Ages are judged at the end of each run. Exits 1 where
    one comes out other than expected.
    """
    import json

    from gatekeeper.adapters import yaml
    from gatekeeper.cli.gates import policy_of
    from gatekeeper.cli.reports import reports_of
    from gatekeeper.cli.verbs.policy.written import fitting, write
    from gatekeeper.model.policy_test import PolicyTest
    from gatekeeper.report.policy_trial import (
        plain_text,
        trials_document,
        trials_junit,
        trials_text,
    )

    reports = fitting(reports_of(report or ()), WRITTEN, "a test")
    session = Session(project, output)
    path = file if file.exists() or file.is_absolute() else session.project.root / file
    document = yaml.read(path, PolicyTest, root=session.project.root)
    named = policy or session.project.root / document.value.policy
    applied = policy_of(session.project, named, document.value.parameters)
    trials = _decided(session.project, document, applied)
    name = document.value.name
    session.emit(trials_document(name, trials), trials_text(name, trials, session.width))
    write(
        reports,
        {
            "text": lambda: plain_text(name, trials, session.width),
            "json": lambda: json.dumps(trials_document(name, trials), indent=2) + "\n",
            "junit": lambda: trials_junit(name, trials),
        },
    )
    if not all(one.as_expected for one in trials):
        raise typer.Exit(1)


def _decided(project: Project, document: Document[PolicyTest], policy: Policy) -> tuple[Trial, ...]:
    """Every case, decided; raises `InputError` with each that names no run, or no rule."""
    from dataclasses import replace

    from gatekeeper.core.policy.trial import Trial, for_the_past

    rules = {rule.name for rule in policy.rules}
    directories = _found(project, document, rules)
    past = replace(policy, value=for_the_past(policy.value))
    cases = zip(document.value.cases, directories, strict=True)
    return tuple(Trial(case, _verdict(directory, past)) for case, directory in cases)


def _found(project: Project, document: Document[PolicyTest], rules: set[str]) -> tuple[Path, ...]:
    from difflib import get_close_matches

    from gatekeeper.adapters.runs import find_run
    from gatekeeper.errors import UsageError

    problems: list[Problem] = []
    directories: list[Path] = []
    for number, case in enumerate(document.value.cases):
        for name in sorted(case.rules.keys() - rules):
            near = get_close_matches(name, rules, 1)
            what = f"the policy has no rule {name!r}"
            accepted = "the full name of a rule, such as quality.resolved_rate_min"
            place = ("cases", number, "rules", name)
            problems.append(document.problem(place, what, accepted, near[0] if near else ""))
        try:
            directories.append(find_run(project, case.run))
        except UsageError as error:
            what = f"{case.run!r}: {error.what}"
            problems.append(document.problem(("cases", number, "run"), what, error.fix))
    if problems:
        raise InputError(problems)
    return tuple(directories)


def _verdict(directory: Path, policy: Policy) -> Verdict:
    """What a policy says of a run, as if it were decided when the run ended."""
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.cli.gates import measured
    from gatekeeper.ops.gate import decide_run

    run = read_run(directory)
    with measured(directory, run, policy.facts) as measurements:
        return decide_run(run, measurements, policy, decided=run.ended or run.started)
