"""`gatekeeper evaluate`: run the eval sets, then gate."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gatekeeper.cli.evaluation_options import (
    BaselineOption,
    CacheOption,
    ConcurrencyOption,
    DriftOption,
    DryRunOption,
    EngineOption,
    EnvironmentOption,
    FactsOption,
    LimitOption,
    MaxTokensOption,
    MaxUsdOption,
    MlflowOption,
    ParameterOption,
    PolicyOption,
    RefArgument,
    ResponsesOption,
    ResumeOption,
    SeedOption,
    SetOption,
    ShardOption,
    TwinOption,
    decided_by,
    engine_of,
    shard_of,
)
from gatekeeper.cli.reports import ReportOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.cli.evaluations import Evaluation
    from gatekeeper.cli.reports import Report
    from gatekeeper.model.run import Run, RunOptions
    from gatekeeper.ports import Watch


ENVIRONMENT, SEED, CONCURRENCY = "local", 7, 64
"""What holds where nothing else is said; a run that is gone on with has said it."""


def evaluate(
    ref: RefArgument = None,
    baseline: BaselineOption = None,
    env: EnvironmentOption = None,
    engine: EngineOption = None,
    only: SetOption = None,
    policy: PolicyOption = None,
    parameter: ParameterOption = None,
    facts: FactsOption = None,
    resume: ResumeOption = None,
    dry_run: DryRunOption = False,
    aa: TwinOption = False,
    limit: LimitOption = None,
    shard: ShardOption = None,
    max_usd: MaxUsdOption = None,
    max_tokens: MaxTokensOption = None,
    cache: CacheOption = None,
    responses: ResponsesOption = None,
    allow_environment_drift: DriftOption = False,
    seed: SeedOption = None,
    concurrency: ConcurrencyOption = None,
    mlflow: MlflowOption = None,
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
            "--policy": policy, "--parameter": parameter, "--facts": facts, "--limit": limit,
            "--shard": shard, "--responses": responses, "--dry-run": dry_run, "--env": env,
            "--seed": seed is not None, "--cache": cache is not None,
            "--allow-environment-drift": allow_environment_drift,
        })  # fmt: skip
        sitting = {"max_usd": max_usd, "max_tokens": max_tokens, "concurrency": concurrency}
        evaluation, run = _again(session, resume, sitting)
        _refuse_unreported(reports, {"--aa": run.options.aa})
    else:
        options = RunOptions(
            environment=env or ENVIRONMENT,
            engine=engine_of(engine, responses),
            sets=tuple(only or ()),
            limit=limit,
            shard=shard_of(shard),
            aa=aa,
            concurrency=concurrency or CONCURRENCY,
            cache=cache,
            responses=str(responses.absolute()) if responses else None,
            max_usd=max_usd,
            max_tokens=max_tokens,
            allow_environment_drift=allow_environment_drift,
            **decided_by(session, env or ENVIRONMENT, policy, parameter or (), facts),
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
        """Who is shown how the run goes, once it has a seed and a directory."""
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


def _conclude(session: Session, run: Run, mlflow: str | None, reports: Sequence[Report]) -> None:
    """The verdict, signed, kept and tracked; the exit code is its outcome."""
    from pathlib import Path

    from gatekeeper.cli.applying import Given, with_given
    from gatekeeper.cli.deciding import Case, decided, leave
    from gatekeeper.cli.gates import deciding_policy, policy_of
    from gatekeeper.cli.noise import tell_noise
    from gatekeeper.cli.reports import write_reports
    from gatekeeper.cli.tracking import track

    if run.options.aa:
        tell_noise(session, run)
        return
    directory = session.project.runs / run.id
    file = deciding_policy(session.project, run.options, run.candidate.digest)
    policy = policy_of(session.project, file, run.options.parameters)
    given = Given(facts=Path(run.options.facts) if run.options.facts else None)
    policy = with_given(session, policy, given, run.options.environment)
    subject = decided(session, Case(run, directory, policy, file, reports), keep=True)
    write_reports(session, reports, subject)
    track(session, directory, subject.verdict, mlflow)
    leave(subject.verdict)
