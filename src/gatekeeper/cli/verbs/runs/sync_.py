"""`gatekeeper runs sync`: bring runs to MLflow that are not there yet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import GatekeeperError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.tracking.target import Target
    from gatekeeper.cli.verdicts import Verdicts


def runs_sync(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Runs, by id or its beginning; all that are not there yet, if none."),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(
            "--mlflow", help="The store; by default GATEKEEPER_MLFLOW or MLFLOW_TRACKING_URI."
        ),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option("--experiment", help="By default MLFLOW_EXPERIMENT_NAME or `gatekeeper`."),
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds that each run may take.", min=1, max=86_400)
    ] = 120,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Bring runs to MLflow that are not there yet, or not all of them.

    A run that is there already is not sent twice, and one that was cut off goes on where it was.
    """
    from gatekeeper.cli.tracking import target_of

    session = Session(project, output)
    target = target_of(mlflow, experiment, timeout)
    if target is None:
        raise UsageError(
            "no MLflow store is named",
            where="--mlflow",
            fix="give --mlflow URI, or set MLFLOW_TRACKING_URI",
        )
    rows = _synced(session.project, _found(session.project, runs or ()), target, named=bool(runs))
    session.emit({"runs": rows}, "\n".join(map(_line, rows)) or "no finished runs")
    if any(row["state"] in LEFT for row in rows):
        raise typer.Exit(UnavailableError.exit_code)


LEFT: Final = ("failed", "not_tried")


def _found(project: Project, names: Sequence[str]) -> list[Path]:
    """The runs that are named, or all that came to their end, oldest first."""
    from gatekeeper.adapters.runs import RUN_FILE, find_run, read_run

    if names:
        return [find_run(project, name) for name in dict.fromkeys(names)]
    paths = sorted(path.parent for path in project.runs.glob(f"*/{RUN_FILE}"))
    return [path for path in paths if read_run(path).files]


def _synced(
    project: Project, directories: Sequence[Path], target: Target, *, named: bool
) -> list[dict[str, Any]]:
    """One row a run. Where the store cannot be reached, the rest is not tried."""
    from gatekeeper.cli.verdicts import Verdicts

    rows: list[dict[str, Any]] = []
    verdicts = Verdicts(project)
    down = False
    for directory in directories:
        row: dict[str, Any] = {"run": directory.name, "state": "not_tried"}
        rows.append(row)
        if down:
            continue
        try:
            row |= _one(project, directory, target, verdicts, named=named)
        except GatekeeperError as error:
            down = isinstance(error, UnavailableError)
            row |= {"state": "failed", "why": str(error)}
    return rows


def _one(
    project: Project, directory: Path, target: Target, verdicts: Verdicts, *, named: bool
) -> dict[str, Any]:
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.cli.tracking import deliver

    run = read_run(directory)
    receipt = deliver(project, directory, verdicts.last(run), target, again=named)
    return {
        "run": run.id,
        "state": receipt.state,
        "mlflow_run": receipt.id,
        "experiment": receipt.experiment,
        "url": receipt.url,
        "traces": receipt.traces,
    }


def _line(row: Mapping[str, Any]) -> str:
    from gatekeeper.report.markup import one_line

    tail = row.get("url") or row.get("why") or ""
    return one_line(f"{row['run']}  {row['state'].replace('_', ' '):9}  {tail}".rstrip())
