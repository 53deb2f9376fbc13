"""`gatekeeper evaluate`: run the eval sets, then gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def evaluate(
    ref: Annotated[str, typer.Argument(help="The release.")],
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", help="What to compare with; by default what --env serves."),
    ] = None,
    env: Annotated[
        str, typer.Option("--env", help="The environment that the release is meant for.")
    ] = "local",
    engine: Annotated[
        str | None, typer.Option("--engine", help="Take this engine and no other.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--set", help="Run this eval set only, by name or suite. Repeatable."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Decide by this policy, not the manifest's.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", help="A parameter of the policy: allowed_delta=0.02."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random order.", min=0)] = 7,
    concurrency: Annotated[
        int, typer.Option("--concurrency", help="Conversations at a time.", min=1, max=4096)
    ] = 64,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Run the eval sets through a release, and through what it would replace; then gate.

    The verdict is signed and kept as evidence. Where the environment serves nothing yet, there is
    no baseline, and rules that compare do not apply.
    """
    from gatekeeper.cli.environments import environment_of
    from gatekeeper.cli.evaluations import Choice, carry_out, prepare
    from gatekeeper.cli.gates import EXIT_CODES, attach, decide_stored, parameters_of
    from gatekeeper.report.verdict import verdict_document, verdict_text

    session = Session(project, output)
    parameters = parameters_of(parameter or ())
    settings = environment_of(session.project, env)
    if policy is None:
        # What the environment asks for is what `promote` will want the verdict to come from.
        policy = session.project.root / settings.policy if settings.policy else None
        parameters = {**settings.policy_parameters, **parameters}
    choice = Choice(
        ref=ref,
        baseline=baseline,
        environment=env,
        engine=engine,
        sets=tuple(only or ()),
        policy=policy,
        parameters=parameters,
        seed=seed,
        concurrency=concurrency,
    )
    evaluation = prepare(session, choice)
    directory = carry_out(evaluation, session.progress())
    verdict = decide_stored(session.project, directory, policy, parameters)
    attach(session.project, verdict)
    session.emit(verdict_document(verdict), verdict_text(verdict))
    if EXIT_CODES[verdict.outcome]:
        raise typer.Exit(EXIT_CODES[verdict.outcome])
