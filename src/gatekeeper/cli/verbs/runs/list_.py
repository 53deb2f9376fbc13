"""`gatekeeper runs list`: the runs of a project, newest first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.report.runs import Listed


def runs_list(
    release: Annotated[
        str | None, typer.Option("--release", help="Only runs with this release on either side.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most.", min=1)] = 20,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """The runs of a project, newest first, with what was decided about each."""
    from gatekeeper.adapters.runs import RUN_FILE
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.cli.wiring import resolve_ref
    from gatekeeper.report.runs import listed_document, listed_text

    session = Session(project, output)
    opened = session.project
    digest = resolve_ref(session, release) if release else None
    paths = sorted(opened.runs.glob(f"*/{RUN_FILE}"), reverse=True)
    verdicts = Verdicts(opened)
    rows: list[Listed] = []
    left_out = 0
    for path in paths:
        row = _row(path.parent, verdicts if len(rows) < limit else None)
        if digest is not None and not _concerns(row, digest):
            continue
        if len(rows) < limit:
            rows.append(row)
        else:
            left_out += 1
    session.emit(listed_document(rows), listed_text(rows, left_out, session.width))


def _row(directory: Path, verdicts: Verdicts | None) -> Listed:
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.errors import GatekeeperError
    from gatekeeper.report.runs import Listed

    try:
        run = read_run(directory)
    except GatekeeperError as error:  # one damaged run does not hide the others
        return Listed(directory.name, None, damage=error.what)
    return Listed(run.id, run, verdicts.outcome(run) if verdicts else "")


def _concerns(row: Listed, digest: str) -> bool:
    run = row.run
    return run is not None and digest in {
        run.candidate.digest,
        run.baseline.digest if run.baseline else "",
    }
