"""`gatekeeper runs import`: a run from what another tool recorded."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


class FormatName(StrEnum):
    """A tool whose results can be imported."""

    records = "records"
    inspect = "inspect"
    promptfoo = "promptfoo"
    lm_eval = "lm-eval"
    mlflow = "mlflow"
    garak = "garak"
    guidellm = "guidellm"


class SuiteName(StrEnum):
    """What results are about."""

    quality = "quality"
    structured = "structured"
    safety = "safety"
    benign = "benign"
    agent = "agent"
    load = "load"


def runs_import(
    file: Annotated[Path, typer.Argument(help="The result file.")],
    format_: Annotated[
        FormatName | None,
        typer.Option("--format", help="What wrote it; by default told by its content."),
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="The release that it is about.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="The release that it is compared with.")
    ] = None,
    baseline_file: Annotated[
        Path | None, typer.Option("--baseline-file", help="The baseline's results, same format.")
    ] = None,
    suite: Annotated[
        SuiteName | None,
        typer.Option("--suite", help="Suite of results that name none; by default quality."),
    ] = None,
    set_name: Annotated[
        str | None, typer.Option("--set-name", help="What to call the eval set.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="inspect: metadata key of samples that belong together."),
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="lm-eval: which task of several.")
    ] = None,
    resolved_by: Annotated[
        list[str] | None,
        typer.Option("--resolved-by", help="A score that must be 1 where a need was met."),
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Make a run of results from another tool, to be gated like any other."""
    from gatekeeper.cli.imports import Import, import_run
    from gatekeeper.report.imports import import_document, import_text

    session = Session(project, output)
    wanted = Import(
        file=file,
        format=format_.value if format_ else None,
        release=release,
        baseline=baseline,
        baseline_file=baseline_file,
        suite=suite.value if suite else None,
        set_name=set_name,
        cluster=cluster,
        task=task,
        resolved_by=tuple(resolved_by or ()),
    )
    run = import_run(session, wanted)
    session.emit(import_document(run), import_text(run))
