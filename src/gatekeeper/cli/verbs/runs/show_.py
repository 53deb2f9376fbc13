"""`gatekeeper runs show`: one run, or the samples of it that failed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gatekeeper.adapters.failures import Wanted
    from gatekeeper.adapters.looking import SuiteCounts
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run
    from gatekeeper.report.runs import Shown


def runs_show(
    run: Annotated[str, typer.Argument(help="The run: its id, the beginning of it, or a path.")],
    failures: Annotated[
        bool, typer.Option("--failures", help="Show failing samples instead, with all about them.")
    ] = False,
    suite: Annotated[
        str | None, typer.Option("--suite", help="Only failing samples of this suite.")
    ] = None,
    scorer: Annotated[
        str | None, typer.Option("--scorer", help="Only samples that this scorer gave less than 1.")
    ] = None,
    sample: Annotated[
        str | None, typer.Option("--sample", help="This sample, failed or not.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many samples at most.", min=1)] = 10,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """What was run, how it went, and what the metrics are; or which samples failed, and why.

    Prompt and chunks are not recorded: they are made again from the release, where it is in the
    store. Answers are told as the record holds them.
    """
    from gatekeeper.adapters.failures import Wanted
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.report.runs import shown_document, shown_text

    session = Session(project, output)
    directory = find_run(session.project, run)
    found = read_run(directory)
    if failures or suite or scorer or sample:
        _failures(session, directory, found, Wanted(suite or "", scorer or "", sample or "", limit))
        return
    shown = _shown(session, directory, found)
    session.emit(shown_document(shown), shown_text(shown, session.width))


def _failures(session: Session, directory: Path, run: Run, wanted: Wanted) -> None:
    from gatekeeper.adapters.failures import check_names, failures
    from gatekeeper.adapters.looking import opened
    from gatekeeper.cli.verbs.runs.previews import Previews
    from gatekeeper.report.failures import failures_document, failures_text

    with opened(directory, run) as connection:
        check_names(connection, wanted)
        found, total = failures(connection, run, wanted)
    previews = Previews(session.project, run)
    whole = [previews.of(one) for one in found]
    text = failures_text(whole, total, session.width, named=bool(wanted.sample))
    session.emit(failures_document(whole, total), text)


def _shown(session: Session, directory: Path, run: Run) -> Shown:
    from gatekeeper.adapters.failures import Wanted, failures
    from gatekeeper.adapters.looking import opened, suites
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.report.runs import Shown

    with opened(directory, run) as connection:
        counted = suites(connection, run)
        return Shown(
            run,
            Verdicts(session.project).outcome(run),
            counted,
            _scores(connection, run),
            _metrics(connection, run, counted, "candidate"),
            _metrics(connection, run, counted, "baseline"),
            failures(connection, run, Wanted(limit=0))[1],
        )


def _scores(connection: Any, run: Run) -> list[dict[str, Any]]:
    from gatekeeper.adapters.score_summary import score_summary

    found = []
    for one in score_summary(connection):
        side = "candidate" if one.release == run.candidate.digest else "baseline"
        facts = {"arm": one.arm or side, "suite": one.suite, "scorer": one.scorer}
        mean = asdict(one.mean)
        found.append({**facts, **mean, "mean": mean.pop("value"), "errors": one.errors})
    return sorted(found, key=lambda one: (one["arm"] != "candidate", one["suite"], one["scorer"]))


def _metrics(connection: Any, run: Run, counted: Sequence[SuiteCounts], arm: Arm) -> Any:
    from gatekeeper.adapters.looking import measured
    from gatekeeper.ops.measure_run import values

    suites = {one.suite for one in counted if one.arm == arm}
    return values(measured(connection, run, arm), suites) if suites else ()
