"""`gatekeeper runs export`: the records of a run as a file for other tools."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.adapters.exporting import Flat


class Format(StrEnum):
    """What a run can be exported as."""

    jsonl = "jsonl"
    parquet = "parquet"
    csv = "csv"
    responses = "responses"


FLAT: Final[dict[Format, Flat]] = {
    Format.jsonl: "jsonl",
    Format.parquet: "parquet",
    Format.csv: "csv",
}


def runs_export(
    run: Annotated[str, typer.Argument(help="The run: its id, the beginning of it, or a path.")],
    to: Annotated[Path, typer.Option("--to", help="The file to write.")],
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="By default what the name ends in, or jsonl. csv cannot be imported.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Write a flat row a request: what was asked and answered, tokens, cost, scores, outcomes.

    Several calls of a model are added up, and what is not known is left empty. The format
    `responses` has a line an answer instead, which the engine `recorded` answers from.
    """
    from gatekeeper.adapters.exporting import export
    from gatekeeper.adapters.looking import opened
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.cli.verbs.runs.responses import write_responses
    from gatekeeper.report.markup import one_line

    session = Session(project, output)
    format_ = format_ or _of_name(to)
    directory = find_run(session.project, run)
    found = read_run(directory)
    document: dict[str, Any] = {"run": found.id, "file": str(to), "format": format_.value}
    where = one_line(str(to))
    if format_ is Format.responses:
        rows, left_out = write_responses(session.project, directory, found, to)
        said = f"{rows:,} answers to {where}, {left_out:,} cannot be given again"
        session.emit(
            {**document, "rows": rows, "left_out": left_out}, f"[green]wrote[/green] {said}"
        )
        return
    with opened(directory, found) as connection:
        rows = export(connection, found, FLAT[format_], to)
    session.emit({**document, "rows": rows}, f"[green]wrote[/green] {rows:,} requests to {where}")


def _of_name(target: Path) -> Format:
    """The format that a file's name promises."""
    ending = target.suffix.removeprefix(".")
    return Format(ending) if ending in {one.value for one in FLAT} else Format.jsonl
