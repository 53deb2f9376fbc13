"""`gatekeeper runs compare`: two runs, metric by metric and sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def runs_compare(
    first: Annotated[str, typer.Argument(metavar="A", help="A run: its id, or a path.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The run to compare it with.")],
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Also write a pull request comment here.")
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Compare the candidates of two runs on the samples that both answered.

    Metrics are paired by sample, and only eval sets with the same digest are compared. This
    decides nothing: two runs at two times differ by more than their releases.
    """
    from gatekeeper.adapters.comparing import A, B, compared
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.ops.measure_run import differences, values
    from gatekeeper.report import comparison as report

    session = Session(project, output)
    directories = [find_run(session.project, name) for name in (first, second)]
    a, b = (read_run(directory) for directory in directories)
    with compared((directories[0], a), (directories[1], b)) as both:
        samples, flips = both.samples(), both.flips()
        found = report.Compared(
            a,
            b,
            samples,
            report.apart(a, b),
            values(both.measurements(A), samples),
            values(both.measurements(B), samples),
            differences(both.measurements(B), samples),
            [(one.suite, one.sample) for one in flips if one.broken],
            [(one.suite, one.sample) for one in flips if not one.broken],
        )
    if markdown:
        _write(markdown, report.compared_markdown(found))
    session.emit(report.compared_document(found), report.compared_text(found, session.width))


def _write(path: Path, text: str) -> None:
    """Write a file that the person named; raises `UsageError` where there can be none."""
    from gatekeeper.errors import UsageError

    try:
        path.write_text(text, encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise UsageError(
            f"cannot be written: {error.strerror}",
            where=str(path),
            fix="name a file in a directory that exists",
        ) from None
