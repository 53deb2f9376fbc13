"""`gatekeeper evaluate`: run the eval sets, then gate."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.reports import ReportOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.cli.evaluations import Evaluation
    from gatekeeper.cli.reports import Report
    from gatekeeper.model.run import Run, RunOptions, Shard
    from gatekeeper.ports import Watch


RUN = "What is run"
GATE = "How it is decided"
USE = "What it may use"
AGAIN = "Going on"
ENVIRONMENT, SEED, CONCURRENCY = "local", 7, 64
"""What holds where nothing else is said; a run that is gone on with has said it."""


def evaluate(
    ref: Annotated[str | None, typer.Argument(help="The release.", show_default=False)] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            rich_help_panel=RUN,
            help="What to compare with, or none; by default what --env serves.",
        ),
    ] = None,
    env: Annotated[
        str | None,
        typer.Option(
            "--env",
            rich_help_panel=RUN,
            help="The environment that the release is meant for; by default local.",
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option("--engine", rich_help_panel=RUN, help="Take this engine and no other."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            rich_help_panel=RUN,
            help="Run this eval set only, by name or suite. Repeatable.",
        ),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", rich_help_panel=GATE, help="Decide by this policy, not the manifest's."
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            rich_help_panel=GATE,
            help="A parameter of the policy: allowed_delta=0.02.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume", rich_help_panel=AGAIN, help="Go on with this run where it was cut off."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            rich_help_panel=USE,
            help="Say what it would cost at most, and ask nothing.",
        ),
    ] = False,
    aa: Annotated[
        bool,
        typer.Option(
            "--aa", rich_help_panel=RUN, help="Run the release against itself: how noisy is it?"
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            rich_help_panel=RUN,
            help="Ask this many samples of each set, stratified.",
            min=1,
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            "--shard", rich_help_panel=RUN, help="Run part i of n: 2/4. Merge the runs afterwards."
        ),
    ] = None,
    max_usd: Annotated[
        float | None,
        typer.Option(
            "--max-usd", rich_help_panel=USE, help="Stop before the run costs more.", min=0, max=1e9
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens",
            rich_help_panel=USE,
            help="Stop before it uses more tokens.",
            min=0,
            max=10**15,
        ),
    ] = None,
    cache: Annotated[
        bool | None,
        typer.Option(
            "--cache/--no-cache",
            rich_help_panel=USE,
            help="Remember answers: by default those of pinned weights in this process.",
            show_default=False,
        ),
    ] = None,
    responses: Annotated[
        Path | None,
        typer.Option(
            "--responses", rich_help_panel=RUN, help="What the engine `recorded` answers from."
        ),
    ] = None,
    allow_environment_drift: Annotated[
        bool,
        typer.Option(
            "--allow-environment-drift",
            rich_help_panel=AGAIN,
            help="Evaluate on another machine than the release was validated on; the run says so.",
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", rich_help_panel=RUN, help="Seed of the random order; by default 7.", min=0
        ),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            rich_help_panel=USE,
            help="Conversations at a time; by default 64, or as many as before.",
            min=1,
            max=4096,
        ),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(
            "--mlflow",
            rich_help_panel=GATE,
            help="Track the run there; by default where MLFLOW_TRACKING_URI says.",
        ),
    ] = None,
    report: ReportOption = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Run the eval sets through a release, and through what it would replace; then gate.

    The verdict is signed and kept as evidence. Where the environment serves nothing yet, there is
    no baseline, and rules that compare do not apply. Ctrl-C lets the conversations that have begun
    come to their end; `--resume` goes on from there.
    """
    from gatekeeper.cli.reports import reports_of
    from gatekeeper.model.run import RunOptions

    reports = reports_of(report or ())
    _refuse_unreported(reports, {"--dry-run": dry_run, "--aa": aa})
    session = Session(project, output)
    if resume is not None:
        _refuse({
            "REF": ref, "--baseline": baseline, "--engine": engine, "--set": only, "--aa": aa,
            "--policy": policy, "--parameter": parameter, "--limit": limit, "--shard": shard,
            "--responses": responses, "--dry-run": dry_run, "--env": env,
            "--seed": seed is not None, "--cache": cache is not None,
            "--allow-environment-drift": allow_environment_drift,
        })  # fmt: skip
        sitting = {"max_usd": max_usd, "max_tokens": max_tokens, "concurrency": concurrency}
        evaluation, run = _again(session, resume, sitting)
        _refuse_unreported(reports, {"--aa": run.options.aa})
    else:
        options = RunOptions(
            environment=env or ENVIRONMENT,
            engine=_engine(engine, responses),
            sets=tuple(only or ()),
            limit=limit,
            shard=_shard(shard),
            aa=aa,
            concurrency=concurrency or CONCURRENCY,
            cache=cache,
            responses=str(responses.absolute()) if responses else None,
            max_usd=max_usd,
            max_tokens=max_tokens,
            allow_environment_drift=allow_environment_drift,
            **_decided_by(session, env or ENVIRONMENT, policy, parameter or ()),
        )
        seed = SEED if seed is None else seed
        evaluation, run = _anew(session, ref, options, baseline, seed)
    if dry_run:
        _estimate(session, evaluation)
    else:
        _conclude(session, _sit(session, evaluation, run), mlflow, reports)


def _refuse_unreported(reports: Sequence[Report], reasons: Mapping[str, bool]) -> None:
    from gatekeeper.errors import UsageError

    given = [name for name, value in reasons.items() if value]
    if reports and given:
        raise UsageError(
            f"{given[0]} decides nothing, so there is no verdict to report",
            where="--report",
            fix=f"leave out --report or {given[0]}",
        )


def _refuse(fixed: Mapping[str, object]) -> None:
    from gatekeeper.errors import UsageError

    given = [name for name, value in fixed.items() if value]
    if given:
        raise UsageError(
            f"a run goes on as it began: {', '.join(given)} cannot be given with --resume",
            fix="with --resume give at most --max-usd, --max-tokens and --concurrency",
        )


def _engine(engine: str | None, responses: Path | None) -> str | None:
    """The engine asked for: answers in a file are for the one that replays them."""
    from gatekeeper.errors import UsageError

    if responses is None:
        return engine
    if engine not in (None, "recorded"):
        raise UsageError(
            f"the engine {engine!r} does not answer from a file",
            where="--responses",
            fix="leave --engine out, or say --engine recorded",
        )
    if not responses.is_file():
        raise UsageError(
            "no such file", where=str(responses), fix="check the name and the directory"
        )
    return "recorded"


def _shard(text: str | None) -> Shard | None:
    from pydantic import ValidationError

    from gatekeeper.errors import UsageError
    from gatekeeper.model.run import Shard

    if text is None:
        return None
    index, _, count = text.partition("/")
    try:
        found = Shard(index=int(index), count=int(count))
    except (ValueError, ValidationError):
        found = None
    if found is None or found.index > found.count:
        raise UsageError(
            f"{text!r} is no part of a run",
            where="--shard",
            fix="write --shard 2/4: the second of four",
        )
    return found


def _decided_by(
    session: Session, env: str, policy: Path | None, words: Sequence[str]
) -> dict[str, Any]:
    """The policy, which `promote` will want the verdict to come from, and its parameters."""
    from gatekeeper.cli.environments import environment_of
    from gatekeeper.cli.gates import parameters_of

    parameters = parameters_of(words)
    settings = environment_of(session.project, env)
    if policy is not None:
        found, root = policy.resolve(), session.project.root
        inside = policy.exists() and found.is_relative_to(root)
        named = found.relative_to(root) if inside else policy
        return {"policy": str(named), "parameters": parameters}
    return {"policy": settings.policy, "parameters": {**settings.policy_parameters, **parameters}}


def _anew(
    session: Session, ref: str | None, options: RunOptions, baseline: str | None, seed: int
) -> tuple[Evaluation, Run]:
    from gatekeeper.cli.beginning import begin
    from gatekeeper.cli.evaluations import prepare
    from gatekeeper.cli.power import warn
    from gatekeeper.errors import UsageError

    if ref is None:
        raise UsageError(
            "name a release, or a run to go on with",
            fix="gatekeeper evaluate REF, or gatekeeper evaluate --resume RUN",
        )
    evaluation = prepare(session, ref, options, baseline=baseline, seed=seed)
    warn(session, evaluation.warnings)
    return evaluation, begin(evaluation)


def _again(
    session: Session, reference: str, sitting: Mapping[str, float | None]
) -> tuple[Evaluation, Run]:
    """An interrupted run, with what was given for this sitting."""
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.cli.evaluations import prepare_again

    run = read_run(find_run(session.project, reference))
    changes = {name: value for name, value in sitting.items() if value is not None}
    run = run.model_copy(update={"options": run.options.model_copy(update=changes)})
    return prepare_again(session, run), run


def _sit(session: Session, evaluation: Evaluation, run: Run) -> Run:
    from gatekeeper.cli.sittings import Sitting, carry_out
    from gatekeeper.cli.watching import watch_for
    from gatekeeper.report.markup import escape

    directory, options = session.project.runs / run.id, run.options

    def watch(started: Run) -> Watch:
        return watch_for(
            sys.stderr,
            run_directory=directory,
            run=started,
            rules=evaluation.rules,
            ceiling_usd=options.max_usd,
        )

    session.note(f"[dim]run {run.id}[/dim]")
    for told in (*run.drift, *run.contamination):
        session.note(f"[yellow]{escape(told)}[/yellow]")
    return carry_out(Sitting(evaluation, run, directory, watch, session.note))


def _estimate(session: Session, evaluation: Evaluation) -> None:
    import asyncio

    from gatekeeper.cli.plans import estimated
    from gatekeeper.report.estimate import estimate_document, estimate_text

    found = asyncio.run(estimated(evaluation))
    session.emit(estimate_document(found), estimate_text(found))


def _conclude(
    session: Session, run: Run, mlflow: str | None, reports: Sequence[Report] = ()
) -> None:
    """The verdict, signed, kept and tracked; the exit code is its outcome."""
    from gatekeeper.cli.applying import Given, with_given
    from gatekeeper.cli.gates import EXIT_CODES, attach, decide_stored, deciding_policy, policy_of
    from gatekeeper.cli.reports import Subject, policy_file, write_reports
    from gatekeeper.cli.tracking import track
    from gatekeeper.cli.undecided import reported
    from gatekeeper.report.verdict import verdict_document, verdict_text

    if run.options.aa:
        _tell_noise(session, run)
        return
    directory = session.project.runs / run.id
    path = deciding_policy(session.project, run.options, run.candidate.digest)
    policy = policy_of(session.project, path, run.options.parameters)
    policy = with_given(session, policy, Given(), run.options.environment)
    with reported(session, reports, run, policy, path):
        verdict = decide_stored(session.project, directory, policy)
    attach(session.project, verdict)
    subject = Subject(verdict, directory, path)
    session.emit(
        verdict_document(verdict),
        verdict_text(verdict, session.columns, policy_file(session, subject)),
    )
    write_reports(session, reports, subject)
    track(session, directory, verdict, mlflow)
    if EXIT_CODES[verdict.outcome]:
        raise typer.Exit(EXIT_CODES[verdict.outcome])


def _tell_noise(session: Session, run: Run) -> None:
    """What an A/A run shows; it decides nothing, and no verdict comes of it."""
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.adapters.twins import TwinMeasurements
    from gatekeeper.cli.gates import deciding_policy, policy_of
    from gatekeeper.ops.noise import noise_of
    from gatekeeper.report.noise import noise_document, noise_text

    project, options = session.project, run.options
    policy = deciding_policy(project, options, run.candidate.digest)
    rules = policy_of(project, policy, options.parameters).rules
    with open_tables(project.runs / run.id, run) as connection:
        noise = noise_of(run, TwinMeasurements(connection, run.candidate.digest), rules)
    session.emit(noise_document(noise), noise_text(noise))
