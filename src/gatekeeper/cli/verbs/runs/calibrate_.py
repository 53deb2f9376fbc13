"""`gatekeeper runs calibrate`: a scorer beside what people say."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session


def runs_calibrate(
    run: Annotated[str, typer.Argument(help="A run: its id, the beginning of it, or a path.")],
    labels: Annotated[
        Path, typer.Option("--labels", help="JSON Lines or CSV: sample_id, label, replicate.")
    ],
    scorer: Annotated[str, typer.Option("--scorer", help="Whose scores: judge, helpful, ….")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="From here on a score or a label is good.")
    ] = 0.5,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Compare a scorer with people: agreement, kappa, error rates, bias by length and position."""
    from gatekeeper.adapters.judgements import judgements
    from gatekeeper.adapters.labels import read_labels
    from gatekeeper.adapters.runs import find_run, read_run
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.core.scoring.calibration import calibrate
    from gatekeeper.report.calibration import calibration_text

    session = Session(project, output)
    people = read_labels(labels)
    directory = find_run(session.project, run)
    stored = read_run(directory)
    with open_tables(directory, stored) as connection:
        found = judgements(connection, stored.candidate.digest, scorer, people)
    calibration = calibrate(found.judged, threshold)
    left_out = {
        "failed": found.failed,
        "unlabelled": found.unlabelled,
        "strangers": found.strangers,
    }
    document = {"run": stored.id, "scorer": scorer, **asdict(calibration), "left_out": left_out}
    session.emit(document, calibration_text(scorer, calibration))
    for word, count in left_out.items():
        if count:
            session.note(f"{count} left out: {_REASONS[word]}")


_REASONS = {
    "failed": "the scorer gave an error",
    "unlabelled": "scored, and nobody has labelled it",
    "strangers": "labelled, and the scorer has not scored it",
}
