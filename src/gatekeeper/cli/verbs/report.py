"""`gatekeeper report`: a stored run as one page, or in any format that a gate writes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gatekeeper.cli.reports import FORMATS, Format
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict


ENDINGS: Final[dict[Format, str]] = {
    "text": ".txt",
    "json": ".json",
    "markdown": ".md",
    "junit": ".junit.xml",
    "sarif": ".sarif",
    "html": ".html",
    "github": ".github.txt",
    "gitlab": ".gitlab.json",
}


def report(
    run: Annotated[str, typer.Argument(help="The run: its id, the beginning of it, or a path.")],
    format_: Annotated[
        str, typer.Option("--format", help=f"One of {', '.join(FORMATS)}.", metavar="FORMAT")
    ] = "html",
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            help="The file to write; by default RUN.html here, or as its format ends; - is stdout.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Write the last verdict on a run as a page that needs nothing else, or in another format.

    It tells what was decided, by the policy of then; `gatekeeper gate` decides anew.
    """
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.cli.policy_files import policy_file_of
    from gatekeeper.cli.reports import Subject, places_of, render, reports_of, write_reports
    from gatekeeper.errors import UsageError
    from gatekeeper.report.markup import one_line

    session = Session(project, output)
    chosen = _format(format_)
    printed = to is not None and str(to) == "-"
    if printed and output is Output.json:
        raise UsageError(
            "stdout cannot be both the report and the answer",
            where="--to -",
            fix="name a file with --to, or leave out --output json",
        )
    directory = find_run(session.project, run)
    found = read_run(directory)
    verdict = _last(session, found)
    subject = Subject(verdict, directory, policy_file_of(session.project, found, verdict))
    if printed:
        sys.stdout.write(render(session, chosen, subject, places_of(session, subject)))
        return
    target = to or Path(f"{found.id}{ENDINGS[chosen]}")
    reports = reports_of([f"{chosen}={target}"], "--to")
    write_reports(session, reports, subject)
    document = {"run": found.id, "format": chosen, "file": str(target)}
    session.emit(document, f"[green]wrote[/green] {one_line(str(target))}")


def _format(word: str) -> Format:
    from difflib import get_close_matches

    from gatekeeper.errors import UsageError

    found = next((one for one in FORMATS if one == word), None)
    if found is None:
        near = get_close_matches(word, FORMATS, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(
            f"{word!r} is no format{hint}", where="--format", fix=f"one of {', '.join(FORMATS)}"
        )
    return found


def _last(session: Session, run: Run) -> Verdict:
    """The last verdict on the run that the gate signed."""
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.errors import UndecidedError

    found = Verdicts(session.project).last(run)
    if found is None:
        raise UndecidedError(
            "it has no signed verdict that could be told",
            where=run.id,
            fix=f"gatekeeper gate {run.id}, or add --no-record --report html=FILE",
        )
    return found
