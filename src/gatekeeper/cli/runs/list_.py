"""`gatekeeper runs list`: the runs of a project, newest first."""

from __future__ import annotations

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def runs_list(output: OutputOption = Output.text, project: ProjectOption = HERE) -> None:
    """The runs of a project, newest first."""
    from gatekeeper.adapters.runs import RUN_FILE, read_run

    session = Session(project, output)
    paths = sorted(session.project.runs.glob(f"*/{RUN_FILE}"), reverse=True)
    runs = [read_run(path.parent) for path in paths]
    document = {"runs": [run.model_dump(mode="json") for run in runs]}
    session.emit(document, "\n".join(f"{run.id}  {run.status}" for run in runs))
